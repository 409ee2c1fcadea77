"""A question in words, for captions and the report: what a row is, what it is compared with, how that becomes numbers.

Read when the workflow is planned, so nothing here imports pandas or altair.
"""

from __future__ import annotations

from functools import singledispatch

from layerwise.scoring.properties import Property
from layerwise.scoring.references import Intervals, Items, Pairs, Ratings
from layerwise.scoring.target import Target
from layerwise.scoring.targets import Acoustics, Attributes, Columns, Label, Layer, OtherModel, Vectors
from layerwise.spans import Rows
from layerwise.tables.intervals import folds_of, has_own_folds

_FOLDS = {
    "row": "rows are parted into folds one by one",
    "utterance": "utterances lie whole in one fold",
    "speaker": "speakers lie whole in one fold",
}


def described(question: Property, folds_by: str) -> dict[str, str]:
    """What is asked, by what is said of it: `tells`, `rows`, `target`, …; what is not known is left out.

    Args:
        folds_by: as `cca.folds_by` has it.
    """
    parts = {
        "tells": question.tells,
        "rows": rows_in_words(question.rows),
        "target": target_in_words(question.target, question.rows),
        "measure": measure_in_words(question),
        "folds": _FOLDS[folds_of(question, folds_by)] if has_own_folds(question, folds_by) else "",
        "layers": "convolutional layers too" if question.conv else "",
        "ranked": "" if question.ranked else "no: the layer with most of it is not the one to use",
        "source": question.source,
    }
    return {name: text for name, text in parts.items() if text}


def sentence(question: Property, folds_by: str) -> str:
    """The same in one line, as captions have it."""
    parts = described(question, folds_by)
    said = [f"{name.capitalize()}: {text.rstrip('.')}." for name, text in parts.items() if name != "tells"]
    return " ".join([*([question.tells] if question.tells else []), *said])


def measure_in_words(question: Property) -> str:
    """How rows and target become numbers, with the options that it is asked with."""
    options = ", ".join(f"{name.replace('_', ' ')}: {value}" for name, value in question.measure.options.items())
    return question.measure.words + (f" ({options})" if options else "")


def rows_in_words(rows: Rows) -> str:
    """What a row stands for."""
    if not rows.of_segments:
        return "frames"
    of = f" of the table {rows.of}" if rows.table else ""
    return f"each {rows.called}{of} as the mean over {rows.averaged}"


@singledispatch
def target_in_words(target: Target, rows: Rows) -> str:
    """What the rows are compared with; a kind of target that is not known here is said by its name."""
    return target.name


@target_in_words.register
def _(target: Acoustics, rows: Rows) -> str:
    return f"{target.measure.replace('_', ' ')}, measured in the audio"


@target_in_words.register
def _(target: Layer, rows: Rows) -> str:
    return f"{target.layer} of the same model"


@target_in_words.register
def _(target: OtherModel, rows: Rows) -> str:
    layer = {target.SAME: "the same layer", target.ALL: "every layer"}.get(target.layer, target.layer)
    return f"{layer} of {target.other_model}"


@target_in_words.register
def _(target: Label, rows: Rows) -> str:
    if target.column == "label":
        return f"which {rows.called} it is"
    return target.column.replace("_", " ")


@target_in_words.register
def _(target: Vectors, rows: Rows) -> str:
    return f"the vector of its {_looked_up(target)} in {target.name}"


@target_in_words.register
def _(target: Attributes, rows: Rows) -> str:
    return f"shares of attributes of its {_looked_up(target)} in {target.name}"


@target_in_words.register
def _(target: Columns, rows: Rows) -> str:
    return f"numbers: {target.name}"


@target_in_words.register
def _(target: Intervals, rows: Rows) -> str:
    return f"where {target.name} are in the utterances, and which"


@target_in_words.register
def _(target: Items, rows: Rows) -> str:
    return f"the items of {target.name}"


@target_in_words.register
def _(target: Ratings, rows: Rows) -> str:
    return f"how alike people rate pairs of words: {target.name}"


@target_in_words.register
def _(target: Pairs, rows: Rows) -> str:
    return f"how alike people rate pairs of recordings: {target.name}"


def _looked_up(target: Vectors | Attributes) -> str:
    return str(dict(target.fields).get("of", "label")).replace("_", " ")
