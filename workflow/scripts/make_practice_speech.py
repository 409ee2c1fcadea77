"""Make the speech that small models are trained on."""

from pathlib import Path

from layerwise.demo.practice_speech import make_practice_speech
from layerwise.experiment.job import logged

with logged(snakemake):
    make_practice_speech(
        demo=Path(snakemake.input.demo),
        utterances=snakemake.params.utterances,
        held_out=snakemake.params.held_out,
        seed=snakemake.params.seed,
        out_train=Path(snakemake.output.train),
        out_held_out=Path(snakemake.output.held_out),
    )
