"""Tables of segments that properties are about, and the columns that their targets name."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from layerwise.errors import LayerwiseError
from layerwise.experiment.configuration.problems import no_file, repeated, unknown
from layerwise.files.catalogues import locate
from layerwise.files.own_tables import SEGMENT_COLUMNS
from layerwise.files.texts import composed
from layerwise.segments.chosen import MADE, columns_of, table_names

OF_TEXT = frozenset(("label", "utterance_id", "speaker_id", "chapter_id", "audio_path", "text"))
_KEYS = ("columns", "label", "of", "vectors", "attributes")  # of a target, the first that names a column, or needs one


def resolved_entries(entries: Mapping[str, dict]) -> dict[str, dict]:
    """Entries of properties with columns as tables have them: letters and their accents are one character.

    Those of a table say what it is called in paths: `rows: {segments:, table:}`.
    """
    entries = {name: entry | {"target": _composed(entry["target"])} for name, entry in entries.items()}
    names = table_names(entry["rows"]["segments"] for entry in entries.values() if isinstance(entry["rows"], Mapping))
    return {
        name: entry | {"rows": {**entry["rows"], "table": names[entry["rows"]["segments"]]}}
        if isinstance(entry["rows"], Mapping)
        else entry
        for name, entry in entries.items()
    }


def _composed(target: Mapping) -> dict:
    columns: dict[str, object] = {key: composed(target[key]) for key in ("label", "of") if key in target}
    if "columns" in target:
        columns["columns"] = list(map(composed, target["columns"]))
    return {**target, **columns}


def absent_columns(keys: Mapping[str, str], entries: Mapping[str, dict], joined: Collection[str]) -> list[str]:
    """Tables of segments that cannot be read, and columns that a target names and its rows lack.

    Args:
        keys: of each property, where it stands in the configuration.
        joined: columns that every row has beside its table's own, as `metadata_of_corpus` knows them.
    """
    errors = []
    for name, entry in entries.items():
        if isinstance(entry["rows"], Mapping):
            path = entry["rows"]["segments"]
            where, there = f"a column of {path} or of corpus.metadata", []
            if problems := no_file(f"{keys[name]}.rows.segments", path):
                errors += problems
                continue
            try:
                there = columns_of(locate(path))
            except LayerwiseError as error:
                errors.append(f"{keys[name]}.rows.segments: {error}")
                continue
        else:
            where = f"a column of {entry['rows']} rows or of corpus.metadata"
            there = [] if entry["rows"] == "frame" else list(SEGMENT_COLUMNS)
        if "columns" in entry["target"]:
            key = f"{keys[name]}.target.columns"
            errors += [*repeated(key, entry["target"]["columns"]), *_text_columns(key, entry, there)]
        key = next((key for key in _KEYS if key in entry["target"]), "label")
        allowed = dict.fromkeys((*there, *joined))
        errors += unknown(f"{keys[name]}.target.{key}", columns_named(entry["target"]), allowed, where)
    return errors


def _text_columns(key: str, entry: Mapping, own: Collection[str]) -> list[str]:
    """Columns of names where numbers are asked for; a table of the user's may have numbers in one of its own."""
    names = OF_TEXT - (set(own) - set(MADE)) if isinstance(entry["rows"], Mapping) else OF_TEXT
    return [
        f"{key}: {name} holds text, and numbers are expected; {{label: {name}}} takes its values as names"
        for name in entry["target"]["columns"]
        if name in names
    ]


def columns_named(target: Mapping) -> list[str]:
    """The columns that a target names; a measure of the audio and a layer name none."""
    if "columns" in target:
        return list(target["columns"])
    if "label" in target:
        return [target["label"]]
    return [target.get("of", "label")] if {"vectors", "attributes"} & set(target) else []
