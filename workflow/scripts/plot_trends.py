"""Plot one property over the layers."""

from layerwise.experiment.job import logged
from layerwise.figures.trends import plot_trends

with logged(snakemake):
    plot_trends(
        snakemake.input.trends,
        snakemake.wildcards.property,
        snakemake.params.metric,
        models=list(snakemake.params.titles),
        titles=snakemake.params.titles,
        groups=snakemake.params.groups,
        out_svg=snakemake.output.svg,
        out_png=snakemake.output.png,
        axis=snakemake.wildcards.axis,
    )
