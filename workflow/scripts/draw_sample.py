"""Draw one sample set."""

from layerwise.experiment.job import logged
from layerwise.sampling import draw_sample_tables
from layerwise.spans import SampleSizes

with logged(snakemake):
    draw_sample_tables(
        snakemake.input.utterances,
        snakemake.input.intervals,
        sample=int(snakemake.wildcards.sample),
        seed=snakemake.params.seed,
        sizes=SampleSizes(**snakemake.params.sizes),
        out=dict(snakemake.output.items()),
        word_list=next(iter(snakemake.input.word_list), None),
        lower_case=snakemake.params.lower_case,
        wanted=snakemake.params.wanted,
    )
