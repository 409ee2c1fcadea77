"""Recommend layers."""

from layerwise.experiment.job import logged
from layerwise.tables.recommendations import recommend

with logged(snakemake):
    recommend(
        snakemake.input.trends,
        snakemake.input.best,
        snakemake.input.probes,
        snakemake.input.comparison,
        models=snakemake.params.models,
        controls=snakemake.params.controls,
        metric=snakemake.params.metric,
        folds_by=snakemake.params.folds_by,
        seed=snakemake.params.seed,
        out=snakemake.output.table,
    )
