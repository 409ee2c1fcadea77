"""Where alignments lie, in a folder, a zip or tables, and what they say of each utterance.

Formats in a folder or zip are told apart by suffix: Praat's `.TextGrid`; TIMIT's `.phn` and `.wrd`; Buckeye's `.phones`
and `.words`; `.lab` of HTK, HTS and Festival, which is one tier; `.parquet`, tables with a row for each utterance.
"""

from __future__ import annotations

import logging
import os
import posixpath
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from layerwise.alignments.columns import PLAIN_TIERS
from layerwise.alignments.label_files import parse_lab, parse_timit, parse_xwaves
from layerwise.alignments.parquet import Row, find_rows, read_rows
from layerwise.alignments.textgrids import parse_textgrid
from layerwise.alignments.tiers import AlignmentError, Tier
from layerwise.alignments.zips import MAX_FILE_BYTES, Member, NoZipError, ZipError, members, read_member
from layerwise.cells import AUTOMATIC, WITHOUT
from layerwise.corpus.layouts import Layout
from layerwise.errors import first_names, shown
from layerwise.files.atomic import PARQUET, begins_with
from layerwise.files.digests import verify
from layerwise.files.folders import Folder, files_below
from layerwise.files.plain_files import open_plain, read_plain
from layerwise.files.texts import code_points, is_utf8

log = logging.getLogger(__name__)

_SUFFIXES_SHOWN = 5


@dataclass(frozen=True, eq=False)
class _Format:
    """A format of alignments.

    Attributes:
        name: as people call it.
        parsers: by suffix in small letters, of each file that an utterance has: tiers of (content, name for errors).
        tiers: names of its tiers of phones and words; None: those of the layout.
        gives_way: whether files of it beside those of another format are something else.
    """

    name: str
    parsers: Mapping[str, Callable[[bytes, str], list[Tier]]]
    tiers: Mapping[str, Sequence[str]] | None = field(default_factory=PLAIN_TIERS.copy)
    gives_way: bool = False


_LAB = "labels"  # the name of the tier of a .lab file


def _one_tier(parse: Callable[[bytes, str, str], Tier], tier: str) -> Callable[[bytes, str], list[Tier]]:
    return lambda data, name: [parse(data, name, tier)]


_FORMATS = (
    _Format("TextGrid", {".textgrid": parse_textgrid}, tiers=None),
    _Format("TIMIT", {".phn": _one_tier(parse_timit, "phones"), ".wrd": _one_tier(parse_timit, "words")}),
    _Format("Buckeye", {".phones": _one_tier(parse_xwaves, "phones"), ".words": _one_tier(parse_xwaves, "words")}),
    # Its one tier is of phones, unless the layout has words only. MFA's transcripts have this suffix too.
    _Format("lab", {".lab": _one_tier(parse_lab, _LAB)}, {"phone": [_LAB]}, gives_way=True),
)
_TABLES = _Format("Parquet", {})
_FORMAT_OF = {suffix: kind for kind in _FORMATS for suffix in kind.parsers} | {".parquet": _TABLES}


class File(NamedTuple):
    """A file by the name that messages and patterns know, and where it is: a path, or a place in a zip."""

    name: str
    place: str | Member

    @property
    def suffix(self) -> str:
        return posixpath.splitext(self.name)[1].lower()


class Aligned(NamedTuple):
    """Where the alignment of one utterance is; any process can read it without a look through the whole source.

    Attributes:
        name: of its (first) file, for messages.
        place: its files, or its row in a table.
    """

    name: str
    place: tuple[File, ...] | Row


@dataclass(frozen=True)
class Found:
    """The alignments of a split.

    Attributes:
        utterances: by utterance id.
        tiers: names of the tiers of phones (`phone`) and words (`word`).
        misplaced: files in a folder of the split that do not lie as the layout says.
    """

    utterances: Mapping[str, Aligned]
    tiers: Mapping[str, Sequence[str]]
    misplaced: Sequence[str] = ()


# Finding


def verify_source(source: Path, checks: Mapping | None) -> None:
    """Check the size and the digests of alignments that are one file.

    Raises:
        DownloadError: it is not the one that is expected.
    """
    if checks is not None and source.is_file():
        verify(source, **checks)


