"""Mutual information of a layer's clusters and labels, over the trials of a cross-validation.

Of each trial, clusters are fitted to all folds but the one that is tested: nothing is tuned, so that the dev fold
trains too.
"""

from __future__ import annotations

import numpy as np

from layerwise.representations import store
from layerwise.scoring import folds as folding
from layerwise.scoring.measures.clusters import ClusterSettings
from layerwise.scoring.measures.held_out_information import held_out_information
from layerwise.scoring.records import counts_of, scored, skipped, trial_of
from layerwise.scoring.refusals import RefusedScoreError
from layerwise.scoring.rows import LayerRows, refuse_empty
from layerwise.scoring.settings import ScoreSettings


def score(asked: LayerRows, settings: ScoreSettings) -> dict:
    """Counts, status, reason and trials of one layer."""
    counts = counts_of(asked)
    known = ""
    try:
        rows, labels = asked.matrix(), asked.labels
        types = np.unique(labels)
        counts = counts_of(asked, n_rows=rows.shape[0], n_missing=counts["n_rows"] - rows.shape[0], n_types=len(types))
        known = f", {len(types)} types"
        fold, _ = asked.folds(settings)
        refuse_empty(fold, settings.folds)
        groups = asked.of_rows("speaker_id" if settings.folds_by == "speaker" else "utterance_id")
        # Batches of k-means follow the order of rows, which is that of shards in the files. Frames of an utterance
        # are one after the other in any of them, and a sort by several keys leaves them so.
        within = () if asked.is_of_frames else (asked.places(),)
        order = np.lexsort((*within, asked.of_rows("utterance_id")))
        rows, labels, groups, fold = store.Rearranged(rows, order), labels[order], groups[order], fold[order]
        option = asked.question.measure.options
        how = ClusterSettings(option["clusters"], option["batch"], option["iterations"])
        trials = [
            _trial(rows, labels, groups, how, fold, test, settings.seed, asked.sample)
            for _, test in folding.trials(settings.folds, settings.trials, settings.seed, asked.sample)
        ]
    except RefusedScoreError as error:
        return skipped(asked, counts, error, known)
    return scored(counts, trials)


def _trial(
    rows: store.Rearranged,
    labels: np.ndarray,
    groups: np.ndarray,
    how: ClusterSettings,
    fold: np.ndarray,
    test: int,
    seed: int,
    sample: int,
) -> dict:
    found = held_out_information(rows, labels, groups, how, fold, test, seed, sample)
    information, tested = found.information, fold == test
    unseen = np.setdiff1d(labels[tested], labels[~tested])
    return trial_of(
        {"mi": information.score, "ami": information.adjusted},
        {"mi": information.chance, "ami": 0.0},
        n_train=int((~tested).sum()),
        n_test=int(tested.sum()),
        classes=len(np.unique(labels)),
        classes_unseen=len(unseen),
        test_fold=test,
        nats=information.mi,
        entropy=information.entropy,
    )
