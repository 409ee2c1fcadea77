"""Recommend layers."""

from layerwise.recommendations import recommend
from layerwise.run import logged

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
