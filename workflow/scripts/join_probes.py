"""Gather what the heads of one model can do in a table."""

from pathlib import Path

from layerwise.probe_tables import collect_probes
from layerwise.run import logged

with logged(snakemake):
    collect_probes(
        [Path(part) for part in snakemake.input.parts],
        [Path(part) for part in snakemake.input.predictions],
        Path(snakemake.output.table),
        Path(snakemake.output.details),
        Path(snakemake.output.predictions),
    )
