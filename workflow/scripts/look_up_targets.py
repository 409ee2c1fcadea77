"""Look up what the rows of a sample are compared with."""

from pathlib import Path

from layerwise.experiment.job import logged
from layerwise.targets.look_up import look_up_targets

with logged(snakemake):
    look_up_targets(
        Path(*snakemake.input.rows),
        Path(snakemake.input.utterances),
        Path(snakemake.output.targets),
        Path(snakemake.output.missing),
        target=snakemake.params.target,
        rows=snakemake.params.rows,
        metadata=[Path(path) for path in snakemake.input.metadata],
        file=next(map(Path, snakemake.input.file), None),
        member=snakemake.params.member,
    )
