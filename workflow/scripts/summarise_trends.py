"""Average the scores of each layer, and find the best ones."""

from layerwise.experiment.job import logged
from layerwise.scoring.properties import read_properties
from layerwise.tables.best_layers import best_layers
from layerwise.tables.trends import summarise_trends

with logged(snakemake):
    summarise_trends(
        snakemake.input.scores,
        snakemake.params.folds,
        snakemake.output.trends,
        jackknife=snakemake.input.jackknife or None,
    )
    best_layers(
        snakemake.output.trends,
        snakemake.input.scores,
        read_properties(snakemake.params.questions),
        snakemake.output.best,
    )
