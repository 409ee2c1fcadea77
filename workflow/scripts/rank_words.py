"""Rank the words of splits of a corpus by their alignments."""

from pathlib import Path

from layerwise.alignments import rank_words
from layerwise.downloads import verify
from layerwise.layouts import make_layout
from layerwise.run import logged

with logged(snakemake):
    source = Path(snakemake.input.alignments)
    if source.is_file():
        verify(source, **snakemake.params.checks)
    rank_words(
        source,
        snakemake.params.splits,
        Path(snakemake.output.ranking),
        layout=make_layout(snakemake.params.layout),
        processes=snakemake.threads,
    )
