"""What each layer of a speech model knows: representations, canonical correlation, probes.

The packages follow the data: files, corpus, alignments, sampling, models, representations, scoring, probes, tables,
figures, experiment, demo. None imports one that comes after it. Nothing here imports Snakemake.
"""

__version__ = "0.1.0"
