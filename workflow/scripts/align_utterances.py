"""Align the utterances of a corpus, and list its phones and words."""

from pathlib import Path

from layerwise.aligning import align_utterances
from layerwise.run import logged

with logged(snakemake):
    align_utterances(
        Path(snakemake.input.utterances),
        Path(snakemake.input.audio),
        Path(snakemake.output.intervals),
        Path(snakemake.output.problems),
        pronunciations=next(map(Path, snakemake.input.pronunciations), None),
        processes=snakemake.threads,
    )
