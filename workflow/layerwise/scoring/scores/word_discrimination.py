"""Same or different: how well the distance of two segments tells whether they have one label.

Rows of segments are compared by cosine. Of frames, the segments of a tier are cut out and aligned (DTW), pair by pair.
"""

from __future__ import annotations

import numpy as np

from layerwise.scoring.measures.discrimination import (
    SameDifferent,
    same_different_of_frames,
    same_different_of_vectors,
)
from layerwise.scoring.measures.usable_segments import usable_segments
from layerwise.scoring.records import counts_of, scored, skipped, trial_of
from layerwise.scoring.refusals import RefusedScoreError
from layerwise.scoring.rows import LayerRows
from layerwise.scoring.settings import ScoreSettings
from layerwise.scoring.utterance_frames import UtteranceFrames

REDUCTIONS = {"length": "sum over frames", "none": "sum"}


def score(asked: LayerRows, settings: ScoreSettings) -> dict:
    """Counts, status, reason and the one trial of a layer: nothing is fitted, so that all segments are scored."""
    counts = counts_of(asked)
    try:
        found, counts = _aligned(asked, settings) if asked.is_of_frames else _pooled(asked)
    except RefusedScoreError as error:
        return skipped(asked, counts, error)
    return scored(counts, [_trial(found)])


def _pooled(asked: LayerRows) -> tuple[SameDifferent, dict]:
    labels, missing = asked.labels, asked.all_rows().shape[0] - len(asked.labels)
    counts = counts_of(asked, n_rows=len(labels), n_missing=missing, n_types=len(np.unique(labels)))
    return same_different_of_vectors(asked.matrix()[:], labels, asked.of_kept("speaker_id")), counts


def _aligned(asked: LayerRows, settings: ScoreSettings) -> tuple[SameDifferent, dict]:
    """Segments of a tier that are long enough to be told apart, as many whole labels of them as are wanted."""
    frames, located, option = UtteranceFrames(asked), asked.located(), asked.question.measure.options
    stride = frames.stride_seconds
    lengths = dict(zip(frames.names.tolist(), frames.lengths.tolist(), strict=True))
    of_utterance = located.utterances[located.utterance]
    there = np.array([lengths.get(name, 0) for name in of_utterance.tolist()], np.int64)
    first = np.rint(located.start / stride).astype(np.int64)
    last = np.minimum(np.rint(located.end / stride).astype(np.int64), there)
    key = (settings.seed, asked.sample, asked.question.name)
    usable = usable_segments(located, last > first, asked.question.target.name, option, *key)
    chosen = [frames[of_utterance[one]][first[one] : last[one]] for one in usable.tolist()]
    labels = located.label[usable]
    speakers = located.speakers[located.utterance[usable]]
    counts = counts_of(asked, n_rows=len(usable), n_types=len(np.unique(labels)), n_speakers=len(np.unique(speakers)))
    reduction = REDUCTIONS[option["normalise"]]
    return same_different_of_frames(chosen, labels, speakers, reduction=reduction), counts


def _trial(found: SameDifferent) -> dict:
    metrics = {"ap": found.ap, "prb": found.prb}
    chance = {"ap": found.chance, "prb": found.chance}
    intervals = {"ap": found.uncertainty}
    if found.swdp_ap is not None and found.same_word_other_speaker is not None:
        metrics["swdp_ap"] = found.swdp_ap
        chance["swdp_ap"] = found.same_word_other_speaker / found.pairs
        intervals["swdp_ap"] = found.swdp_uncertainty
    return trial_of(
        metrics,
        chance,
        n_train=0,
        n_test=found.pairs,
        intervals={name: (each.low, each.high) for name, each in intervals.items() if each is not None},
        same=found.same_word,
    )
