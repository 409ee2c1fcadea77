"""Fetch an archive, and check that it is the one that was meant."""

from pathlib import Path

from layerwise.experiment.job import logged
from layerwise.files.digests import note_digest
from layerwise.files.downloads import fetch

with logged(snakemake):
    archive, checks = Path(snakemake.output.archive), snakemake.params.checks
    fetch(
        snakemake.params.url,
        archive,
        **checks,
        mirrors=snakemake.params.mirrors,
        local_copy="corpus.audio, corpus.alignments or probes.sources",
        root=Path(str(archive).removesuffix(f"/{snakemake.wildcards.archive}")),
        note=True,
    )
    if not (checks["md5"] or checks["sha256"]):
        note_digest(archive, snakemake.params.url)
