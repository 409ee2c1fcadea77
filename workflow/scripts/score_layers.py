"""Score some layers of one model on one property."""

from pathlib import Path

from layerwise.experiment.job import logged
from layerwise.scoring.properties import property_of
from layerwise.scoring.rows import ReadFile
from layerwise.scoring.score import score_layers
from layerwise.scoring.settings import ScoreSettings

with logged(snakemake):
    score_layers(
        representations=snakemake.input.representations,
        question=property_of(snakemake.wildcards.property, snakemake.params.question),
        model=snakemake.wildcards.model,
        sample=int(snakemake.wildcards.sample),
        layers=snakemake.params.layers,
        settings=ScoreSettings(
            folds=snakemake.params.folds,
            trials=snakemake.params.trials,
            folds_by=snakemake.params.folds_by,
            standardise=snakemake.params.standardise,
            epsilons=snakemake.params.epsilons,
            seed=snakemake.params.seed,
            intervals=snakemake.params.intervals,
        ),
        out=Path(snakemake.output.scores),
        alignments=snakemake.params.alignments,
        acoustics=next(iter(snakemake.input.acoustics), None),
        targets=next(iter(snakemake.input.targets), None),
        other=snakemake.input.other,
        other_layers=snakemake.params.other_layers,
        intervals=next(map(Path, snakemake.input.intervals), None),
        files=[
            ReadFile(Path(path), **facts)
            for path, facts in zip(snakemake.input.files, snakemake.params.files, strict=True)
        ],
    )
