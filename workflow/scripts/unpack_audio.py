"""Check the audio archive, and unpack one split of it."""

from layerwise.corpus import unpack_audio, verify
from layerwise.run import logged

with logged(snakemake):
    verify(snakemake.input.archive, **snakemake.params.checks)
    unpack_audio(snakemake.input.archive, snakemake.params.split, snakemake.output.folder)
