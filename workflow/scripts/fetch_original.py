"""Fetch a model in the file of its authors."""

from pathlib import Path

from layerwise.experiment.job import logged
from layerwise.models.fetch import fetch_original

with logged(snakemake):
    fetch_original(
        snakemake.params.url,
        snakemake.params.sha256,
        Path(snakemake.output.folder),
        mirrors=snakemake.params.mirrors,
    )
