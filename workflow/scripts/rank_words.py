"""Rank the words of splits of a corpus by their alignments."""

from pathlib import Path

from layerwise.alignments.marks import Marks
from layerwise.alignments.word_ranking import rank_words
from layerwise.corpus.layouts import layout_of
from layerwise.experiment.job import logged
from layerwise.files.digests import verify

with logged(snakemake):
    source = Path(snakemake.input.alignments)
    if source.is_file():
        verify(source, **snakemake.params.checks)
    rank_words(
        source,
        snakemake.params.splits,
        Path(snakemake.output.ranking),
        layout=layout_of(snakemake.params.layout),
        marks=Marks(**snakemake.params.marks),
        processes=snakemake.threads,
    )
