"""Make every chart of one subject, and its pictures."""

from layerwise.experiment.job import logged
from layerwise.figures.rendering import draw_all

with logged(snakemake):
    draw_all(
        snakemake.params.figures,
        tables=dict(snakemake.input.items()),
        out=dict(snakemake.output.items()),
    )
