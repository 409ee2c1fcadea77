"""Flite 2.2 (Black and Lenzo 2001) through its C library: speech, and the times of its phones and words."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from layerwise.alignments.arpabet import PHONES, VOWELS
from layerwise.constants import SAMPLE_RATE
from layerwise.errors import LayerwiseError

PACKAGE = "libflite1"  # of Debian and Ubuntu
SILENCE = "sil"

VOICES = {"awb": 120.0, "rms": 100.0, "slt": 175.0}
"""Flite's voices that synthesise from trained parameters at 16 kHz, and a pitch in Hz that suits each."""


class SynthesisError(LayerwiseError):
    """A text cannot be spoken as asked, or a corpus cannot be packed; the message names the text or the file."""


class MissingEngineError(SynthesisError):
    """Flite's C library is not installed; the message names the package that holds it."""


@dataclass(frozen=True)
class Segment:
    """A labelled stretch of an utterance; `start` and `end` in seconds."""

    label: str
    start: float
    end: float


@dataclass(frozen=True)
class Reading:
    """What flite returns: `samples` (n,) int16 at 16 kHz, and its own phones and words. Pauses are `sil`, not words."""

    samples: np.ndarray
    phones: tuple[Segment, ...]
    words: tuple[Segment, ...]


class _Wave(ctypes.Structure):
    """Flite's `cst_wave`."""

    _fields_ = (
        ("type", ctypes.c_char_p),
        ("sample_rate", ctypes.c_int),
        ("num_samples", ctypes.c_int),
        ("num_channels", ctypes.c_int),
        ("samples", ctypes.POINTER(ctypes.c_short)),
    )


class _Voice(ctypes.Structure):
    """The beginning of flite's `cst_voice`; nothing behind its features is read."""

    _fields_ = (("name", ctypes.c_char_p), ("features", ctypes.c_void_p))


_TEXT, _POINTER, _FLOAT = ctypes.c_char_p, ctypes.c_void_p, ctypes.c_float

_SIGNATURES = {
    "flite_init": (ctypes.c_int, ()),
    "flite_synth_text": (_POINTER, (_TEXT, ctypes.POINTER(_Voice))),
    "flite_feat_set_float": (None, (_POINTER, _TEXT, _FLOAT)),
    "delete_utterance": (None, (_POINTER,)),
    "utt_wave": (ctypes.POINTER(_Wave), (_POINTER,)),
    "utt_relation": (_POINTER, (_POINTER, _TEXT)),
    "relation_head": (_POINTER, (_POINTER,)),
    "item_next": (_POINTER, (_POINTER,)),
    "item_as": (_POINTER, (_POINTER, _TEXT)),
    "item_parent": (_POINTER, (_POINTER,)),
    "item_feat_string": (_TEXT, (_POINTER, _TEXT)),
    "item_feat_float": (_FLOAT, (_POINTER, _TEXT)),
    "ffeature_string": (_TEXT, (_POINTER, _TEXT)),
}


def _shared_library(name: str) -> ctypes.CDLL:
    try:
        # Flite's libraries use each other's symbols without linking to them, hence the global mode.
        return ctypes.CDLL(name, mode=ctypes.RTLD_GLOBAL)
    except OSError as error:
        raise MissingEngineError(
            f"The speech synthesiser's library {name} was not found. It is in the Debian and Ubuntu package "
            f"{PACKAGE}: apt-get install {PACKAGE}"
        ) from error


