"""What a layer's segmentation is measured against: the chance level of its scores, and their interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from layerwise.errors import did_you_mean
from layerwise.scoring.chance import SHARE
from layerwise.scoring.confidence import HIGH, LOW
from layerwise.scoring.measures.boundaries import (
    ONCE,
    Boundaries,
    BoundariesError,
    BoundaryCounts,
    BoundaryScores,
    check_count,
    counted,
)
from layerwise.scoring.measures.segmentation import SegmentationSettingError, boundary_milliseconds
from layerwise.scoring.measures.segmentation_grid import GridCounts
from layerwise.scoring.refusals import ViewLengthError
from layerwise.seeds import generator

CHANCE_DRAWS = 20
BOOTSTRAP_DRAWS = 1000
METRICS = ("f1", "precision", "recall", "os", "r_value")


@dataclass(frozen=True)
class Chance:
    """What boundaries at random places score, once for each draw."""

    draws: tuple[BoundaryScores, ...]

    def level(self, metric: str) -> float | None:
        """The mean over draws of a field of `BoundaryScores`; None where it is not defined in one of them.

        Raises:
            SegmentationSettingError: no such score.
        """
        _check_metric(metric)
        values = [getattr(scores, metric) for scores in self.draws]
        return None if None in values else float(np.mean(values))


def segmentation_chance(
    grid: GridCounts, chosen: np.ndarray, seed: int, sample: int = 1, count: str = ONCE, draws: int = CHANCE_DRAWS
) -> Chance:
    """Scores of the same boundaries, those of each utterance moved on together by a random part of it.

    They move by 10 to 90 % of the places where a peak can be, and the last ones to the front, as a single recording
    does in `layerwise.scoring.chance`. Kept are their number in each utterance and the intervals between them: what
    regular boundaries are worth by themselves, which at a tolerance of a frame either side is much. (Places drawn
    independently are clustered, hit fewer references, and make a level that noise exceeds.) Lost is where words end.

    Args:
        chosen: (utterances,) number of the setting that each was segmented with, as of `CrossFitted`.
        seed, sample: of the draws.

    Raises:
        ViewLengthError: not one setting an utterance.
        BoundariesError: there is no reference boundary.
        CountingError: another `count`.
        SegmentationSettingError: fewer than one draw.
    """
    check_count(count)
    _check_draws(draws)
    chosen = np.asarray(chosen)
    if chosen.shape != grid.frames.shape:
        raise ViewLengthError(f"settings of shape {chosen.shape} for {grid.frames.size} utterances")
    random = generator(seed, sample, "word_segmentation")
    frames, utterance = grid.predicted(chosen)
    windows = np.array([setting.window for setting in grid.settings])[chosen]
    first = 1 + windows // 2  # the first frame that a peak of the window can make a boundary
    places = np.maximum(grid.frames - windows - 2, 1)
    scores = []
    for _ in range(draws):
        moved_by = np.maximum(np.round(random.uniform(*SHARE, grid.frames.size) * places), 1).astype(np.int64)
        moved = (frames - first[utterance] + moved_by[utterance]) % places[utterance] + first[utterance]
        moved = moved[np.lexsort((moved, utterance))]
        times = boundary_milliseconds(moved, grid.stride_seconds, windows[utterance], grid.place)
        boundaries = Boundaries(times, utterance, grid.frames.size)
        scores.append(counted(boundaries, grid.reference, grid.tolerance).scores(count))
    return Chance(tuple(scores))


def segmentation_interval(
    counts: BoundaryCounts,
    seed: int,
    sample: int = 1,
    groups: np.ndarray | None = None,
    count: str = ONCE,
    metric: str = "f1",
    draws: int = BOOTSTRAP_DRAWS,
) -> tuple[float, float]:
    """The 95 % interval of F1 or another score, by drawing utterances (or groups of them) anew with replacement.

    Its ends are percentiles of the scores of the draws. Boundaries of one utterance depend on each other, so whole
    utterances are drawn; with speakers as groups, the interval is about new speakers. The settings stay as chosen: the
    interval does not hold how much the choice varies.

    Args:
        counts: (utterances,) as of `CrossFitted`.
        groups: (utterances,) speaker of each; None: each utterance by itself.
        metric: a field of `BoundaryScores`.

    Raises:
        ViewLengthError: not one group an utterance.
        BoundariesError: fewer than two utterances or groups, a draw without reference boundaries, or one in which the
            score is not defined.
        CountingError: another `count`.
        SegmentationSettingError: no such score, or fewer than one draw.
    """
    check_count(count)
    _check_metric(metric)
    _check_draws(draws)
    utterances = counts.reference.shape[-1]
    groups = np.arange(utterances) if groups is None else np.asarray(groups)
    if groups.shape != (utterances,):
        raise ViewLengthError(f"groups of shape {groups.shape} for {utterances} utterances")
    names, member = np.unique(groups, return_inverse=True)
    if names.size < 2:
        raise BoundariesError(f"{names.size} utterance or group: an interval needs two or more")
    random = generator(seed, sample, "word_segmentation interval")
    weights = random.multinomial(names.size, np.full(names.size, 1 / names.size), draws)[:, member]
    drawn = BoundaryCounts(*(weights * values for values in counts.arrays()))  # (draws, utterances)
    values = [getattr(drawn[number].scores(count), metric) for number in range(draws)]
    undefined = values.count(None)
    if undefined:
        raise BoundariesError(f"{metric} is not defined in {undefined} of {draws} draws of {names.size} groups: no hit")
    low, high = np.quantile(np.array(values, np.float64), [LOW, HIGH])
    return float(low), float(high)


def _check_metric(metric: str) -> None:
    if metric not in METRICS:
        raise SegmentationSettingError(
            f"there is no score {metric!r}{did_you_mean(METRICS, str(metric))}; there are {', '.join(METRICS)}"
        )


def _check_draws(draws: int) -> None:
    if draws < 1:
        raise SegmentationSettingError(f"{draws} random draws; expected 1 or more")
