"""Linear centred kernel alignment (Kornblith et al. 2019): a metric of held-out rows for which nothing is fitted."""

from __future__ import annotations

import numpy as np

from layerwise.scoring.measures.moments import Covariance


def cka(rows: Covariance) -> float:
    """‖Σxy‖² / (‖Σxx‖ ‖Σyy‖) in Frobenius norms (their eq. 3 in its feature form), of the raw held-out rows.

    Invariant to shifts, a common scale and orthogonal maps of either view, exactly, and to no other map: one large
    dimension decides it. Biased upwards where rows are few for the dimensions: compare with its chance level.
    """
    # Brought to a scale whose squares neither vanish nor overflow.
    scale_x, scale_y = (np.abs(view.matrix).max() for view in (rows.x, rows.y))
    cross = np.linalg.norm(rows.xy / np.sqrt(scale_x) / np.sqrt(scale_y))
    own = np.linalg.norm(rows.x.matrix / scale_x) * np.linalg.norm(rows.y.matrix / scale_y)
    return float(cross**2 / own)
