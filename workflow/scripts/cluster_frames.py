"""Cluster frames of MFCCs, or of a layer of a trained model, into units."""

from pathlib import Path

from layerwise.demo.units import layer_of, make_units, mfcc
from layerwise.experiment.job import logged

with logged(snakemake):
    checkpoint = snakemake.input.get("checkpoint")
    make_units(
        train=Path(snakemake.input.train),
        held_out=Path(snakemake.input.held_out),
        features=layer_of(Path(checkpoint), snakemake.params.layer) if checkpoint else mfcc,
        count=snakemake.params.clusters,
        seed=snakemake.params.seed,
        out_train=Path(snakemake.output.train),
        out_held_out=Path(snakemake.output.held_out),
    )
