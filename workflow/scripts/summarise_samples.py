"""Count what the sample sets asked for and got."""

from layerwise.run import logged
from layerwise.summary import summarise_samples

with logged(snakemake):
    summarise_samples(
        snakemake.input.samples,
        utterances=snakemake.params.utterances,
        phones_per_type=snakemake.params.phones_per_type,
        word_types=snakemake.params.word_types,
        words_per_type=snakemake.params.words_per_type,
        alignments=snakemake.params.alignments,
        out=snakemake.output.table,
    )
