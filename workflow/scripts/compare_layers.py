"""Compare layers, two by two."""

from layerwise.experiment.job import logged
from layerwise.tables.layer_pairs import compare_layers

with logged(snakemake):
    compare_layers(
        snakemake.input.scores,
        snakemake.params.pairs,
        folds=snakemake.params.folds,
        out=snakemake.output.table,
        jackknife=snakemake.input.jackknife or None,
        predictions=dict(zip(snakemake.params.heads, snakemake.input.predictions, strict=True)),
        metrics=snakemake.params.metrics,
    )
