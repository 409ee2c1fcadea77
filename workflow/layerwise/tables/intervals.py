"""What the 95 % interval of a score is about, in words: one sentence wherever intervals are shown."""

from __future__ import annotations

from collections.abc import Iterable

from layerwise.cells import CORPUS, SPEAKERS
from layerwise.scoring.properties import Property

_CORPUS = "Intervals of scores are about other draws and folds of this corpus, not other speakers"
_ABOUT = {
    (SPEAKERS, "speaker"): "Intervals of scores are about other speakers of the same kind too",
    (CORPUS, "speaker"): f"{_CORPUS}, although each fold tests speakers that training lacks",
    (CORPUS, "utterance"): f"{_CORPUS}: the same speakers train and test",
    (CORPUS, "row"): f"{_CORPUS}: the same recordings train and test",
}


def about(intervals: str, folds_by: str) -> str:
    """The sentence, by `cca.intervals` and `cca.folds_by` of the configuration."""
    return f"{_ABOUT[intervals, folds_by]}."


def has_own_folds(question: Property, folds_by: str) -> bool:
    """Whether a property parts its rows otherwise than `cca.folds_by` says: its intervals are about the corpus then."""
    return not question.measure.resampled and question.folds(folds_by) != folds_by


def has_jackknife(question: Property, folds_by: str) -> bool:
    """Whether scores of a property have a jackknife over speakers, where intervals are about them."""
    return question.measure.has_jackknife and not has_own_folds(question, folds_by)


def folds_of(question: Property, folds_by: str) -> str:
    """What the folds of a property keep together; a row that is a whole utterance keeps all of that together.

    Empty where nothing is fitted or chosen, so that there are no folds.
    """
    if question.measure.resampled and not question.measure.folds_by:
        return ""
    kept = question.folds(folds_by)
    return "utterance" if kept == "row" and question.rows.of == "utterance" else kept


def about_property(question: Property, intervals: str, folds_by: str) -> str:
    """The sentence for one property, which may have folds of its own or none."""
    if question.measure.resampled:
        fitted = "what is chosen is chosen on others" if question.measure.folds_by else "nothing is fitted"
        return f"Intervals of scores are about other {question.measure.resampled} of this corpus; {fitted}."
    kept = folds_of(question, folds_by)
    return about(intervals if has_jackknife(question, folds_by) and kept == "speaker" else CORPUS, kept)


def about_all(questions: Iterable[Property], intervals: str, folds_by: str) -> str:
    """The sentence for several properties, with one more for those that are scored on other draws of their items."""
    names: dict[str, list[str]] = {}
    for question in questions:
        names.setdefault(question.measure.resampled, []).append(question.name)
    parts = [about(intervals, folds_by)] if "" in names or not names else []
    for items, of in names.items():
        if items:
            parts.append(f"Intervals of scores of {', '.join(of)} are about other {items} of this corpus.")
    return " ".join(parts)


def caution(folds_by: str, speakers: int) -> str:
    """What the report warns of where folds part several speakers; nothing elsewhere."""
    if folds_by == "speaker" or speakers < 2:
        return ""
    return (
        f"This corpus has {speakers} speakers, and folds by {folds_by} put each into training and test at once. "
        "Other speakers may give scores well outside of the intervals. For intervals that are about them, set "
        "cca.folds_by: speaker and cca.intervals: speakers; nothing is extracted again."
    )