def find_alignments(source: Path, splits: Sequence[str], layout: Layout) -> dict[str, Found]:
    """The alignments of each split in a zip, in a folder, or in Parquet tables: one, or a folder of them.

    Args:
        layout: where files lie; its patterns hold `{split}`, or the split's name already. Where they hold neither, the
            first split has all files. Tables need no pattern, see `layerwise.alignments.parquet`.

    Raises:
        AlignmentError: the source cannot be read, lacks a split, has two alignments of an utterance, or mixes formats.
    """
    files = [file for file in _files(source) if file.suffix != (layout.transcripts or "").lower()]
    kind = _only_format(source, files)
    files = [file for file in files if _FORMAT_OF[file.suffix] is kind]
    if kind is _TABLES:
        tables = [str(file.place) for file in files]
        return {split: _in_tables(source, tables, split, _tiers_of(kind, layout)) for split in splits}
    patterns = {split: layout.of_split(split).aligned for split in splits}
    parts: dict[str, dict[str, list[File]]] = {split: defaultdict(list) for split in splits}
    strays: list[str] = []
    for file in files:
        for split, pattern in patterns.items():
            if fields := pattern.match(file.name):
                parts[split][layout.utterance_id.format(**fields)].append(file)
                break
        else:
            strays.append(file.name)
    for split, pattern in patterns.items():
        if not any(parts[other] for other in splits if patterns[other] == pattern):
            there = {_split_of(name) for name in strays} | {other for other in splits if parts[other]}
            raise AlignmentError(
                f"{source} has no alignment of split {split!r}; it has {first_names(there)} (expected is a path like "
                f"{pattern.text})"
            )
    return {
        split: Found(
            {utterance_id: _aligned(source, utterance_id, of_one) for utterance_id, of_one in parts[split].items()},
            _tiers_of(kind, layout),
            [name for name in strays if split in name.split("/")[:-1]],
        )
        for split in splits
    }


def _files(source: Path) -> Iterator[File]:
    """The alignment files and tables in a folder or zip."""
    if source.is_dir():
        # With the folder's own name first, so that it may be the split's folder.
        top = source.resolve().name
        paths = sorted(files_below(source, _warn_unreadable))
        files = (File(f"{top}/{path.relative_to(source).as_posix()}", str(path)) for path in paths)
    elif not source.exists():
        raise AlignmentError(f"{source}: there is no such file or folder")
    elif source.suffix.lower() == ".parquet" or begins_with(source, PARQUET):  # an address may end in anything
        files = iter([File(source.with_suffix(".parquet").name, str(source))])
    else:
        try:
            files = (File(name, member) for name, member in members(source))
        except NoZipError as error:
            raise AlignmentError(f"{error}; expected a zip, a folder or a table (.parquet)") from error
        except ZipError as error:
            raise AlignmentError(str(error)) from error
    for file in files:
        # Names with a leading dot are an operating system's. What is no file of the folder is refused when it is read.
        if file.suffix in _FORMAT_OF and not posixpath.basename(file.name).startswith("."):
            if not is_utf8(file.name):
                raise AlignmentError(f"{source} has the file {file.name!a}, whose name is not UTF-8; rename it")
            yield file


def _warn_unreadable(error: OSError) -> None:
    log.warning("%s cannot be looked into: %s", shown(error.filename), error.strerror)


def _only_format(source: Path, files: Sequence[File]) -> _Format:
    example = {_FORMAT_OF[file.suffix]: file.name for file in files}
    if len(example) > 1:
        example = {kind: name for kind, name in example.items() if not kind.gives_way}
    if not example:
        raise AlignmentError(f"{source} has no alignment; {_instead(source)}")
    if len(example) > 1:
        found = ", ".join(f"{kind.name} ({shown(name)})" for kind, name in example.items())
        raise AlignmentError(f"{source} has alignments in several formats, {found}; give a folder with one of them")
    return next(iter(example))


