"""Compare the trends of models, two by two."""

from layerwise.model_pairs import compare_models
from layerwise.run import logged

with logged(snakemake):
    compare_models(
        snakemake.input.scores,
        snakemake.input.models,
        folds=snakemake.params.folds,
        seed=snakemake.params.seed,
        out=snakemake.output.table,
        jackknife=snakemake.input.jackknife or None,
    )
