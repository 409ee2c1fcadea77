"""Describe a trained model in a card, beside its weights."""

from pathlib import Path

from layerwise.demo.model_cards import write_model_card
from layerwise.experiment.job import logged

with logged(snakemake):
    write_model_card(
        trained=Path(snakemake.input.trained),
        title=snakemake.params.title,
        objective=snakemake.params.objective,
        units=snakemake.params.units,
        recipe=snakemake.params.recipe,
        seed=snakemake.params.seed,
        out=Path(snakemake.output.folder),
    )
