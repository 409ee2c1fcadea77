"""Check an archive of a task's data, and unpack it."""

from pathlib import Path

from layerwise.corpus.unpacking import unpack_all
from layerwise.experiment.job import logged

with logged(snakemake):
    unpack_all(Path(snakemake.input.archive), Path(snakemake.output.folder), checks=snakemake.params.checks)
