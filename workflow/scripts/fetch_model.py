"""Fetch a checkpoint folder from the Hugging Face hub."""

from pathlib import Path

from layerwise.experiment.job import logged
from layerwise.models.hub import fetch_checkpoint

with logged(snakemake):
    fetch_checkpoint(snakemake.params.repository, snakemake.params.revision, Path(snakemake.output.folder))