def _instead(source: Path) -> str:
    """What a source without alignments holds, and what to name in its place."""
    if source.is_dir():
        names = sorted(path.relative_to(source).as_posix() for path in files_below(source, _warn_unreadable))
    else:
        names = [name for name, _ in members(source)]
    zips = [name for name in names if name.lower().endswith(".zip")]
    if zips:
        how = "name the zip itself" if source.is_dir() else "unpack it, and name the zip in it"
        place = source / zips[0] if source.is_dir() else zips[0]
        return f"it holds {len(zips)} zip{'s' if len(zips) > 1 else ''}: {how} (corpus.alignments: {shown(place)})"
    suffixes = Counter(posixpath.splitext(name)[1].lower() or "none" for name in names)
    found = ", ".join(f"{number} {shown(suffix)}" for suffix, number in suffixes.most_common(_SUFFIXES_SHOWN))
    return (
        f"its files by suffix: {found or 'none'}; known are {' '.join(_FORMAT_OF)}. Name another zip or folder, or "
        f"corpus.alignments: {AUTOMATIC}, which aligns audio and transcripts here (English), or {WITHOUT}, if nothing "
        "that you ask is about phones or words"
    )


def _aligned(source: Path, utterance_id: str, files: Sequence[File]) -> Aligned:
    of_suffix: dict[str, File] = {}
    for file in files:
        other = of_suffix.setdefault(file.suffix, file)
        if other is not file:
            names = " and ".join(f"{shown(name)}{code_points(name)}" for name in (other.name, file.name))
            raise AlignmentError(f"{source} has two alignments of {shown(utterance_id)}: {names}")
    return Aligned(files[0].name, tuple(files))


def _in_tables(source: Path, tables: Sequence[str], split: str, tiers: Mapping[str, Sequence[str]]) -> Found:
    folder = Folder(source)
    for table in tables if source.is_dir() else ():
        folder.require(table, AlignmentError)
    rows = find_rows(source, tables, split)
    return Found({utterance_id: Aligned(row.table, row) for utterance_id, row in rows.items()}, tiers)


def _tiers_of(kind: _Format, layout: Layout) -> Mapping[str, Sequence[str]]:
    """Names of the tiers that count: the format's where it has its own, of the kinds that the layout asks for."""
    if kind.tiers is None:
        return layout.tiers
    if len(kind.tiers) == 1 and len(layout.tiers) == 1:
        return dict(zip(layout.tiers, kind.tiers.values(), strict=True))
    return {tier: kind.tiers[tier] for tier in layout.tiers if tier in kind.tiers}


def _split_of(name: str) -> str:
    """The folder that seems to be a file's split: it is for LibriSpeech and TIMIT."""
    parts = name.split("/")
    return parts[-4] if len(parts) > 3 else "/".join(parts[:-1]) or "files outside of any folder"


# Reading


def num_bytes(aligned: Aligned) -> int:
    """Of the files of an utterance, unpacked; 0 where they are gone, or where it has a row in a table."""
    files = () if isinstance(aligned.place, Row) else aligned.place
    return sum(_size(file.place) for file in files)


def _size(place: str | Member) -> int:
    if isinstance(place, Member):
        return place.num_bytes
    try:
        return os.stat(place).st_size
    except OSError:  # said when it is read
        return 0


def read_alignments(source: Path, aligned: Sequence[Aligned]) -> list[list[Tier] | AlignmentError]:
    """What the alignments of some utterances say, or why one of them cannot be read.

    Args:
        source: as given to `find_alignments`, whose results `aligned` are.

    Raises:
        AlignmentError: a table cannot be read.
    """
    if any(isinstance(utterance.place, Row) for utterance in aligned):
        return read_rows([utterance.place for utterance in aligned])
    with _opened(source) as read:
        return [_parsed(utterance.place, read) for utterance in aligned]


@contextmanager
def _opened(source: Path) -> Iterator[Callable[[str | Member], bytes]]:
    """A function that reads the file at a place in a folder or zip."""
    if source.is_dir():
        folder = Folder(source)

        def read(path: str) -> bytes:
            if reason := folder.refusal(path):
                raise AlignmentError(f"{shown(path)}: {reason}")
            return read_plain(path, MAX_FILE_BYTES, AlignmentError)

        yield read
    else:
        with open_plain(source) as stream:
            yield lambda member: read_member(stream.fileno(), member)


def _parsed(files: Sequence[File], read: Callable[[str | Member], bytes]) -> list[Tier] | AlignmentError:
    tiers: list[Tier] = []
    for file in files:
        try:
            tiers += _FORMAT_OF[file.suffix].parsers[file.suffix](read(file.place), shown(file.name))
        except AlignmentError as error:
            return error
        except (ZipError, OSError) as error:
            return AlignmentError(f"{shown(file.name)}: {error.strerror if isinstance(error, OSError) else error}")
    return tiers
