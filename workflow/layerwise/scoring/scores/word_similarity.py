"""How alike people find two words, and how near their mean vectors lie."""

from __future__ import annotations

import numpy as np

from layerwise.scoring.measures.rating_sets import RatedPairs, RatingTableError, read_word_ratings
from layerwise.scoring.measures.word_similarity import word_similarity
from layerwise.scoring.records import counts_of, scored, skipped, trial_of
from layerwise.scoring.refusals import RefusedScoreError
from layerwise.scoring.rows import LayerRows, ReadFile
from layerwise.scoring.settings import ScoreSettings


def score(asked: LayerRows, settings: ScoreSettings) -> dict:
    """Counts, status, reason and the one trial of a layer: nothing is fitted."""
    sets = [_rated(file) for file in asked.beside.files]
    words = asked.texts("label")
    counts = counts_of(asked, n_types=len(np.unique(words)))
    option = asked.question.measure.options
    try:
        found = word_similarity(
            asked.all_rows(),  # type: ignore[arg-type]
            words.tolist(),
            sets,
            more_than=option["more_than"],
            case=option["case"],
            seed=settings.seed,
        )
    except RefusedScoreError as error:
        return skipped(asked, counts, error)
    pairs = {name: len(each.similarities) for name, each in found.sets.items()}
    levels = np.array([each.chance.mean for each in found.sets.values()])
    own = np.array([each.own for each in found.sets.values()])
    of_pairs = own * np.array(list(pairs.values()))
    trial = trial_of(
        {
            "similarity": found.macro.value,
            "similarity_micro": found.micro.value,
            "similarity_published": found.macro_published,
        },
        {
            "similarity": float(np.average(levels, weights=own)),
            "similarity_micro": float(np.average(levels, weights=of_pairs)),
            "similarity_published": float(levels.mean()),
        },
        n_train=0,
        n_test=sum(pairs.values()),
        intervals={
            "similarity": (found.macro.low, found.macro.high),
            "similarity_micro": (found.micro.low, found.micro.high),
        },
        sets={
            name: {
                "correlation": each.correlation.correlation,
                "low": each.correlation.low,
                "high": each.correlation.high,
                "chance": each.chance.mean,
                "pairs": pairs[name],
                "of": each.retained.of,
                "lost": each.retained.lost,
            }
            for name, each in found.sets.items()
        },
        skipped_sets=found.skipped,
    )
    return scored(counts, [trial])


def _rated(file: ReadFile) -> RatedPairs:
    rated = read_word_ratings(file.path, file.name, suffixes=file.suffixes)
    if file.pairs is not None and len(rated) != file.pairs:
        raise RatingTableError(
            f"{file.path}: it has {len(rated)} pairs, and resources/ratings.yaml says that {file.name} has "
            f"{file.pairs}; delete it to fetch it again, or name a file of your own"
        )
    return rated
