"""The public names of canonical correlation analysis; `layerwise.scoring.measures` has the code."""

from layerwise.scoring.measures.cca import cross_validate, evaluate
from layerwise.scoring.measures.passes import fold_moments

__all__ = ["cross_validate", "evaluate", "fold_moments"]
