"""Where the files of the package lie: catalogues and presets, schemas, the template of the report."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]
_CHECKOUT = _PACKAGE.parents[1]

IS_CHECKOUT = _PACKAGE.parent == _CHECKOUT / "workflow" and (_CHECKOUT / "Snakefile").is_file()

# Of a checkout, the folder with the Snakefile. A wheel has the same paths below layerwise/shipped (setup.py), but only
# those of catalogues, presets, schemas and templates: about 100 kB.
ROOT = _CHECKOUT if IS_CHECKOUT else _PACKAGE / "shipped"
