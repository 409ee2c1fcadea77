"""Check an archive of a task's data, and unpack it."""

from pathlib import Path

from layerwise.corpus.unpacking import unpack_all
from layerwise.experiment.job import logged
from layerwise.files.digests import verify

with logged(snakemake):
    archive = Path(snakemake.input.archive)
    verify(archive, **snakemake.params.checks)
    unpack_all(archive, Path(snakemake.output.folder))
