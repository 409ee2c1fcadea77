"""Count which labels heads take for which others."""

from layerwise.confusion import tabulate_confusions
from layerwise.run import logged

with logged(snakemake):
    tabulate_confusions(
        dict(zip(snakemake.params.heads, snakemake.input.predictions, strict=True)),
        columns=snakemake.params.columns,
        out=snakemake.output.table,
    )
