"""Compare the trends of properties with the performance of tasks."""

from layerwise.experiment.job import logged
from layerwise.scoring.properties import read_properties
from layerwise.tables.comparison import compare

with logged(snakemake):
    compare(
        snakemake.input.scores,
        snakemake.input.probes,
        read_properties(snakemake.params.questions),
        folds=snakemake.params.folds,
        seed=snakemake.params.seed,
        out=snakemake.output.table,
        jackknife=snakemake.input.jackknife or None,
    )
