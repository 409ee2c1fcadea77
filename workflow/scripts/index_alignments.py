"""Check the alignments, and list the phones and words of a corpus."""

from pathlib import Path

from layerwise.alignments.index import index_alignments
from layerwise.alignments.marks import Marks
from layerwise.alignments.phones import PhoneSet
from layerwise.corpus.layouts import layout_of
from layerwise.experiment.job import logged

with logged(snakemake):
    index_alignments(
        Path(snakemake.input.alignments),
        snakemake.params.split,
        Path(snakemake.input.utterances),
        Path(snakemake.output.intervals),
        Path(snakemake.output.problems),
        layout=layout_of(snakemake.params.layout),
        phones=PhoneSet(**snakemake.params.phones),
        marks=Marks(**snakemake.params.marks),
        checks=snakemake.params.checks,
        labels_out=Path(snakemake.output.labels),
        is_part=snakemake.params.is_part,
        processes=snakemake.threads,
    )
