"""Locate the phones and words of a sample's utterances."""

from pathlib import Path

from layerwise.experiment.job import logged
from layerwise.targets.locating import locate_intervals

with logged(snakemake):
    locate_intervals(
        Path(snakemake.input.utterances),
        Path(snakemake.input.intervals),
        Path(snakemake.output.located),
    )
