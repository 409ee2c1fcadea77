"""Lend the audio to one job, after fetching and unpacking it where it is not here."""

from pathlib import Path

from layerwise.corpus.lending import lend_audio
from layerwise.experiment.job import logged

with logged(snakemake):
    lend_audio(
        snakemake.params.url,
        Path(snakemake.params.archive),
        snakemake.params.split,
        Path(snakemake.params.folder),
        Path(snakemake.output.audio),
        checks=snakemake.params.checks,
        made_from=[snakemake.params.source, snakemake.params.split, snakemake.params.code],
        mirrors=snakemake.params.mirrors,
        keep=snakemake.params.keep,
    )
