"""`corpus.metadata`: tables of speakers and utterances."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from layerwise.corpus.archives import CorpusError
from layerwise.corpus.kaldi import data_folder
from layerwise.corpus.layouts import LayoutError, layout_of
from layerwise.corpus.metadata_headers import (
    OF_CORPUS,
    SPEAKER,
    is_map,
    metadata_columns,
    metadata_header,
    repeated_id,
)
from layerwise.errors import LayerwiseError
from layerwise.experiment.configuration.problems import no_file, repeated
from layerwise.files.catalogues import locate


@dataclass(frozen=True)
class MetadataSources:
    """Where what is known of speakers and utterances comes from.

    Attributes:
        paths: tables that are here.
        in_audio: the name of one that comes with the audio.
        joined: each column of them → what it is known of, `speaker` or `utterance`.
        of_speakers: the one of `paths` that says who speaks; empty: the layout does.
    """

    paths: list[Path] = field(default_factory=list)
    in_audio: str | None = None
    joined: dict[str, str] = field(default_factory=dict)
    of_speakers: list[Path] = field(default_factory=list)

    @property
    def columns(self) -> dict[str, str]:
        """As `joined`, with the columns of the corpus's own table."""
        return OF_CORPUS | self.joined


def metadata_of_corpus(corpus: dict, corpora: dict, layout: dict) -> tuple[MetadataSources, list[str]]:
    """The tables that the configuration names, or else the catalogue or Kaldi's folder, and what is wrong with them."""
    given, entry = corpus["metadata"], corpora.get(corpus["name"], {})
    if given is None and "speakers_in_audio" in entry:
        table = entry["speakers_in_audio"]
        return MetadataSources(in_audio=table["file"], joined=dict.fromkeys(table["columns"], SPEAKER)), []
    if given is None:
        given = entry.get("metadata", [])
        if not given and layout.get("lists") and os.path.isdir(corpus["audio"] or ""):
            given = kaldi_tables(Path(corpus["audio"]), corpus["split"])
    given = [given] if isinstance(given, str) else given
    errors = repeated("corpus.metadata", given)
    errors += [problem for path in given for problem in no_file("corpus.metadata", path)]
    if errors:
        return MetadataSources(), errors
    paths = [locate(path) for path in given]
    try:
        columns = metadata_columns(paths)
        of_speakers = tables_of_speakers(paths, layout)
        twice = [(path, name) for path in paths if (name := repeated_id(path)) is not None]
    except LayerwiseError as error:
        return MetadataSources(), [f"corpus.metadata: {error}"]
    joined = {name: unit for name, unit in columns.items() if name not in OF_CORPUS}
    errors = [f"corpus.metadata: {path} has two rows of {name}; each has one" for path, name in twice]
    if len(of_speakers) > 1:
        both = " and ".join(map(str, of_speakers[:2]))
        errors.append(f"corpus.metadata: {both} both say who speaks; keep one column of speakers")
    return MetadataSources(paths, joined=joined, of_speakers=of_speakers), errors


def tables_of_speakers(paths: list[Path], layout: dict) -> list[Path]:
    """Tables that say who speaks in each recording, where the layout does not: its word comes first."""
    try:
        if not layout or not layout_of(layout).has_one_speaker:
            return []
    except LayoutError:  # said of the layout
        return []
    return [path for path in paths if metadata_header(path).speaker]


def kaldi_tables(root: Path, split: str) -> list[str]:
    """What Kaldi's folder of a split says of speakers: `spk2gender` and its like; a folder that is none has none."""
    try:
        folder = data_folder(root, split)
    except CorpusError:  # the job that lists its recordings says so
        return []
    return [str(path) for path in sorted(folder.glob("spk2*")) if is_map(path)]
