"""List the utterances of a corpus."""

from pathlib import Path

from layerwise.corpus.layouts import layout_of
from layerwise.corpus.parts import Part
from layerwise.corpus.utterances import index_utterances
from layerwise.experiment.job import logged

with logged(snakemake):
    index_utterances(
        Path(snakemake.input.audio),
        snakemake.params.split,
        Path(snakemake.output.utterances),
        Path(snakemake.output.problems),
        layout=layout_of(snakemake.params.layout),
        part=Part(**snakemake.params.part),
        speakers=next(map(Path, snakemake.input.speakers), None),
        threads=snakemake.threads,
    )
