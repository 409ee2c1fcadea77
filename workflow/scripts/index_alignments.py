"""Check the alignments, and list the phones and words of a corpus."""

from pathlib import Path

from layerwise.alignments.index import index_alignments
from layerwise.alignments.marks import Marks
from layerwise.alignments.phones import PhoneSet
from layerwise.corpus.layouts import layout_of
from layerwise.experiment.job import logged
from layerwise.files.digests import verify

with logged(snakemake):
    source = Path(snakemake.input.alignments)
    if source.is_file():
        verify(source, **snakemake.params.checks)
    index_alignments(
        source,
        snakemake.params.split,
        Path(snakemake.input.utterances),
        Path(snakemake.output.intervals),
        Path(snakemake.output.problems),
        layout=layout_of(snakemake.params.layout),
        phones=PhoneSet(**snakemake.params.phones),
        marks=Marks(**snakemake.params.marks),
        labels_out=Path(snakemake.output.labels),
        processes=snakemake.threads,
    )
