"""Take the table of a corpus's speakers from its audio."""

from pathlib import Path

from layerwise.corpus.speakers_in_audio import take_speakers
from layerwise.experiment.job import logged

with logged(snakemake):
    take_speakers(Path(snakemake.input.audio), snakemake.params.name, Path(snakemake.output.table))
