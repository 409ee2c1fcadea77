"""Count which labels heads take for which others."""

from layerwise.experiment.job import logged
from layerwise.tables.confusion import tabulate_confusions

with logged(snakemake):
    tabulate_confusions(
        dict(zip(snakemake.params.heads, snakemake.input.predictions, strict=True)),
        columns=snakemake.params.columns,
        out=snakemake.output.table,
    )
