"""Read a table of segments of the user's."""

from pathlib import Path

from layerwise.experiment.job import logged
from layerwise.segments.reading import read_segments

with logged(snakemake):
    read_segments(
        Path(snakemake.input.table),
        Path(snakemake.input.utterances),
        Path(snakemake.output.segments),
        Path(snakemake.output.problems),
    )
