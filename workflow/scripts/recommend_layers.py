"""Recommend layers."""

from layerwise.experiment.job import logged
from layerwise.scoring.properties import read_properties
from layerwise.tables.recommendations import recommend

with logged(snakemake):
    recommend(
        snakemake.input.trends,
        snakemake.input.best,
        snakemake.input.probes,
        snakemake.input.comparison,
        read_properties(snakemake.params.questions),
        models=snakemake.params.models,
        controls=snakemake.params.controls,
        shown=snakemake.params.shown,
        folds_by=snakemake.params.folds_by,
        seed=snakemake.params.seed,
        seed_of_heads=snakemake.params.seed_of_heads,
        out=snakemake.output.table,
    )
