"""Kinds of task, one class in one file each; `KINDS` has them by name.

Every module of this folder is imported here, so a new file with a registered class is all that a new kind needs.
Read when the workflow is planned, so no kind imports torch.
"""

from importlib import import_module
from pkgutil import iter_modules

from layerwise.probes.kinds.kind import KINDS, Baselines, Kind, register

__all__ = ["KINDS", "Baselines", "Kind", "register"]

for _module in iter_modules(__path__):
    import_module(f"{__name__}.{_module.name}")
