"""How a corpus lies on the disk: which file is which utterance, and who speaks in it.

A layout is an entry of resources/layouts.yaml, or a mapping with the same fields in the configuration.
"""

from __future__ import annotations

import posixpath
import re
import string
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import PurePosixPath

from layerwise.errors import LayerwiseError
from layerwise.texts import composed

# What libsndfile reads, as people call it; TIMIT's .wav are SPHERE.
AUDIO_SUFFIXES = (
    ".flac", ".wav", ".ogg", ".opus", ".mp3", ".sph",
    ".aif", ".aifc", ".aiff", ".au", ".caf", ".nist", ".oga", ".rf64", ".snd", ".w64",
)  # fmt: skip


class LayoutError(LayerwiseError):
    """A layout contradicts itself, or a file does not lie as its layout says."""


def without_audio_suffixes(path: str) -> str:
    """A path without any suffix of audio, however many it has."""
    while (parts := posixpath.splitext(path))[1].lower() in AUDIO_SUFFIXES:
        path = parts[0]
    return path


@dataclass(frozen=True)
class Pattern:
    """Where files lie, as a path without its suffix: `**/{split}/{speaker}/{utterance}`.

    `{name}` is a part of a file's or folder's name and can be used twice; `*` is any such part, `**/` any folders, also
    none. Upper and lower case count; the form of Unicode does not, and fields are composed (NFC).
    """

    text: str

    @cached_property
    def fields(self) -> list[str]:
        """Names in curly brackets, in order."""
        return list(dict.fromkeys(re.findall(r"\{(\w+)\}", self.text)))

    @cached_property
    def _regex(self) -> re.Pattern[str]:
        seen: set[str] = set()
        parts = []
        for token in re.findall(r"\*\*/|\*|\{\w+\}|[^*{}]+|.", composed(self.text)):
            if token == "**/":
                parts.append("(?:[^/]+/)*")
            elif token == "*":
                parts.append("[^/]*")
            elif name := re.fullmatch(r"\{([^\W\d]\w*)\}", token):
                parts.append(f"(?P={name[1]})" if name[1] in seen else f"(?P<{name[1]}>[^/]+?)")
                seen.add(name[1])
            elif token in "*{}" or token[0] == "{":
                raise LayoutError(f"the pattern {self.text!r} has {token!r} where it means nothing")
            else:
                parts.append(re.escape(token))
        return re.compile("".join(parts))

    def match(self, path: PurePosixPath | str) -> dict[str, str] | None:
        """The fields of a file at `path`; None: it does not lie as the pattern says.

        Its suffix does not count, and neither do further ones of audio (`SA1.WAV.wav`) unless the pattern has them.
        """
        whole = posixpath.splitext(composed(str(path)))[0]
        found = self._regex.fullmatch(without_audio_suffixes(whole)) or self._regex.fullmatch(whole)
        return found and found.groupdict()

    def of_split(self, split: str) -> Pattern:
        """The pattern with the name of one split in it."""
        return Pattern(self.text.replace("{split}", split))


@dataclass(frozen=True)
class Layout:
    """What is where in a corpus, and what its labels mean.

    Attributes:
        recordings: pattern of audio files; paths begin with the name of the corpus folder or archive's top.
        alignments: pattern of alignment files; None: as the recordings.
        utterance_id, speaker_id, chapter_id: templates of the patterns' fields.
        transcripts: `chapters` (LibriSpeech's SPEAKER-CHAPTER.trans.txt), the suffix of a text file beside each
            recording, or None: there are none, and the text of every utterance is empty.
        tiers: names of the TextGrid tiers (in any case of letters, `*` stands for anything), by `phone` and `word`; of
            every tier that has one of them, such as each speaker's, the intervals count.
        phones: the phone set, an entry of resources/phones.yaml.
        marks: changes to resources/marks.yaml, as `layerwise.marks.marks_of` takes them.
        lower_case: whether words become lower case, so that `The` and `the` are one; phones never do.
        cut_pauses: recordings are cut into utterances where nobody speaks for so many seconds; None: one recording is
            one utterance.
    """

    recordings: Pattern
    alignments: Pattern | None = None
    utterance_id: str = "{utterance}"
    speaker_id: str = "{speaker}"
    chapter_id: str = ""
    transcripts: str | None = None
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
        return self.alignments or self.recordings

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
    patterns = {name: Pattern(given[name]) for name in ("recordings", "alignments") if name in given}
    return Layout(**(given | patterns))


def template_fields(template: str) -> list[str]:
    """The fields that a template such as `{speaker}-{utterance}` needs.

    Raises:
        LayoutError: it is no template.
    """
    try:
        fields = [name for _, name, _, _ in string.Formatter().parse(template) if name is not None]
        template.format(**dict.fromkeys(fields, "x"))  # a format may be one of numbers
    except (ValueError, LookupError, AttributeError) as error:
        raise LayoutError(f"{template!r} is no template: {error}") from error
    return fields