class Flite:
    """Flite's C library with the three voices of `VOICES`.

    Not to be shared between threads: flite draws its excitation from the C library's one random generator.

    Raises:
        MissingEngineError: the library or one of the voices is not installed.
    """

    def __init__(self) -> None:
        self._library = _shared_library("libflite.so.1")
        for name in ("usenglish", "cmulex"):
            _shared_library(f"libflite_{name}.so.1")
        for name, (result, arguments) in _SIGNATURES.items():
            function = getattr(self._library, name)
            function.restype, function.argtypes = result, arguments
        self._library.flite_init()
        self._voices = {name: self._register(name) for name in VOICES}
        self._seed = ctypes.CDLL(None).srand
        self._seed.restype, self._seed.argtypes = None, (ctypes.c_uint,)

    @staticmethod
    def _register(name: str) -> ctypes._Pointer[_Voice]:
        register = getattr(_shared_library(f"libflite_cmu_us_{name}.so.1"), f"register_cmu_us_{name}")
        register.restype, register.argtypes = ctypes.POINTER(_Voice), (_TEXT,)
        return register(None)

    def read(self, text: str, voice: str, stretch: float, pitch_hertz: float, seed: int) -> Reading:
        """Speak `text`; the same arguments always give the same samples.

        Args:
            text: words of ASCII letters and apostrophes; punctuation only phrases them.
            voice: one of `VOICES`.
            stretch: how many times as long as usual every phone gets.
            pitch_hertz: mean pitch.
            seed: seed of the C library's random generator, from which flite draws the excitation.

        Raises:
            SynthesisError: there is nothing to say, flite reads other words than are written (numbers, abbreviations),
                or a phone is unknown.
        """
        written = spoken_words(text)
        if not written or not text.isascii():
            raise SynthesisError(f"flite cannot speak {text!r}: give words of ASCII letters")
        features = self._voices[voice].contents.features
        self._library.flite_feat_set_float(features, b"duration_stretch", stretch)
        self._library.flite_feat_set_float(features, b"int_f0_target_mean", pitch_hertz)
        # Without this, no two calls give the same samples.
        self._seed(seed)
        utterance = self._library.flite_synth_text(text.encode("ascii"), self._voices[voice])
        try:
            wave = self._library.utt_wave(utterance).contents
            if (wave.sample_rate, wave.num_channels) != (SAMPLE_RATE, 1):
                raise SynthesisError(f"voice {voice} is not mono at {SAMPLE_RATE} Hz, but at {wave.sample_rate} Hz")
            # A copy: the memory goes with the utterance.
            samples = np.ctypeslib.as_array(wave.samples, (wave.num_samples,)).copy()
            phones, words = self._timed(utterance)
        finally:
            self._library.delete_utterance(utterance)
        read = tuple(word.label for word in words)
        if read != written:
            raise SynthesisError(f"flite reads {' '.join(written)!r} as {' '.join(read)!r}: spell it as it is spoken")
        return Reading(samples=samples, phones=phones, words=words)

    def _timed(self, utterance: int) -> tuple[tuple[Segment, ...], tuple[Segment, ...]]:
        """Phones and words of a synthesised utterance, as they lie in its segment relation."""
        library = self._library
        phones: list[Segment] = []
        owners: list[tuple[int, str] | None] = []
        start = 0.0
        item = library.relation_head(library.utt_relation(utterance, b"Segment"))
        while item:
            end = library.item_feat_float(item, b"end")
            name = library.item_feat_string(item, b"name").decode()
            stress = library.ffeature_string(item, b"R:SylStructure.parent.stress").decode()
            phones.append(Segment(arpabet(name, stressed=stress == "1"), start, end))
            syllable = library.item_parent(library.item_as(item, b"SylStructure"))
            word = library.item_parent(syllable) if syllable else None
            # The address tells two instances of one word apart that follow each other.
            owners.append((word, library.item_feat_string(word, b"name").decode()) if word else None)
            start = end
            item = library.item_next(item)
        words = []
        for owner, members in groupby(zip(owners, phones, strict=True), key=lambda pair: pair[0]):
            spans = [phone for _, phone in members]
            if owner:
                words.append(Segment(owner[1], spans[0].start, spans[-1].end))
        return tuple(phones), tuple(words)


def spoken_words(text: str) -> tuple[str, ...]:
    """The words of a text, lower case, without punctuation."""
    return tuple(re.findall(r"[a-z']+", text.lower()))


def arpabet(name: str, stressed: bool) -> str:
    """Flite's name of a phone as ARPAbet with a stress digit, `sil` for a pause.

    Flite marks syllables as stressed or not, so secondary stress does not occur; its `ax` is the unstressed AH.

    Raises:
        SynthesisError: flite has a phone that is not among the 39.
    """
    if name == "pau":
        return SILENCE
    if name == "ax":
        return "AH0"
    phone = name.upper()
    if phone not in PHONES:
        raise SynthesisError(f"flite spoke {name!r}, which is not one of the 39 ARPAbet phones")
    return f"{phone}{int(stressed)}" if phone in VOWELS else phone


def without_stress(phone: str) -> str:
    """`AH0` as `AH`."""
    return phone.rstrip("012")


def pronunciations(engine: Flite, words: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """How flite says each word on its own: phones without stress and without pauses.

    In a sentence some words change ("the", "and"), so this serves to choose sentences, never to label them.
    """
    return {
        word: tuple(
            without_stress(phone.label)
            for phone in engine.read(word, voice="slt", stretch=1.0, pitch_hertz=VOICES["slt"], seed=0).phones
            if phone.label != SILENCE
        )
        for word in words
    }
