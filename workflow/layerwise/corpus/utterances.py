"""The table of a corpus's utterances.

Its files lie as its layout says; LibriSpeech's is `LibriSpeech/<split>/SPEAKER/CHAPTER/SPEAKER-CHAPTER-UTTERANCE.flac`
beside `SPEAKER-CHAPTER.trans.txt` (Panayotov et al. 2015, https://www.openslr.org/12). Audio that would spoil a number
later is left out, and named.
"""

from __future__ import annotations

import logging
import os
import stat
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path, PurePosixPath

import numpy as np
import pyarrow as pa

from layerwise.constants import SAMPLE_RATE
from layerwise.corpus.archives import CorpusError
from layerwise.corpus.given_speakers import given_speakers
from layerwise.corpus.kaldi import WAV_SCP, DataFolder, data_folder, read_data_folder
from layerwise.corpus.layouts import AUDIO_SUFFIXES, Layout, with_suffix, without_audio_suffixes
from layerwise.corpus.parts import Part
from layerwise.corpus.problems import Problem, counted, report_problems, summarise_problems
from layerwise.corpus.recording_checks import MIN_SECONDS, Fault, Sound, doubt, examine
from layerwise.corpus.times import MAX_OVERRUN_SECONDS, comparable
from layerwise.corpus.transcripts import looked_for, read_transcripts
from layerwise.corpus.waveforms import read_waveform
from layerwise.errors import first_names, shown
from layerwise.files.folders import NOT_OF_THE_FOLDER, Folder, files_below
from layerwise.files.own_tables import write_parquet
from layerwise.files.texts import code_points, unusable
from layerwise.progress import ProgressLine

log = logging.getLogger(__name__)

UTTERANCE_SCHEMA = pa.schema(
    [
        ("utterance_id", pa.string()),
        ("speaker_id", pa.string()),
        ("chapter_id", pa.string()),
        ("audio_path", pa.string()),
        ("sample_rate", pa.int32()),
        ("num_samples", pa.int64()),
        ("duration", pa.float64()),
        ("text", pa.string()),
        ("start", pa.float64()),
    ]
)
# Letters a second, without spaces: 12 are usual in any alphabet, and 20 are hard to follow.
MAX_PACE = 25
_HEARD = 256  # recordings whose sound is remembered
BAD_NAME, NO_TRANSCRIPT = "bad name", "no transcript"  # kinds of problems
NAME_A_LAYOUT = (
    "name the layout: corpus.layout is a name in resources/layouts.yaml (flat: …/SPEAKER/UTTERANCE.wav, without "
    "folders of splits), or a mapping: {recordings: '**/{speaker}/{utterance}'}; without one it is LibriSpeech's"
)
_CONVERSION = 4 * 2.0**-15  # four steps of 16 bits: as much as rounding and dither change a sample


def split_folder(root: Path, split: str) -> Path:
    """The folder of a split: below `root`, at any depth, or `root` itself.

    Raises:
        CorpusError: naming what `root` holds instead.
    """
    # Inner folders first: an unpacked corpus may lie in a folder that is named after its split.
    for candidate in (root / "LibriSpeech" / split, root / split):
        if candidate.is_dir():
            return candidate
    if not root.is_dir():
        raise CorpusError(f"{root}: there is no such folder")
    if root.resolve().name == split:
        return root
    if deeper := sorted(Path(where, split) for where, folders, _ in os.walk(root) if split in folders):
        return deeper[0]
    inner = root / "LibriSpeech"
    folders = [path.name for path in (inner if inner.is_dir() else root).iterdir() if path.is_dir()]
    raise CorpusError(f"{root} has no folder for split {split!r}; it has {first_names(folders)}; {NAME_A_LAYOUT}")


@dataclass(frozen=True)
class _Recording:
    """An audio file that lies as the layout says.

    Attributes:
        copies: files beside it that are named after it, as `SA1.WAV.wav` after `SA1.WAV`.
        stretch: seconds from and to which it is the utterance; None: its end.
    """

    path: Path
    speaker_id: str
    chapter_id: str
    copies: list[Path] = field(default_factory=list)
    stretch: tuple[float, float | None] = (0.0, None)


