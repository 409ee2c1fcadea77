"""How alike people find two sentences, and how near their recordings lie."""

from __future__ import annotations

from layerwise.scoring.measures.rating_sets import read_recording_ratings, readings
from layerwise.scoring.measures.sentence_similarity import sentence_similarity
from layerwise.scoring.records import counts_of, scored, skipped, trial_of
from layerwise.scoring.refusals import RefusedScoreError
from layerwise.scoring.rows import LayerRows
from layerwise.scoring.settings import ScoreSettings


def score(asked: LayerRows, settings: ScoreSettings) -> dict:
    """Counts, status, reason and the one trial of a layer: nothing is fitted."""
    (file,) = asked.beside.files
    rated = read_recording_ratings(file.path)
    counts = counts_of(asked)
    # A row is a recording; of a table of segments it has the name that its label says.
    names = asked.texts("utterance_id" if asked.question.rows.of == "utterance" else "label")
    option = asked.question.measure.options
    try:
        there = readings(rated, names.tolist())
        found = sentence_similarity(
            asked.all_rows()[:],
            there.first,
            there.second,
            there.ratings,
            combined=option["combined"],
            seed=settings.seed,
            name=asked.question.name,
        )
    except RefusedScoreError as error:
        return skipped(asked, counts, error)
    trial = trial_of(
        {"sentence_similarity": found.correlation.correlation},
        {"sentence_similarity": found.chance.mean},
        n_train=0,
        n_test=found.pairs,
        intervals={"sentence_similarity": (found.correlation.low, found.correlation.high)},
        lost=there.lost,
        missing=there.missing,
    )
    return scored(counts, [trial])
