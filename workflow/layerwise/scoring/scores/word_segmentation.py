"""Word boundaries from a layer's frames: settings are chosen on some folds of utterances and scored on the others."""

from __future__ import annotations

import numpy as np

from layerwise.scoring.measures.boundaries import PUBLISHED
from layerwise.scoring.measures.segmentation_chance import segmentation_chance, segmentation_interval
from layerwise.scoring.measures.segmentation_grid import (
    cross_fitted_segmentation,
    published_choice,
    segmentation_counts,
)
from layerwise.scoring.measures.word_intervals import reference_boundaries
from layerwise.scoring.records import counts_of, scored, skipped, trial_of
from layerwise.scoring.refusals import RefusedScoreError
from layerwise.scoring.rows import LayerRows
from layerwise.scoring.settings import ScoreSettings
from layerwise.scoring.utterance_frames import UtteranceFrames

METRICS = ("f1", "precision", "recall", "r_value", "os")
WITH_INTERVALS = ("f1", "r_value", "precision", "recall")


def score(asked: LayerRows, settings: ScoreSettings) -> dict:
    """Counts, status, reason and the one trial of a layer, which scores every utterance by a choice on others."""
    counts = counts_of(asked)
    try:
        frames, located = UtteranceFrames(asked), asked.located()
        times = _by_utterance(frames, located.utterances[located.utterance], located.start, located.end)
        reference = [reference_boundaries(*each) for each in times]
        if not any(each.size for each in reference):
            raise RefusedScoreError(f"there are no {asked.question.target.name} in the {len(frames)} utterances")
        fold = frames.folds(asked, settings)
        grid = segmentation_counts(
            frames.rows,  # type: ignore[arg-type]
            frames.lengths,
            reference,
            frames.stride_seconds,
            tolerance=1000 * asked.question.measure.options["tolerance"],
        )
        found = cross_fitted_segmentation(grid, fold)
        chance = segmentation_chance(grid, found.chosen, settings.seed, asked.sample)
        groups = frames.speakers if settings.folds_by == "speaker" else None
        intervals = {
            name: segmentation_interval(found.counts, settings.seed, asked.sample, groups, metric=name)
            for name in WITH_INTERVALS
        }
        setting, published = published_choice(grid)
        same = np.full(len(frames), grid.settings.index(setting))
        published_chance = segmentation_chance(grid, same, settings.seed, asked.sample, count=PUBLISHED)
    except RefusedScoreError as error:
        return skipped(asked, counts, error)
    metrics = {name: getattr(found.scores, name) for name in METRICS} | {"f1_published": published.f1}
    levels = {name: chance.level(name) for name in METRICS} | {"f1_published": published_chance.level("f1")}
    trial = trial_of(
        metrics,
        {name: level for name, level in levels.items() if level is not None},
        n_train=0,
        n_test=found.scores.reference,
        intervals=intervals,
        settings={number: vars(each) for number, each in found.settings.items()},
        published_setting=vars(setting),
    )
    return scored(counts, [trial])


def _by_utterance(
    frames: UtteranceFrames, of_utterance: np.ndarray, start: np.ndarray, end: np.ndarray
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Starts and ends of the words of each utterance that has frames."""
    place = {name: number for number, name in enumerate(frames.names.tolist())}
    found = np.array([place.get(name, -1) for name in of_utterance.tolist()], np.int64)
    return [(start[found == number], end[found == number]) for number in range(len(frames))]
