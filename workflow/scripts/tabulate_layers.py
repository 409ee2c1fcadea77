"""Tabulate one property by layer and model."""

from layerwise.experiment.job import logged
from layerwise.tables.trends import wide_table

with logged(snakemake):
    wide_table(snakemake.input.trends, snakemake.wildcards.property, snakemake.params.metric, snakemake.output.table)
