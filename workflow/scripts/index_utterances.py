"""List the utterances of a corpus."""

from layerwise.corpus import index_utterances
from layerwise.run import logged

with logged(snakemake):
    index_utterances(
        snakemake.input.audio, snakemake.params.split, snakemake.output.utterances, snakemake.output.problems
    )
