"""Write the tables, captions and the sentence of an article."""

from layerwise.experiment.job import logged
from layerwise.figures.paper_tables import Chosen, write_paper
from layerwise.scoring.properties import read_properties

with logged(snakemake):
    write_paper(
        snakemake.input.trends,
        snakemake.input.best,
        snakemake.input.recommendations,
        read_properties(snakemake.params.properties),
        Chosen(
            experiment=snakemake.params.experiment,
            corpus=snakemake.params.corpus,
            alignments=snakemake.params.alignments,
            models=snakemake.params.models,
            titles=snakemake.params.titles,
            questions=read_properties(snakemake.params.questions),
            metrics=snakemake.params.metrics,
            samples=snakemake.params.samples,
            seed=snakemake.params.seed,
        ),
        figures=snakemake.params.figures,
        width_cm=snakemake.params.width_cm,
        about=snakemake.params.about,
        journal=snakemake.params.journal,
        out=dict(snakemake.output.items()),
    )
