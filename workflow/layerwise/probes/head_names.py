"""Which heads a model gets, and what they are called: one for each T layer, and one for the weighted sum of them all.

Read when the workflow is planned, so nothing here imports torch.
"""

from __future__ import annotations

from collections.abc import Sequence

from layerwise.layers import WEIGHTED, transformer_names


def heads_of(blocks: int, layers: str | Sequence[str]) -> list[str]:
    """Heads of a model: its T layers (all, or those that are listed) in order of depth, then `weighted`."""
    return [name for name in transformer_names(blocks) if layers == "all" or name in layers] + [WEIGHTED]


def head_jobs(heads: Sequence[str], size: int | None) -> dict[str, list[str]]:
    """Heads that are trained together, by the name of the job: `T0-T4`, `T5-weighted`, …; None: all of them."""
    size = size or len(heads)
    groups = [list(heads[start : start + size]) for start in range(0, len(heads), size)]
    return {group[0] if len(group) == 1 else f"{group[0]}-{group[-1]}": group for group in groups}
