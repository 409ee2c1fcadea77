"""Which setting segments a layer best: chosen on some utterances, scored on others.

The published search has 180 settings and reports the best F1 on the utterances that it was chosen on, which is
optimistic: the best of 180 is partly luck. Here each fold of utterances is scored with the setting that is best on all
others; the published figure stands beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

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

PROMINENCES = (0, 1e-5, 3e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3, 1, 2, 4, 6, 8, 10)
WINDOWS = (1, 2, 4, 6, 8, 16)


@dataclass(frozen=True)
class Setting:
    """One point of the grid, as `segment` takes it."""

    prominence: float
    distance: str
    window: int


# In the published order: of settings that are equally good, the first is taken.
GRID = tuple(Setting(p, d, w) for p in PROMINENCES for d in (EUCLIDEAN, COSINE) for w in WINDOWS)


@dataclass(frozen=True)
class Peaks:
    """The local maxima of all utterances for one distance and window, (peaks,) each; utterance after utterance.

    Attributes:
        frames: of the boundaries that they would be, as `segment` has them.
        prominences: each one's.
        utterance: its number.
    """

    frames: np.ndarray
    prominences: np.ndarray
    utterance: np.ndarray


@dataclass(frozen=True)
class GridCounts:
    """How every setting does on every utterance.

    Attributes:
        settings: in the order in which they are preferred.
        counts: arrays of (settings, utterances).
        peaks: (distance, window) → what boundaries are made of.
        frames: (utterances,).
        reference: boundaries of all utterances.
        stride_seconds, tolerance, place: as the counts were made.
    """

    settings: tuple[Setting, ...]
    counts: BoundaryCounts
    peaks: dict[tuple[str, int], Peaks]
    frames: np.ndarray
    reference: Boundaries
    stride_seconds: float
    tolerance: float
    place: str

    def predicted(self, chosen: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Frames of the boundaries of every utterance, and the number of the utterance of each; (boundaries,) int64.

        Args:
            chosen: (utterances,) number of each one's setting.
        """
        frames, utterances = [], []
        for number in np.unique(chosen).tolist():
            setting = self.settings[number]
            peaks = self.peaks[setting.distance, setting.window]
            kept = (peaks.prominences >= setting.prominence) & (chosen[peaks.utterance] == number)
            frames.append(peaks.frames[kept])
            utterances.append(peaks.utterance[kept])
        joined, of = np.concatenate(frames), np.concatenate(utterances)
        order = np.lexsort((joined, of))
        return joined[order], of[order]


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


def segmentation_counts(
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
    distances. Nothing but one utterance's block of 1024 rows, the distances, and the peaks is held in memory.

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
    if not frames.size or frames.sum() != features.shape[0] or len(reference) != frames.size or (frames < 0).any():
        raise ViewLengthError(
            f"{frames.size} utterances of {frames.sum()} frames, {features.shape[0]} rows, {len(reference)} lists of "
            "reference boundaries; expected one of each for every utterance, and one utterance at least"
        )
    if not settings:
        raise SegmentationSettingError("no setting to try; expected one or more, such as those of GRID")
    for setting in settings:
        check_setting(setting.distance, setting.window, setting.prominence)
    true = concatenated(reference, "reference")
    scaling = Scaling.of(features) if scaling is None else scaling
    found: dict[Setting, BoundaryCounts] = {}
    peaks_of: dict[tuple[str, int], Peaks] = {}
    starts = np.cumsum(frames) - frames
    names = list(dict.fromkeys(setting.distance for setting in settings))
    distances = [
        neighbour_distances(features, names, scaling, first, first + count)
        for first, count in zip(starts.tolist(), frames.tolist(), strict=True)
    ]
    for distance in names:
        for window in dict.fromkeys(setting.window for setting in settings if setting.distance == distance):
            peaks = peaks_of[distance, window] = _peaks([each[distance] for each in distances], window)
            times = boundary_milliseconds(peaks.frames, stride_seconds, window, place)
            for setting in settings:
                if (setting.distance, setting.window) == (distance, window):
                    kept = peaks.prominences >= setting.prominence
                    boundaries = Boundaries(times[kept], peaks.utterance[kept], frames.size)
                    found[setting] = counted(boundaries, true, tolerance)
    stacked = zip(*(found[setting].arrays() for setting in settings), strict=True)
    counts = BoundaryCounts(*(np.stack(values) for values in stacked))
    return GridCounts(tuple(settings), counts, peaks_of, frames, true, stride_seconds, tolerance, place)


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


def cross_fitted_segmentation(grid: GridCounts, fold: np.ndarray, count: str = ONCE) -> CrossFitted:
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


def published_choice(grid: GridCounts) -> tuple[Setting, BoundaryScores]:
    """What the published search reports: the setting with the highest F1 of the published count, on all utterances."""
    best = choose(grid, count=PUBLISHED)
    return grid.settings[best], grid.counts[best].scores(PUBLISHED)


def _peaks(distances: list[np.ndarray], window: int) -> Peaks:
    each = [candidates(of_one, window) for of_one in distances]
    return Peaks(
        frames=np.concatenate([frames for frames, _ in each]),
        prominences=np.concatenate([prominences for _, prominences in each]),
        utterance=np.repeat(np.arange(len(each)), [frames.size for frames, _ in each]),
    )
