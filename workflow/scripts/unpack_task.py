"""Check an archive of a task's data, and unpack it."""

from pathlib import Path

from layerwise.corpus import unpack_all
from layerwise.downloads import verify
from layerwise.run import logged

with logged(snakemake):
    archive = Path(snakemake.input.archive)
    verify(archive, **snakemake.params.checks)
    unpack_all(archive, Path(snakemake.output.folder))