def index_utterances(
    root: Path,
    split: str,
    utterances_out: Path,
    problems_out: Path,
    *,
    layout: Layout,
    part: Part | None = None,
    speakers: Path | None = None,
    threads: int | None = None,
) -> None:
    """Write the table of a split's utterances, and the table of those that are left out or doubtful.

    Every recording is decoded once, to its end: a damaged file is found now, not after hours of extraction. Left out
    are recordings with a fault (`layerwise.corpus.recording_checks`), and those without a transcript where the layout
    promises one. Those at another rate than 16 kHz stay, and are counted: they are resampled when they are read.
    Clipped ones stay too, and those with more text than anybody says in that time; these are named.

    Args:
        root: the corpus root; `audio_path` is relative to it.
        utterances_out: parquet with `UTTERANCE_SCHEMA`, sorted by utterance_id; `num_samples` at the recording's own
            `sample_rate`, `duration` in seconds, `start` the seconds of the recording before the utterance (0, but for
            Kaldi's segments).
        problems_out: CSV of utterance_id, audio_path, problem, detail; a row per utterance left out, per transcript
            line without a recording and, with a detail that begins with "kept", per doubt.
        layout: of the corpus.
        part: the recordings that are taken; None: all.
        speakers: a table that says who speaks (`layerwise.corpus.given_speakers`); None: the layout does. Recordings
            that the table does not have are left out.
        threads: recordings decoded at a time; None: one per core.

    Raises:
        CorpusError: no folder for the split; two files for one utterance; no utterance left.
    """
    source = Folder(root)
    listed = None
    if layout.lists:
        folder = data_folder(root, split)
        listed = read_data_folder(folder, source)
        recordings, problems = _listed_recordings(listed, root, source)
    else:
        folder = split_folder(root, split) if "split" in layout.recordings.fields else root
        layout = layout.of_split(split)
        if not folder.is_dir():
            raise CorpusError(f"{folder}: there is no such folder")
        source.require(folder, CorpusError, stat.S_ISDIR)
        recordings, problems = _find_recordings(folder, layout, root, source)
        if not recordings and not problems:
            raise CorpusError(f"{folder} has no audio file ({', '.join(AUDIO_SUFFIXES)}) in it or below it")
    if speakers is not None:
        recordings, unknown = _with_speakers(recordings, speakers, root)
        problems += unknown
    taken = (part or Part()).of({name: found.speaker_id for name, found in recordings.items()}) if recordings else set()
    left_out = recordings.keys() - taken
    recordings = {name: found for name, found in recordings.items() if name in taken}
    if left_out:
        log.info("a part is taken: %d of %d recordings", len(taken), len(taken) + len(left_out))
    texts, refused = read_transcripts(
        folder, layout, {utterance_id: found.path for utterance_id, found in recordings.items()}, source
    )
    problems += refused
    if listed is not None and listed.texts is not None:  # those whose recording cannot be read have been named
        unread = listed.utterances.keys() - recordings.keys()
        texts = {name: text for name, text in listed.texts.items() if name not in unread}
    rows = []
    with ThreadPoolExecutor(threads or os.cpu_count()) as pool:
        heard = lru_cache(_HEARD)(examine)  # a recording of Kaldi's has many utterances
        results = pool.map(lambda item: _index_one(*item, texts, layout, root, heard), recordings.items())
        progress = ProgressLine(f"reading {split}", len(recordings), "files")
        for row, found in results:
            rows += [row] if row else []
            problems += found
            progress.add()
    if texts is not None:
        without = texts.keys() - recordings.keys() - left_out
        alone = [Problem(name, "", "no audio", "a transcript line without a recording") for name in without]
        problems += counted(alone, "transcript lines without a recording")
    report_problems(problems, problems_out, file_column="audio_path")
    if not rows:
        raise CorpusError(
            f"{folder} has no utterance that can be used: {summarise_problems(problems)}{_what_helps(layout, problems)}"
        )
    write_parquet(pa.Table.from_pylist(rows, UTTERANCE_SCHEMA), utterances_out)
    if layout.has_one_speaker and speakers is None:
        log.warning(
            "no {speaker} in corpus.layout says who speaks, and no column speaker_id of corpus.metadata: all "
            "recordings count as one speaker's"
        )
    log.info("%s: %d utterances, %.0f s", split, len(rows), sum(row["duration"] for row in rows))
    for rate, count in sorted(Counter(row["sample_rate"] for row in rows).items()):
        if rate != SAMPLE_RATE:
            log.info("%d recordings at %d Hz will be resampled to %d Hz", count, rate, SAMPLE_RATE)


