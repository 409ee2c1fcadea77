"""How a corpus lies on the disk: which file is which utterance, and who speaks in it.

A layout is an entry of resources/layouts.yaml, or a mapping with the same fields in the configuration.
"""

from __future__ import annotations

import itertools
import posixpath
import re
import string
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path, PurePosixPath

from layerwise.errors import LayerwiseError
from layerwise.files.texts import composed

# What libsndfile reads, as people call it; TIMIT's .wav are SPHERE.
AUDIO_SUFFIXES = (
    ".flac", ".wav", ".ogg", ".opus", ".mp3", ".sph",
    ".aif", ".aifc", ".aiff", ".au", ".caf", ".nist", ".oga", ".rf64", ".snd", ".w64",
)  # fmt: skip

ONE_SPEAKER = "one"  # the id of the speaker of a corpus whose files do not say who speaks


class LayoutError(LayerwiseError):
    """A layout contradicts itself, or a file does not lie as its layout says."""


def with_suffix(paths: Iterable[Path], suffixes: tuple[str, ...]) -> Iterator[Path]:
    """The files whose names end so; names that begin with a dot are an operating system's (`._1-2-0003.flac`)."""
    return (path for path in paths if path.name.lower().endswith(suffixes) and not path.name.startswith("."))


def without_audio_suffixes(path: str) -> str:
    """A path without any suffix of audio, however many it has."""
    while (parts := posixpath.splitext(path))[1].lower() in AUDIO_SUFFIXES:
        path = parts[0]
    return path


_FOLDERS = "**"  # a part of a pattern that is any number of folders
_MOST_FOLDERS = 2
_MOST_LOOSE = 2  # `**/` are counted too, as each multiplies what the others try
_MOST_AGAIN = 3  # places where a field stands that has a value already: each is compared at every place that is tried
_LONGEST_NAME, _LONGEST_PATH = 255, 4096  # characters, as on every disk
_DEEPEST = 64  # folders in one another, far more than a corpus has: two `**/` try the square of them
_TOKEN = re.compile(r"\*+|\{\w+\}|[^*{}]+|.", re.DOTALL)


@dataclass(frozen=True)
class Pattern:
    """Where files lie, as a path without its suffix: `**/{split}/{speaker}/{utterance}`.

    `{name}` is a part of a file's or folder's name and can be used twice; `*` is any such part, `**/` any folders, also
    none. Upper and lower case count; the form of Unicode does not, and fields are composed (NFC).

    Matching never takes long, whatever the pattern and the path. Each part between two slashes is matched by itself (an
    atomic group of the regular expression). In it, a field ends where the text after it is first found, because no
    later place would leave more room for the rest. Only for `**/` and for `_Part.loose` are several ends tried. A
    pattern may have two of these: with more, one path takes seconds.
    """

    text: str

    @cached_property
    def fields(self) -> list[str]:
        """Names in curly brackets, in order."""
        return list(dict.fromkeys(re.findall(r"\{(\w+)\}", self.text)))

    @cached_property
    def _regex(self) -> re.Pattern[str]:
        parts = [_TOKEN.findall(part) for part in composed(self.text).split("/")]
        names = [token for tokens in parts for token in tokens if token[0] == "{"]
        again = {name for name in names if names.count(name) > 1}
        known: set[str] = set()
        regex, loose = "", []
        if len(self.text) > _LONGEST_PATH:
            raise LayoutError(f"a pattern has {len(self.text)} characters; no path has more than {_LONGEST_PATH}")
        for number, tokens in enumerate(parts):
            is_last = number == len(parts) - 1
            if tokens == [_FOLDERS] and not is_last:
                regex += "(?:[^/]+/)*"
                loose.append("**/")
                continue
            self._refuse_what_means_nothing(tokens)
            part = _Part(tokens, known, again)
            loose += part.loose
            regex += part.regex(r"\Z" if is_last else "/")
            known.update(tokens)
        if loose.count("**/") > _MOST_FOLDERS:
            raise LayoutError(f"the pattern {self.text!r} has **/ more than {_MOST_FOLDERS} times")
        if len(loose) > _MOST_LOOSE:
            raise LayoutError(
                f"the pattern {self.text!r} can be read in too many ways: each of {', '.join(loose)} may end at "
                f"several places, and at most {_MOST_LOOSE} such are allowed (a field of its own name, such as "
                "{other}, in place of * ends at one)"
            )
        if len(names) - len(set(names)) > _MOST_AGAIN:
            raise LayoutError(
                f"the pattern {self.text!r} can be read in too many ways: fields are used again "
                f"{len(names) - len(set(names))} times, and at most {_MOST_AGAIN} are allowed"
            )
        return re.compile(regex)

    def _refuse_what_means_nothing(self, tokens: list[str]) -> None:
        for token in tokens:
            is_field = token[0] == "{" and token[1:-1].isidentifier()
            if token[0] in "*{}" and token != "*" and not is_field:
                raise LayoutError(f"the pattern {self.text!r} has {token!r} where it means nothing")

    def match(self, path: PurePosixPath | str) -> dict[str, str] | None:
        """The fields of a file at `path`; None: it does not lie as the pattern says.

        Its suffix does not count, and neither do further ones of audio (`SA1.WAV.wav`) unless the pattern has them.
        """
        whole = posixpath.splitext(composed(str(path)))[0]
        names = whole.split("/")
        if len(whole) > _LONGEST_PATH or len(names) > _DEEPEST or max(map(len, names)) > _LONGEST_NAME:
            return None
        found = self._regex.fullmatch(without_audio_suffixes(whole)) or self._regex.fullmatch(whole)
        suffix = posixpath.splitext(str(path))[1]
        if found is None and suffix.lower() in AUDIO_SUFFIXES and self.text.endswith(suffix):
            found = self._regex.fullmatch(whole + suffix)  # people write {utterance}.wav
        return found and found.groupdict()

    def of_split(self, split: str) -> Pattern:
        """The pattern with the name of one split in it."""
        return Pattern(self.text.replace("{split}", split))


