"""Train one small model."""

from pathlib import Path

from layerwise.demo.pretraining import Recipe, pretrain
from layerwise.experiment.job import logged
from layerwise.models.devices import claimed_device

with logged(snakemake), claimed_device() as device:
    pretrain(
        name=snakemake.wildcards.model,
        objective=snakemake.params.objective,
        architecture=dict(snakemake.params.architecture),
        recipe=Recipe(**snakemake.params.recipe),
        seed=snakemake.params.seed,
        speech=(Path(snakemake.input.train), Path(snakemake.input.held_out)),
        units=tuple(map(Path, snakemake.input.units)) or None,
        out=Path(snakemake.output.folder),
        state=Path(snakemake.params.state),
        code=snakemake.params.code,
        device=device,
        threads=snakemake.threads,
    )
