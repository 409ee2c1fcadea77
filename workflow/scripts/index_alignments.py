"""Check the alignments, and list the phones and words of a corpus."""

from pathlib import Path

from layerwise.alignments import index_alignments
from layerwise.corpus import verify
from layerwise.run import logged

with logged(snakemake):
    if Path(snakemake.input.alignments).is_file():
        verify(snakemake.input.alignments, **snakemake.params.checks)
    index_alignments(
        snakemake.input.alignments,
        snakemake.params.split,
        snakemake.input.utterances,
        snakemake.output.intervals,
        snakemake.output.problems,
    )
