"""Train heads on the frozen layers of one model for one task."""

import os
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"  # before the hub's client is imported: what has to be fetched, has been

from layerwise.experiment.job import logged
from layerwise.models.devices import claimed_device
from layerwise.probes.sweep import Settings
from layerwise.probes.train import train_probes

with logged(snakemake), claimed_device() as device:
    train_probes(
        items=Path(snakemake.input.utterances),
        checkpoint=Path(snakemake.params.checkpoint),
        out=Path(snakemake.output.probes),
        predictions=Path(snakemake.output.predictions),
        state=Path(snakemake.params.state),
        heads=snakemake.params.heads,
        settings=Settings(
            task=snakemake.wildcards.task,
            model=snakemake.wildcards.model,
            kind=snakemake.params.kind,
            seed=snakemake.params.seed,
            **snakemake.params.recipe,
        ),
        normalise=snakemake.params.normalise,
        cache_gb=snakemake.params.cache_gb,
        code=snakemake.params.code,
        device=device,
        threads=snakemake.threads,
    )
