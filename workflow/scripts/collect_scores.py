"""Gather all scores in one table."""

from layerwise.experiment.job import logged
from layerwise.tables.scores import collect_scores

with logged(snakemake):
    collect_scores(
        snakemake.input.scores,
        metrics=snakemake.params.metrics,
        properties=snakemake.params.properties,
        models=snakemake.params.models,
        blocks=snakemake.params.blocks,
        out=snakemake.output.scores,
        strict=snakemake.params.strict,
        jackknife=snakemake.output.jackknife or None,
        own_folds=snakemake.params.own_folds,
    )
