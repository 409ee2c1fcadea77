"""Cut long recordings into utterances."""

from pathlib import Path

from layerwise.alignments.cutting import cut_recordings
from layerwise.experiment.job import logged

with logged(snakemake):
    cut_recordings(
        Path(snakemake.input.recordings),
        Path(snakemake.input.intervals),
        snakemake.params.pause,
        Path(snakemake.output.utterances),
        Path(snakemake.output.intervals),
    )
