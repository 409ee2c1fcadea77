"""Say of each question whether the samples are enough."""

from pathlib import Path

from layerwise.experiment.job import logged
from layerwise.experiment.samples.asked import AskedLayers
from layerwise.experiment.samples.check import check_samples
from layerwise.experiment.samples.sizes import sizes_of
from layerwise.experiment.samples.speech import read_speech
from layerwise.experiment.samples.workable import Plan
from layerwise.scoring.properties import read_properties
from layerwise.scoring.settings import ScoreSettings

with logged(snakemake):
    check_samples(
        [AskedLayers.of(each) for each in snakemake.params.asked],
        read_properties(snakemake.params.questions),
        read_speech(
            Path(snakemake.input.utterances),
            Path(snakemake.input.intervals),
            snakemake.params.settings["seed"],
            next(map(Path, snakemake.input.word_list), None),
            snakemake.params.lower_case,
            map(Path, snakemake.input.tables),
        ),
        Plan(
            sizes_of(snakemake.params.sizes, next(map(Path, snakemake.input.sizes), None)),
            ScoreSettings(**snakemake.params.settings),
            snakemake.params.samples,
        ),
        snakemake.output.enough,
        snakemake.output.get("rare"),
        strict=snakemake.params.strict,
        said=next(map(Path, snakemake.input.said), None),
    )
