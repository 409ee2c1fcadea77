"""Rank the words of splits of a corpus by their alignments."""

from pathlib import Path

from layerwise.alignments.marks import Marks
from layerwise.alignments.word_ranking import rank_words
from layerwise.corpus.layouts import layout_of
from layerwise.experiment.job import logged

with logged(snakemake):
    rank_words(
        Path(snakemake.input.alignments),
        snakemake.params.splits,
        Path(snakemake.output.ranking),
        layout=layout_of(snakemake.params.layout),
        marks=Marks(**snakemake.params.marks),
        checks=snakemake.params.checks,
        processes=snakemake.threads,
    )
