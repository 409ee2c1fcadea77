"""Draw the weights of a model from a seed."""

import os
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"  # before the hub's client is imported: nothing has to be fetched

from layerwise.experiment.job import logged
from layerwise.models.random_weights import make_random_checkpoint, make_random_checkpoint_like

with logged(snakemake):
    seed, folder = snakemake.params.seed, Path(snakemake.output.folder)
    if snakemake.params.like:
        make_random_checkpoint_like(Path(snakemake.params.like), seed, folder)
    else:
        make_random_checkpoint(snakemake.params.architecture, seed, folder)
