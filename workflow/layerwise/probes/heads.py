"""Many small heads side by side: one for each frozen layer, and one for the learned weighted sum of all of them.

Heads share nothing but the batch. Each has first weights of its own, drawn from a seed and its name alone, its own
optimiser state and its own clipped gradient, so that one trained among others becomes what it would become alone.

Sizes follow SUPERB (Yang et al. 2021, https://arxiv.org/abs/2105.01051): linear, mean over time, linear for labels;
linear, linear for phones (CTC, Graves et al. 2006); linear, two bidirectional LSTMs, linear for characters (CTC).
"""

from __future__ import annotations

from collections.abc import Sequence

from layerwise.probes.head_shapes import Heads, Shape
from layerwise.probes.kinds.kind import KINDS
from layerwise.probes.linear_heads import LinearHeads
from layerwise.probes.recurrent_heads import RecurrentHeads

HEADS: dict[str, type[Heads]] = {"linear": LinearHeads, "recurrent": RecurrentHeads}  # as kinds name them


def make_heads(
    shape: Shape,
    names: Sequence[str],
    task: str,
    seed: int,
    learning_rate: float,
    device: str = "cpu",
    threads: int = 1,
) -> Heads:
    """Heads by name: layers of `shape`, or `weighted`; first weights depend on (seed, task, name) alone.

    Args:
        threads: on a CPU, heads that are computed side by side, where each is computed for itself.
    """
    return HEADS[KINDS[shape.kind].head](shape, names, task, seed, learning_rate, device, threads)
