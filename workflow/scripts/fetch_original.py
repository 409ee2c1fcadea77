"""Fetch a model in the file of its authors."""

from pathlib import Path

from layerwise.fetching import fetch_original
from layerwise.run import logged

with logged(snakemake):
    fetch_original(
        snakemake.params.url,
        snakemake.params.sha256,
        Path(snakemake.output.folder),
        mirrors=snakemake.params.mirrors,
    )
