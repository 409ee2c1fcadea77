"""Plot which labels the best layer of each model takes for which others."""

from layerwise.confusion_plots import plot_confusion
from layerwise.run import logged

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
