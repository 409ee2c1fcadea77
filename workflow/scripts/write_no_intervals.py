"""Write the empty tables of a corpus without alignments."""

from pathlib import Path

from layerwise.alignments.without import write_without
from layerwise.experiment.job import logged

with logged(snakemake):
    write_without(Path(snakemake.output.intervals), Path(snakemake.output.problems))
