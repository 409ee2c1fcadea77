"""Count what the sample sets asked for and got."""

from layerwise.experiment.job import logged
from layerwise.spans import SampleSizes
from layerwise.tables.samples import summarise_samples

with logged(snakemake):
    summarise_samples(
        snakemake.input.samples,
        SampleSizes(**snakemake.params.sizes),
        phone_types=snakemake.params.phone_types,
        alignments=snakemake.params.alignments,
        out=snakemake.output.table,
    )
