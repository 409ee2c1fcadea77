"""The 18 speakers of the demo, made of three voices, and what each of them reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from layerwise.demo.flite import VOICES
from layerwise.seeds import short_seed

WARPS = ((21, 25), (9, 10), (24, 25), (26, 25), (11, 10), (29, 25))
"""Resampling ratios (up, down), 5 to 8 % apart."""

PACE = (0.85, 0.8, 0.9)
"""How slowly a speaker talks, against the voice's own pace; given in turn."""

GENDERS = {"awb": "M", "rms": "M", "slt": "F"}
"""Of the people whose voices they are; resampling makes them sound smaller or larger."""

FIRST_SPEAKER = 9001
"""LibriSpeech's own speakers have smaller numbers."""


@dataclass(frozen=True)
class Speaker:
    """One of flite's voices, changed until it sounds like someone else.

    Attributes:
        identifier: number, as LibriSpeech counts its speakers.
        voice: flite's name for the voice, one of `VOICES`.
        up, down: the resampling ratio. Played at the old rate, the voice gets longer by up / down, and pitch and
            formants fall by the same factor.
        stretch: flite's `duration_stretch`, before resampling.
        pitch_hertz: flite's `int_f0_target_mean`, before resampling. The voice rms ignores it.
    """

    identifier: int
    voice: str
    up: int
    down: int
    stretch: float
    pitch_hertz: float


@dataclass(frozen=True)
class Prompt:
    """A sentence for one speaker to read. `identifier` is SPEAKER-CHAPTER-UTTERANCE; `seed` fixes all randomness."""

    identifier: str
    speaker: Speaker
    text: str
    seed: int


def demo_speakers() -> tuple[Speaker, ...]:
    """The 18 speakers of the demo: each voice at each warp, so that neighbours in number are the same voice."""
    speakers: list[Speaker] = []
    for voice, pitch_hertz in VOICES.items():
        for up, down in WARPS:
            index = len(speakers)
            speakers.append(
                Speaker(
                    identifier=FIRST_SPEAKER + index,
                    voice=voice,
                    up=up,
                    down=down,
                    # The warp's own lengthening is taken back: speakers should differ in voice more than in pace.
                    stretch=PACE[index % len(PACE)] * down / up,
                    pitch_hertz=pitch_hertz * (1.0 + 0.05 * (index % 2)),
                )
            )
    return tuple(speakers)


def speaker_table() -> str:
    """What is known of the 18 speakers, as a CSV: speaker_id, gender, voice, warp (how much longer and lower it is)."""
    rows = [
        f"{speaker.identifier},{GENDERS[speaker.voice]},{speaker.voice},{speaker.up / speaker.down:g}\n"
        for speaker in demo_speakers()
    ]
    return "".join(["speaker_id,gender,voice,warp\n", *rows])


def assign_prompts(sentences: Sequence[str], speakers: Sequence[Speaker], seed: int) -> list[Prompt]:
    """Deal sentences to speakers in turn, each speaker's in two chapters; ordered by identifier.

    Chapters are the speaker's number and 1 or 2 (90011, 90012), utterances count from 0000 in each chapter.
    """
    prompts = []
    for index, speaker in enumerate(speakers):
        own = sentences[index :: len(speakers)]
        half = (len(own) + 1) // 2
        for chapter, texts in enumerate((own[:half], own[half:]), start=1):
            for number, text in enumerate(texts):
                identifier = f"{speaker.identifier}-{speaker.identifier}{chapter}-{number:04d}"
                prompts.append(Prompt(identifier, speaker, text, short_seed(seed, identifier)))
    return sorted(prompts, key=lambda prompt: prompt.identifier)
