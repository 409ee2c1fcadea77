"""Plot how properties and tasks correlate."""

from layerwise.experiment.job import logged
from layerwise.figures.correlations import plot_correlations

with logged(snakemake):
    plot_correlations(
        snakemake.input.comparison,
        snakemake.params.properties,
        snakemake.params.metric,
        models=list(snakemake.params.titles),
        titles=snakemake.params.titles,
        out_svg=snakemake.output.svg,
        out_png=snakemake.output.png,
    )
