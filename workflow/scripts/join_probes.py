"""Gather what the heads of one model can do in a table."""

from pathlib import Path

from layerwise.experiment.job import logged
from layerwise.probes.join import join_probes

with logged(snakemake):
    join_probes(
        [Path(part) for part in snakemake.input.parts],
        [Path(part) for part in snakemake.input.predictions],
        Path(snakemake.output.table),
        Path(snakemake.output.details),
        Path(snakemake.output.predictions),
    )
