"""Plot one property over the layers."""

from layerwise.plots import plot_trends
from layerwise.run import logged

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
