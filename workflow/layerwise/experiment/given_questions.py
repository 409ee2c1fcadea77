"""What the properties of `layerwise.analyse` need beside the speech, made as jobs of the workflow make it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from layerwise.experiment.configuration.properties import chosen_properties, key_of
from layerwise.experiment.configuration.read_files import NamedSource, chosen_read_files
from layerwise.experiment.configuration.vectors import WordFile, chosen_word_files
from layerwise.experiment.given_speech import Speech
from layerwise.files.catalogues import locate
from layerwise.representations.acoustics import measure_acoustics
from layerwise.scoring.properties import Property
from layerwise.scoring.references import Intervals
from layerwise.scoring.rows import ReadFile
from layerwise.segments.reading import read_segments
from layerwise.spans import TIERS, Rows
from layerwise.targets.locating import locate_intervals
from layerwise.targets.look_up import look_up_targets


@dataclass(frozen=True)
class Asked:
    """A property and its entry.

    Attributes:
        words: the file in which its words are looked up. files: those that its measure reads as they are.
    """

    question: Property
    entry: dict
    words: WordFile | None
    files: tuple[NamedSource, ...] = ()

    @property
    def needs_intervals(self) -> bool:
        """Whether it is asked of phones or words, by its rows or by its target."""
        return self.question.rows.span in TIERS or isinstance(self.question.target, Intervals)


@dataclass(frozen=True)
class Given:
    """What questions are asked of.

    Attributes:
        samples: sample → the folder of its tables.
        tables: name of a user's table of segments → the table, as it was read.
        folder: for what is made.
    """

    speech: Speech
    samples: Mapping[int, Path]
    tables: Mapping[str, Path]
    folder: Path

    def table(self, rows: Rows, sample: int) -> Path:
        """The table of some rows of a sample."""
        return self.tables[rows.of] if rows.span is None else self.samples[sample] / f"{rows.span.table}.parquet"


def asked_of_one_model(settings: dict) -> tuple[dict[str, Asked], list[str]]:
    """The chosen properties by name, and what is wrong with them where there is one model and nothing is fetched."""
    entries, questions, errors = chosen_properties(settings)
    words, word_errors = chosen_word_files(settings, entries)
    files, file_errors = chosen_read_files(settings, entries)
    errors = errors + word_errors + file_errors
    for name, question in questions.items():
        where = f"{key_of(settings, name)}.target"
        if question.target.other_model:
            errors.append(
                f"{where}: {name} compares with another model, {question.target.other_model}; here there is one: ask "
                "the workflow (docs/your-property.md)"
            )
        sources = [file.source for file in files.get(name, [])] + ([words[name].source] if name in words else [])
        errors += [
            f"{where}: {source.origin} is not fetched here: name a local file" for source in sources if source.is_url
        ]
    return {
        name: Asked(questions[name], entries[name], words.get(name), tuple(files.get(name, ()))) for name in questions
    }, errors


def read_given_tables(asked: Mapping[str, Asked], speech: Speech, folder: Path) -> dict[str, Path]:
    """Name of each of the user's tables of segments → the table, read and checked."""
    tables = {}
    for each in asked.values():
        rows = each.question.rows
        if rows.table and rows.of not in tables:
            tables[rows.of] = folder / f"{rows.of}.parquet"
            read_segments(locate(rows.table), speech.utterances, tables[rows.of], folder / f"{rows.of}_problems.csv")
    return tables


def files_beside(asked: Asked, sample: int, given: Given) -> dict[str, Any]:
    """What a score needs beside the representations, as arguments of `score_layers`."""
    question, rows = asked.question, asked.question.rows
    if asked.files:
        return {"files": [ReadFile(file.source.path, **file.facts) for file in asked.files]}
    if isinstance(question.target, Intervals):
        out = given.folder / f"intervals-{sample}.h5"
        if not out.exists():
            locate_intervals(given.samples[sample] / "utterances.parquet", given.speech.intervals, out)
        return {"intervals": out}
    if family := question.target.family(rows):
        out = given.folder / f"{question.name}-acoustics.h5"
        if not out.exists():
            drawn = [given.table(rows, number) for number in given.samples]
            speech = given.speech
            measure_acoustics(
                family, drawn, speech.utterances, out, audio_root=speech.audio, intervals=speech.intervals
            )
        return {"acoustics": out}
    if question.target.looked_up:
        out = given.folder / f"{question.name}-{sample}-targets.h5"
        look_up_targets(
            given.table(rows, sample),
            given.speech.utterances,
            out,
            out.with_suffix(".csv"),
            target=asked.entry["target"],
            rows=asked.entry["rows"],
            file=asked.words.source.path if asked.words else None,
            member=asked.words.member if asked.words else None,
        )
        return {"targets": out}
    return {}
