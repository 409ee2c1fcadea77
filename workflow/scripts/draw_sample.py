"""Draw one sample set."""

from pathlib import Path

from layerwise.experiment.job import logged
from layerwise.experiment.samples.sizes import sizes_of
from layerwise.sampling import draw_sample_tables

with logged(snakemake):
    draw_sample_tables(
        snakemake.input.utterances,
        snakemake.input.intervals,
        sample=int(snakemake.wildcards.sample),
        seed=snakemake.params.seed,
        sizes=sizes_of(snakemake.params.sizes, next(map(Path, snakemake.input.sizes), None)),
        out=dict(snakemake.output.items()),
        word_list=next(iter(snakemake.input.word_list), None),
        lower_case=snakemake.params.lower_case,
        wanted=snakemake.params.wanted,
    )