def _what_helps(layout: Layout, problems: list[Problem]) -> str:
    """What to change where nothing lies as the layout says."""
    first = {problem.problem: problem for problem in sorted(problems, reverse=True)}
    said = ""
    if BAD_NAME in first:
        said += f"; {shown(first[BAD_NAME].file)}: {first[BAD_NAME].detail}; {NAME_A_LAYOUT}"
    if NO_TRANSCRIPT in first:
        said += (
            f"; {shown(first[NO_TRANSCRIPT].file)}: {first[NO_TRANSCRIPT].detail} (corpus.layout, field transcripts: "
            "chapters, the suffix of a text beside each recording, or null, where there are none)"
        )
    return said


def _find_recordings(
    folder: Path, layout: Layout, root: Path, source: Folder
) -> tuple[dict[str, _Recording], list[Problem]]:
    """Audio files by utterance id, in order of the id; and those that lie elsewhere than the layout says."""
    recordings: dict[str, _Recording] = {}
    problems: list[Problem] = []

    def unreadable(error: OSError) -> None:
        problems.append(Problem("", ascii(os.path.relpath(error.filename, root)), "unreadable", str(error.strerror)))

    found = with_suffix(files_below(folder, unreadable), AUDIO_SUFFIXES)
    for path in sorted(found, key=lambda path: (_is_copy(path), path)):
        if wrong := unusable(str(path.relative_to(root))):
            problems.append(Problem("", ascii(str(path.relative_to(root))), BAD_NAME, wrong))
            continue
        if reason := source.refusal(path):
            problems.append(Problem(path.stem, path.relative_to(root).as_posix(), NOT_OF_THE_FOLDER, reason))
            continue
        # With the folder's own name first, so that it may be the split's, or a speaker's.
        fields = layout.recordings.match(PurePosixPath(folder.resolve().name, path.relative_to(folder)))
        if fields is None:
            detail = f"expected {layout.recordings.text}"
            problems.append(Problem(path.stem, path.relative_to(root).as_posix(), BAD_NAME, detail))
            continue
        utterance_id = layout.utterance_id.format(**fields)
        if utterance_id not in recordings:
            recordings[utterance_id] = _Recording(
                path, layout.speaker_id.format(**fields), layout.chapter_id.format(**fields)
            )
        elif _is_copy(path) and _same_name(path, recordings[utterance_id].path):
            recordings[utterance_id].copies.append(path)
        else:
            names = " and ".join(f"{shown(name)}{code_points(name)}" for name in (recordings[utterance_id].path, path))
            raise CorpusError(
                f"utterance {shown(utterance_id)} has two recordings: {names}; "
                f"an id is made as {layout.utterance_id!r} (corpus.layout)"
            )
    return dict(sorted(recordings.items())), problems


def _listed_recordings(listed: DataFolder, root: Path, source: Folder) -> tuple[dict[str, _Recording], list[Problem]]:
    """The same of Kaldi's files: by utterance, and those whose recording is no file that may be read."""
    recordings: dict[str, _Recording] = {}
    problems: list[Problem] = []
    for utterance_id, stretch in sorted(listed.utterances.items()):
        path = listed.audio(stretch.recording, root)
        if wrong := unusable(utterance_id):
            problems.append(Problem("", ascii(utterance_id), BAD_NAME, wrong))
        elif path is None:
            detail = f"{WAV_SCP} has a command or an archive, which is not run: write {stretch.recording} to a file"
            problems.append(Problem(utterance_id, "", "no file", detail))
        elif reason := source.refusal(path):
            problems.append(Problem(utterance_id, str(path), NOT_OF_THE_FOLDER, reason))
        elif not path.exists():
            detail = f"paths of {WAV_SCP} start in {root}, in {listed.path} or between them"
            problems.append(Problem(utterance_id, listed.files[stretch.recording] or "", "no audio", detail))
        else:
            times = (stretch.start, stretch.end)
            recordings[utterance_id] = _Recording(path, listed.speakers[utterance_id], "", stretch=times)
    return recordings, problems


def _with_speakers(
    recordings: dict[str, _Recording], table: Path, root: Path
) -> tuple[dict[str, _Recording], list[Problem]]:
    """Recordings with the speakers of a table, and those of whom it says nothing."""
    paths = {name: os.path.relpath(found.path, root) for name, found in recordings.items()}
    speaker_of, problems = given_speakers(table, paths)
    known = {name: replace(recordings[name], speaker_id=speaker) for name, speaker in speaker_of.items()}
    return known, problems


def _is_copy(path: Path) -> bool:
    """Whether a file has a suffix of audio after one of audio, as converters leave it: `SA1.WAV.wav`."""
    return without_audio_suffixes(str(path)) != str(path.with_suffix(""))


