"""Write the report of an experiment."""

from pathlib import Path

from layerwise.experiment.job import logged
from layerwise.experiment.samples.sizes import in_a_line, sizes_of
from layerwise.figures.report import write_report
from layerwise.scoring.properties import read_properties

with logged(snakemake):
    write_report(
        experiment=snakemake.params.configuration["experiment"],
        configuration=snakemake.params.configuration,
        metrics=snakemake.params.metrics,
        properties=read_properties(snakemake.params.questions),
        titles=snakemake.params.titles,
        groups=snakemake.params.groups,
        charts=snakemake.input.charts,
        models=snakemake.input.models,
        scores=snakemake.input.scores,
        best_layers=snakemake.input.best,
        utterances=snakemake.input.utterances,
        samples=snakemake.input.samples,
        comparison=snakemake.input.comparison,
        findings=snakemake.input.findings,
        recommendations=snakemake.input.recommendations,
        model_pairs=snakemake.input.model_pairs,
        layer_pairs=snakemake.input.layer_pairs or None,
        matrices=snakemake.input.matrices or None,
        problems={
            "Audio that was left out, or kept in doubt": snakemake.input.audio_problems,
            "Alignments that were left out, or kept in doubt": snakemake.input.alignment_problems,
        },
        labels=snakemake.input.labels or None,
        rare=snakemake.input.rare,
        chosen_sizes=" ".join(
            in_a_line(sizes_of(snakemake.params.sizes, Path(path))) for path in snakemake.input.sizes
        ),
        provenance={
            "audio": snakemake.params.audio,
            "alignments": snakemake.params.alignments,
            **{f"model {name}": source for name, source in snakemake.params.sources.items()},
        },
        journal=snakemake.params.journal,
        out=snakemake.output.html,
    )
