"""Gather what all heads reached in one table."""

from layerwise.experiment.job import logged
from layerwise.tables.probes import collect_probes

with logged(snakemake):
    collect_probes(
        dict(zip(snakemake.input.tables, snakemake.input.weights, strict=True)),
        external=snakemake.input.external or None,
        tasks=snakemake.params.tasks,
        models=snakemake.params.models,
        names=snakemake.params.names,
        layers=snakemake.params.layers,
        out=snakemake.output.table,
    )
