"""List the utterances of a corpus."""

from pathlib import Path

from layerwise.corpus import index_utterances
from layerwise.layouts import make_layout
from layerwise.run import logged

with logged(snakemake):
    index_utterances(
        Path(snakemake.input.audio),
        snakemake.params.split,
        Path(snakemake.output.utterances),
        Path(snakemake.output.problems),
        layout=make_layout(snakemake.params.layout),
        threads=snakemake.threads,
    )