class _Part:
    """What stands between two slashes of a pattern.

    Args:
        tokens: texts, stars and fields.
        known: fields of the parts before; here they stand for what they are there.
        again: fields that are used more than once.

    Attributes:
        loose: tokens of which several ends are tried: stars, which take as much as they can; all tokens of a part that
            shares a field with another part; and tokens before a field that has a value already (comparing it at each
            place takes time that grows with the square of the name's length). Any other last token ends where the rest
            is the end of the name.
    """

    def __init__(self, tokens: list[str], known: set[str], again: set[str]) -> None:
        self._tokens = tokens
        # Of each token, whether it may be any text.
        self._free = [
            token == "*" or (token[0] == "{" and token not in known and token not in tokens[:number])
            for number, token in enumerate(tokens)
        ]
        free = [number for number, is_free in enumerate(self._free) if is_free]
        self._is_open = len(tokens) > 1 and any(tokens[number] in again for number in free)
        self.loose = []
        for number in free:
            tries_ends = number != free[-1] and (self._is_open or tokens[number] == "*")
            ends_at_known = any(tokens[after][0] == "{" for after in self._until_free(number))
            self.loose += [tokens[number]] * (tries_ends + ends_at_known)

    def regex(self, end: str) -> str:
        """Its regular expression, up to `end` (the slash after it, or the end of the path)."""
        regex = "".join(self._token(number) for number in range(len(self._tokens))) + end
        return regex if self._is_open else f"(?>{regex})"

    def _token(self, number: int) -> str:
        token = self._tokens[number]
        if token == "*":
            return "[^/]*"
        if token[0] != "{":
            return re.escape(token)
        if not self._free[number]:
            return f"(?P={token[1:-1]})"
        field_ = f"(?P<{token[1:-1]}>[^/]+?)"
        if self._is_open or not any(self._free[number + 1 :]):
            return field_
        return f"(?>{field_}(?={''.join(map(self._token, self._until_free(number)))}))"

    def _until_free(self, number: int) -> Iterator[int]:
        """The tokens after one, up to the next that may be any text."""
        return itertools.takewhile(lambda other: not self._free[other], range(number + 1, len(self._tokens)))


