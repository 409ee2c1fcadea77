"""Draw every figure of one subject."""

from layerwise.experiment.job import logged
from layerwise.figures.drawing import draw_all

with logged(snakemake):
    draw_all(
        snakemake.params.figures,
        tables=dict(snakemake.input.items()),
        out=dict(snakemake.output.items()),
    )
