"""Who speaks in each recording, where no path says so: a column of a table by recording or utterance."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from layerwise.corpus.archives import CorpusError
from layerwise.corpus.metadata_headers import RECORDING, header_among, metadata_header, read_text_table
from layerwise.corpus.path_matching import matched
from layerwise.corpus.problems import Problem
from layerwise.corpus.user_tables import of_csv, read_table
from layerwise.errors import shown
from layerwise.files.texts import unusable

log = logging.getLogger(__name__)

NO_SPEAKER = "no speaker"  # a kind of problem


def given_speakers(path: Path, audio_paths: Mapping[str, str]) -> tuple[dict[str, str], list[Problem]]:
    """The speaker of each utterance, and those of whom the table says nothing.

    Args:
        path: a table with a column of speakers, as `layerwise.corpus.metadata_headers.Header` has it.
        audio_paths: of each utterance.

    Raises:
        CorpusError: the table says nothing of any utterance, or something twice.
        TableError, CSVError: it is no such table.
    """
    header = metadata_header(path)
    text = read_text_table(path)
    columns = (header.key, header.speaker or "")
    given = read_table(path, columns, text=columns) if text is None else of_csv(path, text, columns)
    header = header_among(path, list(given.frame.columns))
    if twice := next((name for name, count in Counter(given.frame[header.key]).items() if count > 1), None):
        raise CorpusError(f"{path} has two rows of {shown(twice)}; each {header.unit} has one")
    known = dict(zip(given.frame[header.key], given.frame[header.speaker], strict=True))
    names = list(audio_paths)
    rows = matched(audio_paths.values(), known) if header.unit == RECORDING else names
    found = {name: known[row] for name, row in zip(names, rows, strict=True) if row in known}
    if audio_paths and not found:
        theirs = next(iter(audio_paths.values())) if header.unit == RECORDING else names[0]
        raise CorpusError(
            f"{path}: none of its {header.unit}s is in the corpus, which has {shown(theirs)}; the table has "
            f"{shown(next(iter(known), 'no row'))} (corpus.metadata)"
        )
    problems = []
    for name, audio_path in audio_paths.items():
        speaker = found.get(name, "")
        if name not in found:
            problems.append(Problem(name, audio_path, NO_SPEAKER, f"{path.name} does not say who speaks"))
        elif wrong := unusable(speaker) if speaker else f"its {header.speaker} in {path.name} is empty":
            problems.append(Problem(name, audio_path, NO_SPEAKER, wrong))
            del found[name]
    log.info("%s, column %s: %d speakers", path, header.speaker, len(set(found.values())))
    return found, problems
