"""Count what the sample sets asked for and got."""

from layerwise.experiment.job import logged
from layerwise.tables.samples import summarise_samples

with logged(snakemake):
    summarise_samples(
        snakemake.input.samples,
        utterances=snakemake.params.utterances,
        phones_per_type=snakemake.params.phones_per_type,
        word_types=snakemake.params.word_types,
        words_per_type=snakemake.params.words_per_type,
        phone_types=snakemake.params.phone_types,
        alignments=snakemake.params.alignments,
        out=snakemake.output.table,
    )
