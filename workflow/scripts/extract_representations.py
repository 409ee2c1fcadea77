"""Extract every layer of a model, for one shard of the utterances."""

import os
from pathlib import Path

os.environ["HF_HUB_OFFLINE"] = "1"  # before the hub's client is imported: what has to be fetched, has been

from layerwise.experiment.job import logged
from layerwise.models.devices import claimed_device
from layerwise.representations.extract import extract
from layerwise.representations.plan import rows_of_pass, sample_folders

with logged(snakemake), claimed_device() as device:
    extract(
        checkpoint=Path(snakemake.params.checkpoint),
        samples=sample_folders(snakemake.input.samples),
        utterances=Path(snakemake.input.utterances),
        audio_root=Path(snakemake.input.audio),
        out=Path(snakemake.output.shard),
        layers=snakemake.params.layers,
        stride_seconds=snakemake.params.stride_seconds,
        dtype=snakemake.params.dtype,
        shard=int(snakemake.wildcards.shard),
        shards=snakemake.params.shards,
        normalise=snakemake.params.normalise,
        batch_seconds=snakemake.params.batch_seconds,
        compute=snakemake.params.compute,
        attributes={
            "model": snakemake.wildcards.model,
            "source": snakemake.params.source,
            "corpus": snakemake.params.corpus,
            "seed": snakemake.params.seed,
        },
        device=device,
        threads=snakemake.threads,
        **rows_of_pass(snakemake.params.rows, snakemake.input.get("tables", [])),
    )
