"""Draw the weights of a model from a seed."""

import os
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"  # before the hub's client is imported: nothing has to be fetched

from layerwise.checkpoints import make_random_checkpoint
from layerwise.run import logged

with logged(snakemake):
    make_random_checkpoint(snakemake.params.architecture, snakemake.params.seed, Path(snakemake.output.folder))
