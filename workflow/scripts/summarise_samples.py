"""Count what the sample sets asked for and got."""

from pathlib import Path

from layerwise.experiment.job import logged
from layerwise.experiment.samples.sizes import sizes_of
from layerwise.tables.samples import summarise_samples

with logged(snakemake):
    summarise_samples(
        snakemake.input.samples,
        sizes_of(snakemake.params.sizes, next(map(Path, snakemake.input.sizes), None)),
        phone_types=snakemake.params.phone_types,
        alignments=snakemake.params.alignments,
        out=snakemake.output.table,
    )
