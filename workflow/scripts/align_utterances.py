"""Align the utterances of a corpus, and list its phones and words."""

from pathlib import Path

from layerwise.alignments.forced import align_utterances
from layerwise.alignments.phones import PhoneSet
from layerwise.experiment.job import logged

with logged(snakemake):
    align_utterances(
        Path(snakemake.input.utterances),
        Path(snakemake.input.audio),
        Path(snakemake.output.intervals),
        Path(snakemake.output.problems),
        phones=PhoneSet(**snakemake.params.phones),
        pronunciations=next(map(Path, snakemake.input.pronunciations), None),
        processes=snakemake.threads,
    )
