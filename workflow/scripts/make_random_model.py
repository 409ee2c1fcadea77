"""Draw the weights of a model from a seed."""

import os
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"  # before the hub's client is imported: nothing has to be fetched

from layerwise.experiment.job import logged
from layerwise.models.random_weights import make_random_model

with logged(snakemake):
    make_random_model(
        snakemake.params.architecture,
        Path(snakemake.params.like) if snakemake.params.like else None,
        seed=snakemake.params.seed,
        out=Path(snakemake.output.folder),
    )
