"""Fetch an archive, and check that it is the one that was meant."""

from pathlib import Path

from layerwise.experiment.job import logged
from layerwise.files.archives import fetch_archive

with logged(snakemake):
    fetch_archive(
        snakemake.params.url,
        Path(snakemake.output.archive),
        name=snakemake.wildcards.archive,
        checks=snakemake.params.checks,
        mirrors=snakemake.params.mirrors,
    )
