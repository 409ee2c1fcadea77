"""Plot one task over the layers."""

from layerwise.experiment.job import logged
from layerwise.figures.tasks import plot_task

with logged(snakemake):
    plot_task(
        snakemake.input.probes,
        snakemake.input.trends,
        snakemake.wildcards.task,
        snakemake.params.properties,
        snakemake.params.metric,
        models=list(snakemake.params.titles),
        titles=snakemake.params.titles,
        out_svg=snakemake.output.svg,
        out_png=snakemake.output.png,
    )
