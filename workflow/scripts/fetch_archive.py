"""Fetch an archive, and check that it is the one that was meant."""

from pathlib import Path

from layerwise.downloads import fetch
from layerwise.run import logged

with logged(snakemake):
    fetch(
        snakemake.params.url,
        Path(snakemake.output.archive),
        **snakemake.params.checks,
        mirrors=snakemake.params.mirrors,
        local_copy="corpus.audio or corpus.alignments",
    )
