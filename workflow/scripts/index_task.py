"""List the utterances of a downstream task."""

from pathlib import Path

from layerwise.experiment.job import logged
from layerwise.probes.index import index_task
from layerwise.probes.readers import read_candidates

with logged(snakemake):
    index_task(
        read_candidates(
            snakemake.params.layout,
            dict(snakemake.input.items()),
            kind=snakemake.params.kind,
            columns=snakemake.params.columns,
            splits=snakemake.params.splits,
        ),
        snakemake.params.kind,
        Path(snakemake.output.table),
        Path(snakemake.output.problems),
        held_out=snakemake.params.held_out,
        hours=snakemake.params.hours,
        max_seconds=snakemake.params.max_seconds,
        seed=snakemake.params.seed,
        threads=snakemake.threads,
    )
