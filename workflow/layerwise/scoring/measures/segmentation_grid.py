"""Which setting segments a layer best: chosen on some utterances, scored on others.

The published search has 180 settings and reports the best F1 on the utterances that it was chosen on, which is
optimistic: the best of 180 is partly luck. Here each fold of utterances is scored with the setting that is best on all
others; the published figure stands beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from layerwise.errors import did_you_mean
from layerwise.scoring.confidence import HIGH, LOW
from layerwise.scoring.measures.boundaries import (
    ONCE,
    PUBLISHED,
    TOLERANCE_MS,
    Boundaries,
    BoundariesError,
    BoundaryCounts,
    BoundaryScores,
    check_count,
    concatenated,
    counted,
)
from layerwise.scoring.measures.segmentation import (
    COSINE,
    EUCLIDEAN,
    START,
    Scaling,
    SegmentationSettingError,
    boundary_milliseconds,
    candidates,
    check_setting,
    neighbour_distances,
)
from layerwise.scoring.refusals import EmptyFoldError, FoldError, ViewLengthError
from layerwise.seeds import generator

PROMINENCES = (0, 1e-5, 3e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3, 1, 2, 4, 6, 8, 10)
WINDOWS = (1, 2, 4, 6, 8, 16)
DRAWS = 1000  # of the bootstrap
CHANCE_DRAWS = 20
METRICS = ("f1", "precision", "recall", "os", "r_value")  # scores of which there are intervals
_APART = 2  # frames from one local maximum to the next, at least


@dataclass(frozen=True)
class Setting:
    """One point of the grid, as `segment` takes it."""

    prominence: float
    distance: str
    window: int


# In the published order: of settings that are equally good, the first is taken.
GRID = tuple(Setting(p, d, w) for p in PROMINENCES for d in (EUCLIDEAN, COSINE) for w in WINDOWS)


@dataclass(frozen=True)
class GridCounts:
    """How every setting does on every utterance.

    Attributes:
        settings: in the order in which they are preferred.
        counts: arrays of (settings, utterances).
        frames: (utterances,).
        reference: boundaries of all utterances.
        stride_seconds, tolerance, place: as the counts were made.
    """

    settings: tuple[Setting, ...]
    counts: BoundaryCounts
    frames: np.ndarray
    reference: Boundaries
    stride_seconds: float
    tolerance: float
    place: str


@dataclass(frozen=True)
class CrossFitted:
    """A layer's segmentation: every utterance with the setting that is best on the utterances of other folds.

    Attributes:
        scores: of all utterances together.
        counts: (utterances,) what they are made of.
        chosen: (utterances,) number of each one's setting in the grid.
        settings: fold → the setting that it was scored with.
        fold_scores: fold → its scores; None where the fold has no reference boundary.
        same_setting, same: the setting that is best on all utterances, and its scores on these: the published way of
            choosing, which is optimistic.
    """

    scores: BoundaryScores
    counts: BoundaryCounts
    chosen: np.ndarray
    settings: dict[int, Setting]
    fold_scores: dict[int, BoundaryScores | None]
    same_setting: Setting
    same: BoundaryScores


@dataclass(frozen=True)
class Chance:
    """What boundaries at random places score, once for each draw."""

    draws: tuple[BoundaryScores, ...]

    def level(self, metric: str) -> float | None:
        """The mean over draws of a field of `BoundaryScores`; None where a draw has none."""
        return _mean([getattr(scores, metric) for scores in self.draws])


def grid_counts(
    features: np.ndarray,
    frames: Sequence[int] | np.ndarray,
    reference: Sequence[np.ndarray],
    stride_seconds: float,
    tolerance: float = TOLERANCE_MS,
    settings: Sequence[Setting] = GRID,
    place: str = START,
    scaling: Scaling | None = None,
) -> GridCounts:
    """Segment every utterance with every setting, and count what is hit.

    Distances and their averages are shared by all prominences, so a grid of 180 settings takes 12 passes over the
    distances. Nothing but one utterance's block of 4096 rows, the distances, and the peaks is held in memory.

    Args:
        features: (frames × dimensions) array or HDF5 dataset: the utterances one after the other, not scaled yet.
        frames: (utterances,) frames of each.
        reference: one array of whole milliseconds an utterance.
        stride_seconds: of the frames.
        tolerance: milliseconds, inclusive.
        settings: in the order in which they are preferred where equally good.
        place: as `boundary_milliseconds` takes it.
        scaling: of the z-scores; None: that of all these frames, as published. It looks at no label, so utterances that
            are held out may take part in it.

    Raises:
        ViewLengthError: the frames do not add up to the rows, or the references to the utterances.
        SegmentationSettingError: a setting, or a place, that does not exist; no setting.
        RefusedScoreError: as `Scaling.of` and `boundary_scores`.
    """
    frames = np.asarray(frames, np.int64)
    if frames.sum() != features.shape[0] or len(reference) != frames.size or (frames < 0).any():
        raise ViewLengthError(
            f"{frames.size} utterances of {frames.sum()} frames, {features.shape[0]} rows, {len(reference)} lists of "
            "reference boundaries"
        )
    if not settings:
        raise SegmentationSettingError("no setting to try; expected one or more, such as those of GRID")
    for setting in settings:
        check_setting(setting.distance, setting.window, setting.prominence)
    true = concatenated(reference, "reference")
    scaling = Scaling.of(features) if scaling is None else scaling
    found: dict[Setting, BoundaryCounts] = {}
    starts = np.cumsum(frames) - frames
    for distance in dict.fromkeys(setting.distance for setting in settings):
        distances = [
            neighbour_distances(features, distance, scaling, first, first + count)
            for first, count in zip(starts.tolist(), frames.tolist(), strict=True)
        ]
        for window in dict.fromkeys(setting.window for setting in settings if setting.distance == distance):
            peaks = [candidates(each, window) for each in distances]
            times = boundary_milliseconds(_joined([each for each, _ in peaks], int), stride_seconds, window, place)
            prominences = _joined([each for _, each in peaks], float)
            utterance = np.repeat(np.arange(frames.size), [each.size for each, _ in peaks])
            for setting in settings:
                if (setting.distance, setting.window) == (distance, window):
                    kept = prominences >= setting.prominence
                    found[setting] = counted(Boundaries(times[kept], utterance[kept], frames.size), true, tolerance)
    stacked = zip(*(found[setting].arrays() for setting in settings), strict=True)
    counts = BoundaryCounts(*(np.stack(values) for values in stacked))
    return GridCounts(tuple(settings), counts, frames, true, stride_seconds, tolerance, place)


def choose(grid: GridCounts, utterances: np.ndarray | slice = slice(None), count: str = ONCE) -> int:
    """The number of the first setting with the highest F1 on these utterances.

    Args:
        utterances: their numbers, or a mask.
        count: `once`, or `published` as the published search has it.

    Raises:
        BoundariesError: these utterances have no reference boundary.
        CountingError: another `count`.
    """
    check_count(count)
    counts = grid.counts[:, utterances]
    if not counts.reference.any():
        raise BoundariesError(f"no reference boundary in {counts.reference.shape[1]} utterances to choose on")
    return int(counts.f1(count).argmax())


def cross_fit(grid: GridCounts, fold: np.ndarray, count: str = ONCE) -> CrossFitted:
    """Score each fold of utterances with the setting that is best on all other folds.

    Args:
        fold: (utterances,) integers; utterances of a speaker belong in one fold where speakers are to be new.
        count: `once`, or `published`; also of the choice.

    Raises:
        ViewLengthError: not one fold an utterance.
        FoldError: fewer than two folds.
        EmptyFoldError: no reference boundary outside a fold.
        BoundariesError: no reference boundary at all.
        CountingError: another `count`.
    """
    check_count(count)
    fold = np.asarray(fold)
    if fold.shape != grid.frames.shape:
        raise ViewLengthError(f"folds of shape {fold.shape} for {grid.frames.size} utterances")
    numbers = np.unique(fold).tolist()
    if len(numbers) < 2:
        raise FoldError(f"{len(numbers)} fold: a setting is chosen on some utterances and scored on others")
    same = choose(grid, count=count)
    chosen = np.empty(fold.size, np.int64)
    for number in numbers:
        others = fold != number
        if not grid.counts.reference[0, others].any():
            raise EmptyFoldError(f"no reference boundary in the {others.sum()} utterances outside fold {number}")
        chosen[~others] = choose(grid, others, count)
    counts = grid.counts[chosen, np.arange(fold.size)]
    of_fold = {number: counts[fold == number] for number in numbers}
    return CrossFitted(
        scores=counts.scores(count),
        counts=counts,
        chosen=chosen,
        settings={number: grid.settings[chosen[fold == number][0]] for number in numbers},
        fold_scores={number: each.scores(count) if each.reference.any() else None for number, each in of_fold.items()},
        same_setting=grid.settings[same],
        same=grid.counts[same].scores(count),
    )


def chance(
    grid: GridCounts, chosen: np.ndarray, seed: int, sample: int = 1, count: str = ONCE, draws: int = CHANCE_DRAWS
) -> Chance:
    """Scores of as many boundaries in each utterance at random places.

    The places are those where a peak can be (none is next to another, none within half a window of either end), all
    equally likely. So the level has what a number of boundaries is worth by itself, which at a tolerance of a frame
    either side is much, and nothing of where words end.

    Args:
        chosen: (utterances,) number of the setting that each was segmented with: `CrossFitted.chosen`.
        seed, sample: of the places; the same for all layers.

    Raises:
        CountingError: another `count`.
        SegmentationSettingError: no draw.
    """
    check_count(count)
    _check_draws(draws)
    random = generator(seed, sample, "word_segmentation")
    windows = np.array([grid.settings[number].window for number in chosen])
    wanted = grid.counts.predicted[chosen, np.arange(chosen.size)]
    found = []
    for _ in range(draws):
        times = [
            boundary_milliseconds(_random_places(size, frames, window, random), grid.stride_seconds, window, grid.place)
            for size, frames, window in zip(wanted.tolist(), grid.frames.tolist(), windows.tolist(), strict=True)
        ]
        random_boundaries = Boundaries(
            _joined(times, int), np.repeat(np.arange(chosen.size), wanted), grid.reference.utterances
        )
        found.append(counted(random_boundaries, grid.reference, grid.tolerance).scores(count))
    return Chance(tuple(found))


def bootstrap(
    counts: BoundaryCounts,
    seed: int,
    sample: int = 1,
    groups: np.ndarray | None = None,
    count: str = ONCE,
    metric: str = "f1",
    draws: int = DRAWS,
) -> tuple[float, float]:
    """The 95 % interval of F1 or another score, by drawing utterances (or groups of them) anew with replacement.

    Its ends are percentiles of the scores of the draws. Boundaries of one utterance depend on each other, so whole utterances are drawn; with speakers as groups, the
    interval is about new speakers. The settings stay as chosen: the interval does not hold how the choice varies.

    Args:
        counts: (utterances,) as of `CrossFitted`.
        groups: (utterances,) speaker of each; None: each utterance by itself.
        metric: a field of `BoundaryScores`.

    Raises:
        ViewLengthError: not one group an utterance.
        BoundariesError: fewer than two utterances or groups, a draw without reference boundaries, or one in which the
            score is not defined.
        CountingError: another `count`.
        SegmentationSettingError: no such score, or no draw.
    """
    check_count(count)
    _check_draws(draws)
    if metric not in METRICS:
        raise SegmentationSettingError(
            f"there is no score {metric!r}{did_you_mean(METRICS, str(metric))}; there are {', '.join(METRICS)}"
        )
    utterances = counts.reference.shape[-1]
    groups = np.arange(utterances) if groups is None else np.asarray(groups)
    if groups.shape != (utterances,):
        raise ViewLengthError(f"groups of shape {groups.shape} for {utterances} utterances")
    names, member = np.unique(groups, return_inverse=True)
    if names.size < 2:
        raise BoundariesError(f"{names.size} utterance or group: an interval needs two or more")
    random = generator(seed, sample, "word_segmentation interval")
    weights = random.multinomial(names.size, np.full(names.size, 1 / names.size), draws)[
        :, member
    ]  # (draws, utterances)
    drawn = BoundaryCounts(*(weights * values for values in counts.arrays()))
    values = [getattr(drawn[number].scores(count), metric) for number in range(draws)]
    undefined = values.count(None)
    if undefined:
        raise BoundariesError(f"{metric} is not defined in {undefined} of {draws} draws of {names.size} groups: no hit")
    low, high = np.quantile(np.array(values, np.float64), [LOW, HIGH])
    return float(low), float(high)


def published_choice(grid: GridCounts) -> tuple[Setting, BoundaryScores]:
    """What the published search reports: the setting with the highest F1 of the published count, on all utterances."""
    best = choose(grid, count=PUBLISHED)
    return grid.settings[best], grid.counts[best].scores(PUBLISHED)


def _random_places(size: int, frames: int, window: int, random: np.random.Generator) -> np.ndarray:
    """`size` frames where a peak of this window can be, two or more from each other, rising."""
    # `frames − window` averages have inner places 1 … frames − window − 2. Dropping the frame behind each chosen one
    # makes choices without neighbours of n places from any choices of n − size + 1.
    places = frames - window - 2
    free = places - (_APART - 1) * (size - 1) if size else places
    return np.sort(random.permutation(max(free, 0))[:size]) + np.arange(size) * (_APART - 1) + 1 + window // 2


def _mean(values: list[float | None]) -> float | None:
    there = [value for value in values if value is not None]
    return float(np.mean(there)) if len(there) == len(values) else None


def _check_draws(draws: int) -> None:
    if draws < 1:
        raise SegmentationSettingError(f"{draws} random draws; expected 1 or more")


def _joined(arrays: list[np.ndarray], dtype: type) -> np.ndarray:
    return np.concatenate(arrays) if arrays else np.empty(0, dtype)