def _same_name(path: Path, other: Path) -> bool:
    """Whether two files differ in suffixes of audio only."""
    return without_audio_suffixes(str(path)) == without_audio_suffixes(str(other))


def _index_one(
    utterance_id: str,
    recording: _Recording,
    texts: dict[str, str] | None,
    layout: Layout,
    root: Path,
    heard: Callable[[Path], Sound | Fault],
) -> tuple[dict[str, object] | None, list[Problem]]:
    """A row of the table of utterances, if it can have one, and what is wrong or doubtful."""
    path, sound, problems = _chosen(utterance_id, recording, root, heard)
    audio_path = (path.relative_to(root) if path.is_relative_to(root) else path).as_posix()
    if isinstance(sound, Sound):
        sound = _stretch_of(sound, *recording.stretch)
    text = "" if texts is None else texts.get(utterance_id, "")
    if isinstance(sound, Sound) and texts is not None and not text:
        sought = f"looked for {looked_for(layout, utterance_id, path)}"
        sound = Fault(NO_TRANSCRIPT, "its transcript is empty" if utterance_id in texts else sought)
    if isinstance(sound, Fault):
        return None, [*problems, Problem(utterance_id, audio_path, *sound)]
    row = {
        "utterance_id": utterance_id,
        "speaker_id": recording.speaker_id,
        "chapter_id": recording.chapter_id,
        "audio_path": audio_path,
        "sample_rate": sound.sample_rate,
        "num_samples": sound.num_samples,
        "duration": sound.duration,
        "text": text,
        "start": recording.stretch[0],
    }
    doubts = (*sound.doubts, *_too_much_text(sound, text))
    return row, [*problems, *(Problem(utterance_id, audio_path, *found) for found in doubts)]


def _stretch_of(sound: Sound, start: float, end: float | None) -> Sound | Fault:
    """The part of a recording that is an utterance; an end past the recording's by what rounding takes is its end."""
    if (start, end) == (0.0, None):
        return sound
    end = sound.duration if end is None else end
    if start >= sound.duration or end > sound.duration + MAX_OVERRUN_SECONDS:
        detail = f"from {start:g} to {end:g} s of a recording of {sound.duration:g} s"
        return Fault("outside of the recording", detail)
    first = round(start * sound.sample_rate)
    samples = min(round(end * sound.sample_rate), sound.num_samples) - first
    if comparable(samples / sound.sample_rate) < MIN_SECONDS:
        return Fault("too short", f"{samples / sound.sample_rate:g} s; models need {MIN_SECONDS:g} s")
    return replace(sound, num_samples=samples)


def _chosen(
    utterance_id: str, recording: _Recording, root: Path, heard: Callable[[Path], Sound | Fault]
) -> tuple[Path, Sound | Fault, list[Problem]]:
    """The file of a recording that is used, what it holds, and what is said of the others.

    It is the first that can be read; the others must have the same sound.
    """
    sounds = {path: heard(path) for path in (recording.path, *recording.copies)}
    readable = [path for path, sound in sounds.items() if isinstance(sound, Sound) or sound.problem != "unreadable"]
    used = readable[0] if readable else recording.path
    problems = []
    for path, sound in sounds.items():
        if path == used:
            continue
        if path in readable:
            if not _same_sound(used, sounds[used], path, sound):
                raise CorpusError(
                    f"utterance {shown(utterance_id)} has two recordings, with different sound: "
                    f"{shown(used)} and {shown(path)}; remove one"
                )
            if isinstance(sound, Sound):
                sound = doubt("twice", f"{used.name} has the same sound and is used")
        problems.append(Problem(utterance_id, path.relative_to(root).as_posix(), *sound))
    return used, sounds[used], problems


def _same_sound(path: Path, sound: Sound | Fault, other_path: Path, other: Sound | Fault) -> bool:
    """Whether recordings sound the same, up to what converters change; unusable ones count as the same."""
    if isinstance(sound, Fault) or isinstance(other, Fault):
        return isinstance(sound, Fault) and isinstance(other, Fault)
    if (sound.num_samples, sound.sample_rate) != (other.num_samples, other.sample_rate):
        return False
    return bool(np.abs(read_waveform(path) - read_waveform(other_path)).max() <= _CONVERSION)


def _too_much_text(sound: Sound, text: str) -> list[Fault]:
    """Whether there is more text than anybody says in that time: another's transcript, or a wrong sample rate."""
    pace = len("".join(text.split())) / sound.duration
    detail = f"{pace:.0f} letters a second: another's transcript, or a wrong sample rate"
    return [doubt("too much text", detail)] if pace > MAX_PACE else []
