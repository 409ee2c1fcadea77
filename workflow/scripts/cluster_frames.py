"""Cluster frames of MFCCs, or of a layer of a trained model, into units."""

from pathlib import Path

from layerwise.demo.units import cluster_frames
from layerwise.experiment.job import logged

with logged(snakemake):
    cluster_frames(
        train=Path(snakemake.input.train),
        held_out=Path(snakemake.input.held_out),
        checkpoint=Path(snakemake.input.checkpoint) if snakemake.input.get("checkpoint") else None,
        layer=snakemake.params.layer,
        count=snakemake.params.clusters,
        seed=snakemake.params.seed,
        out_train=Path(snakemake.output.train),
        out_held_out=Path(snakemake.output.held_out),
    )
