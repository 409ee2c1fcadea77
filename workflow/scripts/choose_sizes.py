"""Choose the sizes of sample sets that the configuration leaves to the corpus."""

from pathlib import Path

from layerwise.experiment.job import logged
from layerwise.experiment.samples.chosen import write_chosen_sizes

with logged(snakemake):
    write_chosen_sizes(
        Path(snakemake.input.utterances),
        Path(snakemake.input.intervals),
        snakemake.params.given,
        Path(snakemake.output.sizes),
        word_list=next(map(Path, snakemake.input.word_list), None),
        lower_case=snakemake.params.lower_case,
    )
