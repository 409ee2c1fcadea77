"""Ask a checkpoint for the layers of its model."""

import os
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"  # before the hub's client is imported: what has to be fetched, has been

from layerwise.experiment.job import logged
from layerwise.models.describe import write_outline

with logged(snakemake):
    write_outline(Path(snakemake.params.checkpoint), Path(snakemake.output.shape))
