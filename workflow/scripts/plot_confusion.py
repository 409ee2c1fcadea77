"""Plot which labels the best layer of each model takes for which others."""

from layerwise.experiment.job import logged
from layerwise.figures.confusion import plot_confusion

with logged(snakemake):
    plot_confusion(
        snakemake.input.confusion,
        snakemake.input.probes,
        snakemake.wildcards.task,
        models=list(snakemake.params.titles),
        titles=snakemake.params.titles,
        out_svg=snakemake.output.svg,
        out_png=snakemake.output.png,
    )