@dataclass(frozen=True)
class Layout:
    """What is where in a corpus, and what its labels mean.

    Attributes:
        recordings: pattern of audio files; paths begin with the name of the corpus folder or archive's top.
        alignments: pattern of alignment files; None: as the recordings.
        utterance_id, speaker_id, chapter_id: templates of the patterns' fields. Where no speaker_id is given and the
            pattern of recordings has no `{speaker}`, one speaker says everything.
        transcripts: `chapters` (LibriSpeech's SPEAKER-CHAPTER.trans.txt), the suffix of a text file beside each
            recording, or None: there are none, and the text of every utterance is empty.
        lists: `kaldi`, recordings, speakers and texts are those of Kaldi's files (`layerwise.corpus.kaldi`), and
            `recordings` is no more than where alignments lie by default; None: as the other fields say.
        tiers: names of the TextGrid tiers (in any case of letters, `*` stands for anything), by `phone` and `word`; of
            every tier that has one of them, such as each speaker's, the intervals count. Without `word` the corpus has
            phones only, without `phone` words only.
        phones: the phone set, an entry of resources/phones.yaml.
        marks: changes to resources/marks.yaml, as `layerwise.alignments.marks.marks_of` takes them.
        lower_case: whether words become lower case, so that `The` and `the` are one; phones never do.
        cut_pauses: recordings are cut into utterances where nobody speaks for so many seconds; None: one recording is
            one utterance.
    """

    recordings: Pattern
    alignments: Pattern | None = None
    utterance_id: str = "{utterance}"
    speaker_id: str = ""
    chapter_id: str = ""
    transcripts: str | None = None
    lists: str | None = None
    tiers: dict[str, list[str]] = field(
        default_factory=lambda: {
            "phone": ["phones", "phone", "* - phones", "* - phone"],
            "word": ["words", "word", "* - words", "* - word"],
        }
    )
    phones: str = "arpabet"
    marks: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    lower_case: bool = True
    cut_pauses: float | None = None

    def __post_init__(self) -> None:
        if not self.speaker_id:
            speaker = "{speaker}" if "speaker" in self.recordings.fields else ONE_SPEAKER
            object.__setattr__(self, "speaker_id", speaker)
        for name in ("utterance_id", "speaker_id", "chapter_id"):
            try:
                needed = template_fields(getattr(self, name))
            except LayoutError as error:
                raise LayoutError(f"{name}: {error}") from error
            for pattern in (self.recordings, self.aligned) if name == "utterance_id" else (self.recordings,):
                unknown = [key for key in needed if key not in pattern.fields]
                if unknown:
                    raise LayoutError(
                        f"{name}: {getattr(self, name)!r} needs {', '.join(unknown)}, which is not in the pattern "
                        f"{pattern.text!r}; its fields are {', '.join(pattern.fields) or 'none'}"
                    )
        for name, pattern in (("recordings", self.recordings), ("alignments", self.aligned)):
            try:
                pattern.match("x")
            except LayoutError as error:
                raise LayoutError(f"{name}: {error}") from error

    @property
    def aligned(self) -> Pattern:
        """Where alignment files lie."""
        return self.alignments or Pattern(without_audio_suffixes(self.recordings.text))

    @property
    def has_texts(self) -> bool:
        """Whether it promises transcripts."""
        return self.transcripts is not None or self.lists is not None

    @property
    def has_one_speaker(self) -> bool:
        """Whether neither paths nor lists say who speaks."""
        return self.speaker_id == ONE_SPEAKER and not self.lists

    def of_split(self, split: str) -> Layout:
        """The layout with the name of one split in its patterns."""
        return replace(
            self,
            recordings=self.recordings.of_split(split),
            alignments=self.alignments and self.alignments.of_split(split),
        )


def layout_of(entry: Mapping[str, object]) -> Layout:
    """The layout that an entry of resources/layouts.yaml describes.

    Raises:
        LayoutError: the entry contradicts itself.
    """
    given = {
        name: composed(value) if isinstance(value, str) else value
        for name, value in entry.items()
        if name != "description" and value is not None
    }
    if isinstance(tiers := given.get("tiers"), Mapping):
        given["tiers"] = {
            tier: [names] if isinstance(names, str) else names for tier, names in tiers.items() if names is not None
        }
        if not given["tiers"]:
            raise LayoutError("tiers: neither phones nor words have a tier; name one: {phone: MAU}")
    patterns = {name: Pattern(given[name]) for name in ("recordings", "alignments") if name in given}
    return Layout(**(given | patterns))


def template_fields(template: str) -> list[str]:
    """The fields that a template such as `{speaker}-{utterance}` needs.

    `{utterance:.3}` is the first three characters of one; nothing else of Python's formats may be there, as those may
    ask for any attribute, and for a text of any length.

    Raises:
        LayoutError: it is no template.
    """
    try:
        parts = list(string.Formatter().parse(template))
    except ValueError as error:
        raise LayoutError(f"{template!r} is no template: {error}") from error
    fields = []
    for _, name, format_, conversion in parts:
        if name is None:
            continue
        wrong = "" if name.isidentifier() else name or "{}"
        wrong = wrong or (conversion and f"!{conversion}")
        wrong = wrong or ("" if re.fullmatch(r"(\.[0-9]{1,3})?", format_) else format_)
        if wrong:
            raise LayoutError(
                f"{template!r} is no template: {wrong!r} is neither a field, such as {{utterance}}, nor the beginning "
                "of one, such as {utterance:.3}"
            )
        fields.append(name)
    return fields
