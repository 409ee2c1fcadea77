"""Fetch a checkpoint folder from the Hugging Face hub."""

from pathlib import Path

from layerwise.hub import fetch_checkpoint
from layerwise.run import logged

with logged(snakemake):
    fetch_checkpoint(snakemake.params.repository, snakemake.params.revision, Path(snakemake.output.folder))
