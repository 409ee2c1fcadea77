"""Draw the figures of one question for an article."""

from layerwise.experiment.job import logged
from layerwise.figures.paper import draw_paper

with logged(snakemake):
    draw_paper(
        snakemake.params.figures,
        tables=dict(snakemake.input.items()),
        width_cm=snakemake.params.width_cm,
        format=snakemake.params.format,
        out=dict(snakemake.output.items()),
    )
