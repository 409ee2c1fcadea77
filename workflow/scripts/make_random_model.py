"""Draw the weights of a model from a seed."""

from pathlib import Path

from layerwise.checkpoints import make_random_checkpoint
from layerwise.run import logged

with logged(snakemake):
    make_random_checkpoint(snakemake.params.architecture, snakemake.params.seed, Path(snakemake.output.folder))
