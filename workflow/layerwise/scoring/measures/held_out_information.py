"""What clusters of a layer tell of labels, on other utterances than they were fitted to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from layerwise.scoring.folds import segment_folds
from layerwise.scoring.measures.clusters import Clusters, ClusterSettings, fit_clusters, nearest_clusters
from layerwise.scoring.measures.mutual_information import (
    Information,
    InformationErrors,
    TooFewGroupsError,
    jackknifed_information,
    mutual_information,
)
from layerwise.scoring.refusals import EmptyFoldError, FoldError, ViewLengthError
from layerwise.seeds import short_seed

FOLDS = 5  # where the caller has none


@dataclass(frozen=True)
class HeldOutInformation:
    """What clusters tell of the labels of rows.

    Attributes:
        information: of the scored rows; `information.chance` is the level of shuffled labels.
        errors: standard errors over utterances; None where too few were scored to say.
        clusters: what was fitted, and to how many rows.
    """

    information: Information
    errors: InformationErrors | None
    clusters: Clusters


def information_of_clusters(
    clusters: Clusters, rows: Any, labels: Any, utterances: Any, chosen: np.ndarray | None = None
) -> HeldOutInformation:
    """Clusters fitted elsewhere, scored on rows: as published, where they were fitted to another corpus.

    Args:
        rows: n × d, as `fit_clusters` takes them.
        labels, utterances: n integers or texts, the label and the utterance (or speaker) of each row.
        chosen: (n,) bool, the rows that are scored; None: all.

    Raises:
        as `nearest_clusters` and `mutual_information`.
    """
    labels, utterances = _of_rows(rows, labels, utterances)
    chosen = np.ones(len(labels), bool) if chosen is None else chosen
    assigned = nearest_clusters(rows, clusters, chosen)
    information = mutual_information(assigned, labels[chosen])
    try:
        errors = jackknifed_information(assigned, labels[chosen], utterances[chosen])
    except TooFewGroupsError:
        errors = None
    return HeldOutInformation(information, errors, clusters)


def held_out_information(
    rows: Any,
    labels: Any,
    utterances: Any,
    settings: ClusterSettings,
    fold: Any = None,
    test_fold: int = 0,
    seed: int = 1,
    sample: int = 1,
) -> HeldOutInformation:
    """Clusters fitted to the rows of all folds but one, scored on that one.

    Clusters depend on (seed, sample, test fold) and rows alone: all layers get the same draws.

    Args:
        rows: n × d, as `fit_clusters` takes them.
        labels, utterances: n integers or texts, the label and the utterance (or speaker) of each row.
        fold: n integers from 0; None deals the utterances to 5 folds.
        test_fold: the fold that is scored.

    Raises:
        FoldError: an utterance has rows in the fold and outside; or there are fewer than 5 utterances, and no folds.
        EmptyFoldError: the fold, or all others together, have no rows.
        as `fit_clusters` and `mutual_information`.
    """
    labels, utterances = _of_rows(rows, labels, utterances)
    if fold is None:
        if (there := len(set(utterances.tolist()))) < FOLDS:
            raise FoldError(f"{there} utterances cannot fill {FOLDS} folds: give folds, or rows of more utterances")
        fold = segment_folds(labels, utterances, np.arange(len(labels)), utterances, FOLDS, seed, sample)
    fold = np.asarray(fold)
    if fold.shape != labels.shape:
        raise ViewLengthError(f"{len(labels)} labels, and fold numbers of the shape {fold.shape}: all must be equal")
    tested = fold == test_fold
    if not tested.any() or tested.all():
        raise EmptyFoldError(f"fold {test_fold} has {tested.sum()} of {tested.size} rows: none, or none to fit to")
    both = np.intersect1d(utterances[tested], utterances[~tested])
    if both.size:
        raise FoldError(
            f"{both.size} of {len(set(utterances.tolist()))} utterances have rows in fold {test_fold} and outside: "
            "clusters are scored on other utterances than they are fitted to"
        )
    clusters = fit_clusters(rows, settings, short_seed("clusters", seed, sample, test_fold), ~tested)
    return information_of_clusters(clusters, rows, labels, utterances, tested)


def _of_rows(rows: Any, labels: Any, utterances: Any) -> tuple[np.ndarray, np.ndarray]:
    labels, utterances = np.asarray(labels), np.asarray(utterances)
    if not labels.shape == utterances.shape == (rows.shape[0],):
        raise ViewLengthError(
            f"{rows.shape[0]} rows with labels of the shape {labels.shape} and utterances of the shape "
            f"{utterances.shape}: one of each is needed for each row"
        )
    return labels, utterances
