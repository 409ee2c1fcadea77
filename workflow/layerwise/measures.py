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
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(importlib.import_module(f"{_MEASURES}.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})
