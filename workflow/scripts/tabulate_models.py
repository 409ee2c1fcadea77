"""List the models of an experiment and what is known of them."""

from pathlib import Path

from layerwise.experiment.job import logged
from layerwise.tables.models import write_models

with logged(snakemake):
    write_models(snakemake.params.models, Path(snakemake.output.table))
