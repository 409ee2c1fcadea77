"""Compare the trends of models, two by two."""

from layerwise.experiment.job import logged
from layerwise.tables.model_pairs import compare_models

with logged(snakemake):
    compare_models(
        snakemake.input.scores,
        snakemake.input.models,
        folds=snakemake.params.folds,
        seed=snakemake.params.seed,
        out=snakemake.output.table,
        jackknife=snakemake.input.jackknife or None,
    )
