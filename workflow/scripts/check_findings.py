"""Check the findings of the paper."""

from layerwise.experiment.job import logged
from layerwise.tables.findings import check_findings

with logged(snakemake):
    check_findings(
        snakemake.input.scores,
        snakemake.input.probes,
        snakemake.input.models,
        metric=snakemake.params.metric,
        folds=snakemake.params.folds,
        seed=snakemake.params.seed,
        out=snakemake.output.table,
        jackknife=snakemake.input.jackknife or None,
    )
