"""What is said before any layer is computed: of each question, whether the samples are enough, and what would be."""

from __future__ import annotations

import logging
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from layerwise.cells import FLAGGED, OK, SKIPPED
from layerwise.errors import LayerwiseError
from layerwise.experiment.samples.asked import AskedLayers
from layerwise.experiment.samples.speech import Speech
from layerwise.experiment.samples.workable import Case, Plan, suggestions, too_few_groups
from layerwise.sampling import rare_types
from layerwise.scoring.enough import Verdict
from layerwise.scoring.properties import Property
from layerwise.spans import TIERS, SampleSizes, Span
from layerwise.tables.files import AnyPath, read_table, table_of, write_table

log = logging.getLogger(__name__)

COLUMNS = [
    *("property", "models", "sample", "n_rows", "n_types", "n_speakers"),
    *("dimensions", "target_dimensions", "n_train", "n_test", "status", "reason", "note", "workable"),
]
RARE_COLUMNS = ["span", "label", "n"]
_WHOLE = ["n_rows", "n_types", "n_speakers", "dimensions", "target_dimensions", "n_train", "n_test"]


class NotEnoughError(LayerwiseError):
    """The samples are too small for a question, and the experiment is strict; the message has numbers that would do."""

    is_list = True


@dataclass(frozen=True)
class Answer:
    """What is known of a question to layers of one size.

    Attributes:
        verdicts: by sample set; those that nobody knows before the score are missing.
        workable: changes of the configuration that would do.
        hopeless_folds: why none can, where that is known without trying.
    """

    asked: AskedLayers
    verdicts: Mapping[int, Verdict]
    workable: Sequence[Mapping[str, int]] = ()
    hopeless_folds: str = ""

    @property
    def is_hopeless(self) -> bool:
        """Whether no sample set allows a score."""
        return bool(self.verdicts) and all(verdict.status == SKIPPED for verdict in self.verdicts.values())

    @property
    def said(self) -> str:
        """What is wrong and what would be right, in a line; "": nothing is wrong."""
        wrong = {number: verdict for number, verdict in self.verdicts.items() if verdict.status != OK}
        if not wrong:
            return ""
        refused = {number: verdict for number, verdict in wrong.items() if verdict.status == SKIPPED}
        number, verdict = next(iter((refused or wrong).items()))
        what = "cannot be scored" if refused else "will be flagged"
        several = len(self.verdicts) > 1
        share = f" in {len(refused or wrong)} of {len(self.verdicts)} sample sets" if several else ""
        of = f"{self.asked.layer} dimensions"
        return (
            f"{self.asked.question}: layers of {of} {what}{share}: {verdict.reason} (sample {number}: {verdict.rows} "
            f"rows). {self.hopeless_folds or in_words(self.workable)}"
        )


def in_words(workable: Sequence[Mapping[str, int]]) -> str:
    """Changes of the configuration, as a person would write them."""
    if not workable:
        return "No numbers in samples and cca that were tried would do: this corpus has too little"
    ways = [" with ".join(f"{key}: {value}" for key, value in changes.items()) for changes in workable]
    return f"What would do: {', or '.join(ways)}"


def answers(
    asked: Iterable[AskedLayers], questions: Mapping[str, Property], speech: Speech, plan: Plan
) -> list[Answer]:
    """What is known of every question, with what would do where samples are not enough.

    Nothing is of those whose rows are of a table that is not among the corpus's.
    """
    found = []
    for each in asked:
        rows = questions[each.question].rows
        if rows.span is None and rows.of not in speech.tables:
            continue
        case = Case(each, questions[each.question], speech)
        verdicts = {number: case.verdict(plan, number) for number in range(1, plan.samples + 1)}
        known = {number: verdict for number, verdict in verdicts.items() if verdict is not None}
        wrong = any(verdict.status != OK for verdict in known.values())
        found.append(Answer(each, known, suggestions(case, plan) if wrong else (), too_few_groups(case, plan)))
    return found


