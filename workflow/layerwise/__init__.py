"""What each layer of a speech model knows: representations, canonical correlation, probes.

The modules follow the data (corpus, alignments, sampling, models, features, extraction, store, moments, cca,
properties, summary, plots); a module imports only modules before it, and `store`. Nothing here imports Snakemake.
"""

__version__ = "0.1.0"

SAMPLE_RATE = 16_000  # Hz, of every model here and of the audio that they take
