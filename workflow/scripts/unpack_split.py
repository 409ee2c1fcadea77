"""Check the audio archive of a split that a task uses, and unpack it."""

from pathlib import Path

from layerwise.corpus.unpacking import unpack_audio
from layerwise.experiment.job import logged
from layerwise.files.digests import verify

with logged(snakemake):
    archive = Path(snakemake.input.archive)
    verify(archive, **snakemake.params.checks)
    unpack_audio(archive, snakemake.params.split, Path(snakemake.output.folder))
