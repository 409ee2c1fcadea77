"""Check the audio archive of a split that a task uses, and unpack it."""

from pathlib import Path

from layerwise.corpus.unpacking import unpack_audio
from layerwise.experiment.job import logged

with logged(snakemake):
    unpack_audio(
        Path(snakemake.input.archive),
        snakemake.params.split,
        Path(snakemake.output.folder),
        checks=snakemake.params.checks,
    )
