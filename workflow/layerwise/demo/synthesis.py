"""A prompt becomes an utterance: spoken, made another speaker's, set to a level, with noise and exact times.

A forced aligner estimates where phones lie; a synthesiser decides it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from scipy.signal import resample_poly

from layerwise.constants import SAMPLE_RATE
from layerwise.demo.flite import SILENCE, Flite, Segment, SynthesisError
from layerwise.demo.speakers import Prompt

LEVEL = 0.04
"""Root mean square of an utterance before noise, of full scale; about that of read speech, with room for its peaks."""

NOISE = 2.0
"""Standard deviation of the added noise, in steps of 16 bits: enough that no stretch of silence is exactly zero."""


@dataclass(frozen=True)
class Utterance:
    """A finished utterance: `samples` (n,) int16 at 16 kHz; phones and words that each tile [0, n / 16000] seconds.

    Phones are ARPAbet with stress digits on vowels, or `sil`. Words are lower case, or empty where nobody speaks.
    """

    identifier: str
    samples: np.ndarray
    phones: tuple[Segment, ...]
    words: tuple[Segment, ...]

    @property
    def text(self) -> str:
        """The transcript, upper case as in LibriSpeech."""
        return " ".join(word.label for word in self.words if word.label).upper()


def synthesise(engine: Flite, prompt: Prompt) -> Utterance:
    """Let a speaker read a prompt: speak, warp, set the level, add noise, cut to whole 10 ms.

    Warping multiplies all times by up / down. The cut takes less than 10 ms from the last pause; without it, writers
    and readers that round times would disagree with the audio about where the utterance ends.

    Raises:
        SynthesisError: flite cannot read the text as written, or the text ends without a pause to cut.
    """
    speaker = prompt.speaker
    reading = engine.read(prompt.text, speaker.voice, speaker.stretch, speaker.pitch_hertz, prompt.seed)
    signal = resample_poly(reading.samples / 32768, speaker.up, speaker.down)
    signal *= LEVEL / np.sqrt(np.mean(signal**2))
    noise = np.random.default_rng(prompt.seed).normal(scale=NOISE, size=signal.size)
    samples = np.clip(np.rint(signal * 32768 + noise), -32768, 32767).astype(np.int16)
    hundredths = samples.size * 100 // SAMPLE_RATE
    samples = samples[: hundredths * SAMPLE_RATE // 100]
    duration = hundredths / 100

    warp = speaker.up / speaker.down
    phones = [_scaled(phone, warp) for phone in reading.phones]
    if phones[-1].label != SILENCE or phones[-1].start >= duration:
        raise SynthesisError(f"{prompt.identifier}: flite ended {prompt.text!r} without a pause")
    phones[-1] = Segment(SILENCE, phones[-1].start, duration)
    words = [_scaled(word, warp) for word in reading.words]
    return Utterance(prompt.identifier, samples, tuple(phones), tuple(_with_gaps(words, duration)))


def _scaled(segment: Segment, warp: float) -> Segment:
    # Rounded to 0.1 ms here, once, so that word and phone edges stay equal in every output.
    return Segment(segment.label, round(segment.start * warp, 4), round(segment.end * warp, 4))


def _with_gaps(words: Iterable[Segment], duration: float) -> Iterator[Segment]:
    """The words, and an empty one wherever nothing is said, from 0 to `duration` seconds."""
    position = 0.0
    for word in words:
        if word.start > position:
            yield Segment("", position, word.start)
        yield word
        position = word.end
    if position < duration:
        yield Segment("", position, duration)