def check_samples(
    asked: Iterable[AskedLayers],
    questions: Mapping[str, Property],
    speech: Speech,
    plan: Plan,
    out: AnyPath,
    rare: AnyPath | None = None,
    strict: bool = False,
    said: AnyPath | None = None,
) -> None:
    """Say of every question whether the samples are enough: in a table, in the log and on the terminal.

    Args:
        said: the table of an earlier check: what stands there is not said on the terminal again.
        rare: where the types go that `samples.min_per_type` leaves out; None: nowhere.
        strict: refuse samples of which a question has no score at all.

    Raises:
        NotEnoughError: `strict`, and a question has no score.
    """
    before = set() if said is None else read_said(said)
    if rare is not None:
        write_rare_types(speech, plan.sizes, rare, {question.rows.span for question in questions.values()})
    found = answers(asked, questions, speech, plan)
    rows = [_row(answer, number, verdict) for answer in found for number, verdict in answer.verdicts.items()]
    write_table(table_of(rows, COLUMNS, ["sample", *_WHOLE]), out)
    hopeless = [name for name in questions if _of(found, name) and all(each.is_hopeless for each in _of(found, name))]
    for answer in found:
        name, notes = answer.asked.question, {verdict.note for verdict in answer.verdicts.values()}
        known = before >= {(name, verdict.reason) for verdict in answer.verdicts.values()}
        if answer.said and not (strict and name in hopeless):
            log.log(logging.INFO if known else logging.WARNING, "%s", answer.said)
        for note in sorted(notes - {""}):
            log.log(logging.INFO if (name, note) in before else logging.WARNING, "%s: %s", name, note)
    if strict and hopeless:
        raise NotEnoughError(
            "samples are too small, and the configuration says `strict: true`:\n"
            + "\n".join(f"  {answer.said}" for answer in found if answer.asked.question in hopeless)
        )
    fine = sum(not answer.said for answer in found)
    log.info("%d of %d kinds of questions and layers have enough rows", fine, len(found))


def read_said(path: AnyPath) -> set[tuple[str, str]]:
    """Names of questions with each reason and note that a table of `check_samples` has of them."""
    table = read_table(path, COLUMNS, text=["note", "workable", "models"])
    return {(row["property"], row[column]) for _, row in table.iterrows() for column in ("reason", "note")}


def write_rare_types(speech: Speech, sizes: SampleSizes, out: AnyPath, wanted: Container[Span | None] = TIERS) -> None:
    """The types that are left out, as they occur fewer than `min_per_type` times, and how often each does.

    Args:
        wanted: spans that are asked about: rare types of others are no warning.
    """
    rows = []
    for span in TIERS:
        rare, types = rare_types(speech.segments[span], span, sizes, speech.ranking)
        rows += [{"span": span.name, "label": label, "n": int(n)} for label, n in rare.items()]
        if len(rare):
            log.log(
                logging.WARNING if span in wanted else logging.INFO,
                "%d of %d %s types, with %d segments, occur fewer than %d times, and are left out "
                "(samples.min_per_type): %s",
                len(rare), types, span.name, rare.sum(), sizes.min_per_type, Path(out).name,
            )  # fmt: skip
    write_table(table_of(rows, RARE_COLUMNS, ["n"]), out)


def _of(found: Sequence[Answer], name: str) -> list[Answer]:
    return [answer for answer in found if answer.asked.question == name and answer.verdicts]


def _row(answer: Answer, sample: int, verdict: Verdict) -> dict:
    workable = "; ".join(", ".join(f"{key}: {value}" for key, value in each.items()) for each in answer.workable)
    return {
        "property": answer.asked.question,
        "models": " ".join(answer.asked.models),
        "sample": sample,
        "n_rows": verdict.rows,
        "n_types": verdict.types or None,
        "n_speakers": verdict.speakers,
        "dimensions": verdict.dx,
        "target_dimensions": verdict.dy,
        "n_train": verdict.train,
        "n_test": verdict.test,
        "status": verdict.status,
        "reason": verdict.reason,
        "note": verdict.note,
        "workable": workable if verdict.status in (FLAGGED, SKIPPED) else "",
    }
