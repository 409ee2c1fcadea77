"""What each layer of a speech model knows: representations, canonical correlation, probes.

After `import layerwise` everything is an attribute: `layerwise.models.load`, `layerwise.cca.evaluate`,
`layerwise.analyse`. A part is imported when it is first used, so `import layerwise` itself takes no time.

The packages follow the data: files, corpus, alignments, sampling, models, representations, scoring, probes, tables,
figures, experiment, demo. None imports one that comes after it. Nothing here imports Snakemake.
"""

import importlib
import importlib.util
import pkgutil
from typing import Any

__version__ = "0.1.0"

_FUNCTIONS = {"analyse": "layerwise.experiment.analysis"}  # function → the module that has it


def __getattr__(name: str) -> Any:
    if name in _FUNCTIONS:
        return getattr(importlib.import_module(_FUNCTIONS[name]), name)
    if not name.startswith("_") and importlib.util.find_spec(f"{__name__}.{name}"):
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_FUNCTIONS, *(module.name for module in pkgutil.iter_modules(__path__))})
