"""What the archives of the demo corpus hold, counted from their own bytes."""

from __future__ import annotations

import io
import re
import tarfile
import zipfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import soundfile

from layerwise.demo.flite import SILENCE, Segment, SynthesisError, without_stress


@dataclass(frozen=True)
class Figures:
    """What two archives hold: counts, seconds of audio, instances of each word and phone, bytes of both together."""

    utterances: int
    speakers: int
    seconds: float
    words: Mapping[str, int]
    phones: Mapping[str, int]
    bytes: int

    def word_types(self, instances: int) -> int:
        """How many word types occur at least `instances` times."""
        return sum(count >= instances for count in self.words.values())


def measure(audio: Path, alignments: Path) -> Figures:
    """Count what two archives hold, from their own bytes.

    Raises:
        SynthesisError: the archives do not hold the same utterances, or a tier does not tile its utterance exactly.
    """
    seconds = {}
    with tarfile.open(audio) as tar:
        for member in tar:
            if member.name.endswith(".flac"):
                sound = soundfile.info(io.BytesIO(tar.extractfile(member).read()))
                seconds[Path(member.name).stem] = sound.frames / sound.samplerate
    words: Counter[str] = Counter()
    phones: Counter[str] = Counter()
    with zipfile.ZipFile(alignments) as grids:
        names = {Path(name).stem: name for name in grids.namelist()}
        if names.keys() != seconds.keys():
            raise SynthesisError(f"{audio} and {alignments} hold different utterances: make both anew")
        for identifier, name in names.items():
            tiers = _read_tiers(grids.read(name).decode())
            for tier, segments in tiers.items():
                if not _tiles(segments, seconds[identifier]):
                    raise SynthesisError(f"{alignments}: {name}: {tier} do not tile [0, {seconds[identifier]}] s")
            words.update(word.label for word in tiers["words"] if word.label)
            phones.update(without_stress(phone.label) for phone in tiers["phones"] if phone.label != SILENCE)
    return Figures(
        utterances=len(seconds),
        speakers=len({identifier.split("-")[0] for identifier in seconds}),
        seconds=sum(seconds.values()),
        words=words,
        phones=phones,
        bytes=audio.stat().st_size + alignments.stat().st_size,
    )


def _read_tiers(text: str) -> dict[str, list[Segment]]:
    """Tiers of a TextGrid that `text_grid` wrote."""
    tiers = {}
    for tier in text.split("item [")[2:]:
        name = re.search(r'name = "(.*)"', tier).group(1)
        tiers[name] = [
            Segment(label.replace('""', '"'), float(start), float(end))
            for start, end, label in re.findall(r'xmin = (\S+)\s+xmax = (\S+)\s+text = "(.*)"', tier)
        ]
    return tiers


def _tiles(segments: Sequence[Segment], duration: float) -> bool:
    """Whether segments of positive length follow each other without a gap from 0 to `duration` seconds."""
    edges = [0.0, *(segment.end for segment in segments)]
    return (
        [segment.start for segment in segments] == edges[:-1]
        and all(segment.start < segment.end for segment in segments)
        and edges[-1] == duration
    )


def describe(figures: Figures) -> str:
    """The figures as lines of text for people to read."""
    rarest, instances = min(figures.phones.items(), key=lambda item: (item[1], item[0]))
    return "\n".join(
        (
            f"utterances: {figures.utterances}",
            f"speakers: {figures.speakers}",
            f"minutes: {figures.seconds / 60:.2f}",
            f"words: {sum(figures.words.values())}",
            f"word types: {len(figures.words)} ({figures.word_types(15)} with at least 15 instances, "
            f"{figures.word_types(20)} with at least 20)",
            f"phones: {len(figures.phones)} types, {sum(figures.phones.values())} instances, "
            f"at least {instances} of each ({rarest})",
            f"bytes: {figures.bytes}",
        )
    )
