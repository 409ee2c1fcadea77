"""Write the tables, captions and the sentence of an article."""

from layerwise.experiment.job import logged
from layerwise.figures.paper_tables import Chosen, write_paper
from layerwise.scoring.properties import read_properties

with logged(snakemake):
    properties = read_properties(snakemake.params.questions)
    write_paper(
        snakemake.input.trends,
        snakemake.input.best,
        snakemake.input.recommendations,
        properties,
        Chosen(
            experiment=snakemake.params.experiment,
            corpus=snakemake.params.corpus,
            alignments=snakemake.params.alignments,
            models=snakemake.params.models,
            titles=snakemake.params.titles,
            questions={name: properties[name] for name in snakemake.params.shown},
            metrics=snakemake.params.shown,
            samples=snakemake.params.samples,
            seed=snakemake.params.seed,
        ),
        figures=snakemake.params.figures,
        width_cm=snakemake.params.width_cm,
        about=snakemake.params.about,
        journal=snakemake.params.journal,
        out=dict(snakemake.output.items()),
    )
