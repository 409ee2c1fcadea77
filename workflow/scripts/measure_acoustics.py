"""Measure one family of acoustic targets: pitch, loudness, tilt or rate."""

from pathlib import Path

from layerwise.experiment.job import logged
from layerwise.representations.acoustics import measure_acoustics

with logged(snakemake):
    measure_acoustics(
        snakemake.wildcards.family,
        samples=[Path(table) for table in snakemake.input.samples],
        utterances=Path(snakemake.input.utterances),
        out=Path(snakemake.output.measures),
        audio_root=next(map(Path, snakemake.input.audio), None),
        intervals=next(map(Path, snakemake.input.intervals), None),
        attributes={"corpus": snakemake.params.corpus},
        threads=snakemake.threads,
    )
