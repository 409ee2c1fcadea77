"""List the models of an experiment and what is known of them."""

from pathlib import Path

from layerwise.run import logged
from layerwise.tables import write_models

with logged(snakemake):
    write_models(snakemake.params.models, Path(snakemake.output.table))
