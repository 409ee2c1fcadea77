"""Draw a figure of the experiment."""

from layerwise.experiment.job import logged
from layerwise.figures.drawing import draw

with logged(snakemake):
    draw(
        snakemake.params.draw,
        tables=dict(snakemake.input.items()),
        arguments=snakemake.params.arguments,
        out_svg=snakemake.output.svg,
        out_png=snakemake.output.png,
    )
