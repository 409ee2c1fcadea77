"""Plot one property as layers by models."""

from layerwise.experiment.job import logged
from layerwise.figures.heatmap import plot_heatmap

with logged(snakemake):
    plot_heatmap(
        snakemake.input.trends,
        snakemake.wildcards.property,
        snakemake.params.metric,
        models=list(snakemake.params.titles),
        titles=snakemake.params.titles,
        out_svg=snakemake.output.svg,
        out_png=snakemake.output.png,
    )
