"""Tabulate each property by layer and model."""

from layerwise.experiment.job import logged
from layerwise.tables.trends import wide_tables

with logged(snakemake):
    wide_tables(
        snakemake.input.trends,
        dict(zip(snakemake.params.properties, snakemake.output.tables, strict=True)),
        snakemake.params.shown,
    )
