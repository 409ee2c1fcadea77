"""The public names of measures beyond canonical correlation; `layerwise.scoring.measures` has the code.

A name is imported when it is first used: measures import different libraries, some of which take seconds.
"""

import importlib
from typing import Any

_MEASURES = "layerwise.scoring.measures"
_MODULES = {  # public name → the module that has it
    "ClusterSettings": "clusters",
    "fit_clusters": "clusters",
    "nearest_clusters": "clusters",
    "held_out_information": "held_out_information",
    "information_of_clusters": "held_out_information",
    "jackknifed_information": "mutual_information",
    "mutual_information": "mutual_information",
    "boundary_counts": "boundaries",
    "boundary_scores": "boundaries",
    "segment": "segmentation",
    "z_scored": "segmentation",
    "boundary_milliseconds": "segmentation",
    "reference_boundaries": "word_intervals",
    "buckeye_intervals": "word_intervals",
    "interval_boundary_counts": "word_intervals",
    "token_counts": "word_intervals",
    "segmentation_counts": "segmentation_grid",
    "cross_fitted_segmentation": "segmentation_grid",
    "segmentation_chance": "segmentation_chance",
    "segmentation_interval": "segmentation_chance",
    "same_different": "discrimination",
    "same_different_of_vectors": "discrimination",
    "same_different_of_frames": "discrimination",
    "abx": "abx",
    "abx_cells": "abx",
    "items_of_phones": "abx_items",
    "read_items": "abx_items",
    "shuffled_phones": "abx_items",
    "rating_correlation": "ratings",
    "word_similarity": "word_similarity",
    "sentence_similarity": "sentence_similarity",
    "read_word_ratings": "rating_sets",
    "read_recording_ratings": "rating_sets",
    "readings": "rating_sets",
    "retain": "rating_sets",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(importlib.import_module(f"{_MEASURES}.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})
