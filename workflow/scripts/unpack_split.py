"""Check the audio archive of a split that a task uses, and unpack it."""

from pathlib import Path

from layerwise.corpus import unpack_audio
from layerwise.downloads import verify
from layerwise.run import logged

with logged(snakemake):
    archive = Path(snakemake.input.archive)
    verify(archive, **snakemake.params.checks)
    unpack_audio(archive, snakemake.params.split, Path(snakemake.output.folder))
