"""Average the scores of each pair of layers."""

from layerwise.experiment.job import logged
from layerwise.scoring.properties import read_properties
from layerwise.tables.matrices import summarise_matrices

with logged(snakemake):
    summarise_matrices(
        snakemake.input.scores,
        metrics=snakemake.params.metrics,
        properties=read_properties(snakemake.params.questions),
        models=snakemake.params.models,
        blocks=snakemake.params.blocks,
        folds=snakemake.params.folds,
        folds_by=snakemake.params.folds_by,
        intervals=snakemake.params.intervals,
        out=snakemake.output.table,
        strict=snakemake.params.strict,
    )
