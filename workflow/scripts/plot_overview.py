"""Plot all properties side by side."""

from layerwise.experiment.job import logged
from layerwise.figures.overview import plot_overview

with logged(snakemake):
    plot_overview(
        snakemake.input.trends,
        snakemake.params.properties,
        snakemake.params.metric,
        models=list(snakemake.params.titles),
        titles=snakemake.params.titles,
        groups=snakemake.params.groups,
        out_svg=snakemake.output.svg,
        out_png=snakemake.output.png,
    )
