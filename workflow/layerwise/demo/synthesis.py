"""Speech with exact phone and word times, made by the synthesiser that knows them.

A forced aligner estimates where phones lie; a synthesiser decides it. Flite 2.2 (Black and Lenzo 2001) runs here
through its C library, its voices are resampled into more speakers, and sentences come from a small grammar. The result
is packed as LibriSpeech and its alignments are shipped, so the rest of the package reads it like any other corpus:

    python -m layerwise.demo.synthesis OUTPUT_FOLDER

The same call on the same machine gives the same bytes: every random draw is seeded, and archives carry no clock.
"""

import argparse
import ctypes
import gzip
import hashlib
import io
import random
import re
import tarfile
import zipfile
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
import soundfile
from scipy.signal import resample_poly

from layerwise.alignments.arpabet import PHONES, VOWELS
from layerwise.constants import SAMPLE_RATE
from layerwise.errors import LayerwiseError
from layerwise.seeds import short_seed

"""Samples per second of the voices and of all audio made here."""

LEVEL = 0.04
"""Root mean square of an utterance before noise, of full scale; about that of read speech, with room for its peaks."""

NOISE = 2.0
"""Standard deviation of the added noise, in steps of 16 bits: enough that no stretch of silence is exactly zero."""

PACKAGE = "libflite1"

SILENCE = "sil"


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


@dataclass(frozen=True)
class Reading:
    """What flite returns: `samples` (n,) int16 at 16 kHz, and its own phones and words. Pauses are `sil`, not words."""

    samples: np.ndarray
    phones: tuple[Segment, ...]
    words: tuple[Segment, ...]


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


@dataclass(frozen=True)
class Grammar:
    """Sentence patterns with `{slot}` in them, and the words that can fill each slot."""

    patterns: tuple[str, ...]
    slots: Mapping[str, tuple[str, ...]]

    @property
    def vocabulary(self) -> tuple[str, ...]:
        """All words that a sentence can hold, sorted."""
        fixed = (word for pattern in self.patterns for word in pattern.split() if not word.startswith("{"))
        return tuple(sorted({*fixed, *(word for words in self.slots.values() for word in words)}))

    def sentence(self, draw: random.Random) -> str:
        """One sentence, each pattern and each word of a slot being equally likely."""
        pattern = draw.choice(self.patterns)
        return " ".join(
            draw.choice(self.slots[word[1:-1]]) if word.startswith("{") else word for word in pattern.split()
        )


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


VOICES = {"awb": 120.0, "rms": 100.0, "slt": 175.0}
"""Flite's voices that synthesise from trained parameters at 16 kHz, and a pitch in Hz that suits each."""

WARPS = ((21, 25), (9, 10), (24, 25), (26, 25), (11, 10), (29, 25))
"""Resampling ratios (up, down), 5 to 8 % apart."""

PACE = (0.85, 0.8, 0.9)
"""How slowly a speaker talks, against the voice's own pace; given in turn."""

UTTERANCES = 390
"""How many utterances the demo has: enough for 15 instances of 100 words, in archives of 14 MB."""

FIRST_SPEAKER = 9001
"""LibriSpeech's own speakers have smaller numbers."""

GRAMMAR = Grammar(
    patterns=(
        "the {quality} {person} {did} the {thing} {where} the {place}",
        "{pronoun} {modal} {act} the {quality} {thing} {time}",
        "{time} the {person} {moved} {how} {where} the {place}",
        "every {person} {did} that {thing} with {feeling}",
        "there was {feeling} in this {quality} {place}",
        "why did the {person} {act} both the {thing} and the {thing}",
        "{pronoun} {moved} {how} but the {person} {did} the {thing}",
    ),
    slots={
        "person": ("boy", "girl", "child", "teacher", "farmer", "judge", "brother", "mother", "king", "youth"),
        "thing": ("book", "coin", "toy", "treasure", "cloth", "watch", "chair", "sugar", "fish", "knife", "map"),
        "quality": ("young", "huge", "usual", "beige", "good", "royal", "loud", "thick", "cold"),
        "place": ("house", "garage", "beach", "path", "village", "church", "garden", "shop"),
        "did": ("took", "measured", "enjoyed", "found", "chose", "moved", "bought", "carried"),
        "act": ("choose", "join", "push", "give", "measure", "save", "hear"),
        "moved": ("jumped", "walked", "laughed", "worked", "sang"),
        "how": ("usually", "slowly", "thoughtfully", "happily", "again"),
        "where": ("behind", "near", "beyond", "around", "above", "through"),
        "time": ("today", "tomorrow", "yesterday", "now", "always"),
        "feeling": ("pleasure", "joy", "hope", "anger", "nothing", "noise"),
        "pronoun": ("she", "he", "they", "we", "you"),
        "modal": ("could", "should", "would", "might"),
    },
)


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
    def _register(name: str) -> "ctypes._Pointer[_Voice]":
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


def demo_speakers() -> tuple[Speaker, ...]:
    """The 18 speakers of the demo: each voice at each warp, so that neighbours in number are the same voice."""
    speakers = []
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


def draw_sentences(
    grammar: Grammar,
    phones: Mapping[str, Sequence[str]],
    count: int,
    seed: int,
    candidates: int = 16,
    without: Collection[str] = (),
) -> list[str]:
    """Draw distinct sentences in which words and phones occur as evenly as the grammar allows.

    Each sentence is the best of `candidates` random ones: the one whose rarest words and phones, by what has been drawn
    so far, are rarest. A balanced corpus of a given length has more instances of its rarest label than a random one.

    Args:
        phones: the phones of each word of the grammar.
        count: how many sentences.
        seed: seed of all draws.
        candidates: how many to choose from.
        without: sentences that are not drawn.

    Raises:
        SynthesisError: the grammar does not give that many distinct sentences.
    """
    draw = random.Random(seed)
    seen = set(without)
    word_counts: Counter[str] = Counter()
    phone_counts: Counter[str] = Counter()

    def rarity(sentence: str) -> float:
        words = sentence.split()
        sounds = [phone for word in words for phone in phones[word]]
        return sum(1 / (1 + word_counts[word]) for word in words) / len(words) + sum(
            # Weighted, because a phone is drawn several times as often as a word.
            3 / (1 + phone_counts[phone])
            for phone in sounds
        ) / len(sounds)

    sentences: list[str] = []
    while len(sentences) < count:
        fresh = {sentence for _ in range(candidates) if (sentence := grammar.sentence(draw)) not in seen}
        if not fresh:
            raise SynthesisError(f"the grammar gave {len(sentences)} distinct sentences of {count}: ask for fewer")
        # Ties go by spelling: the order of a set differs between runs.
        best = max(sorted(fresh), key=rarity)
        seen.add(best)
        sentences.append(best)
        word_counts.update(best.split())
        phone_counts.update(phone for word in best.split() for phone in phones[word])
    return sentences


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


def text_grid(tiers: Mapping[str, Sequence[Segment]], duration: float) -> str:
    """Interval tiers in Praat's long text format, as the Montreal Forced Aligner writes it. Times in seconds."""
    lines = [
        'File type = "ooTextFile"',
        'Object class = "TextGrid"',
        "",
        "xmin = 0",
        f"xmax = {_decimal(duration)}",
        "tiers? <exists>",
        f"size = {len(tiers)}",
        "item []:",
    ]
    for number, (name, segments) in enumerate(tiers.items(), start=1):
        lines += [
            f"    item [{number}]:",
            '        class = "IntervalTier"',
            f'        name = "{name}"',
            "        xmin = 0",
            f"        xmax = {_decimal(duration)}",
            f"        intervals: size = {len(segments)}",
        ]
        for index, segment in enumerate(segments, start=1):
            label = segment.label.replace('"', '""')
            lines += [
                f"        intervals [{index}]:",
                f"            xmin = {_decimal(segment.start)}",
                f"            xmax = {_decimal(segment.end)}",
                f'            text = "{label}"',
            ]
    return "\n".join(lines) + "\n"


def _decimal(seconds: float) -> str:
    return f"{seconds:.4f}".rstrip("0").rstrip(".")


def flac(samples: np.ndarray) -> bytes:
    """Samples (n,) int16 at 16 kHz as a FLAC file, compressed as far as FLAC goes."""
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, SAMPLE_RATE, format="FLAC", subtype="PCM_16", compression_level=1.0)
    return buffer.getvalue()


def write_archives(utterances: Iterable[Utterance], split: str, audio: Path, alignments: Path) -> None:
    """Pack utterances as openslr.org ships a split of LibriSpeech, and their times as its alignments are shipped.

    The bytes depend on nothing but the utterances: members are in order, belong to root, and have no date.

    Args:
        utterances: ordered by identifier; may be a generator, one utterance is held at a time.
        split: name of the split folder.
        audio: the tar.gz to write, `LibriSpeech/<split>/SPEAKER/CHAPTER/UTTERANCE.flac` and a transcript per chapter.
        alignments: the zip to write, `librispeech_alignments/<split>/SPEAKER/CHAPTER/UTTERANCE.TextGrid`.

    Raises:
        SynthesisError: utterances are not in order, which would scatter a chapter over the archive.
    """
    with (
        audio.open("wb") as file,
        gzip.GzipFile(filename="", mode="wb", fileobj=file, mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.USTAR_FORMAT) as tar,
        zipfile.ZipFile(alignments, "w") as grids,
    ):
        for (speaker, chapter), chapter_utterances in groupby(_in_order(utterances), key=_chapter):
            folder = f"{split}/{speaker}/{chapter}"
            transcript = []
            for utterance in chapter_utterances:
                name = f"{folder}/{utterance.identifier}"
                add_to_tar(tar, f"LibriSpeech/{name}.flac", flac(utterance.samples))
                _add_to_zip(grids, f"librispeech_alignments/{name}.TextGrid", _aligned(utterance))
                transcript.append(f"{utterance.identifier} {utterance.text}\n")
            add_to_tar(tar, f"LibriSpeech/{folder}/{speaker}-{chapter}.trans.txt", "".join(transcript).encode())


def _in_order(utterances: Iterable[Utterance]) -> Iterator[Utterance]:
    last = ""
    for utterance in utterances:
        if utterance.identifier <= last:
            raise SynthesisError(f"utterance {utterance.identifier} comes after {last}: order them by identifier")
        last = utterance.identifier
        yield utterance


def _chapter(utterance: Utterance) -> tuple[str, str]:
    speaker, chapter, _ = utterance.identifier.split("-")
    return speaker, chapter


def _aligned(utterance: Utterance) -> bytes:
    tiers = {"words": utterance.words, "phones": utterance.phones}
    return text_grid(tiers, utterance.samples.size / SAMPLE_RATE).encode()


def add_to_tar(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    """Add a file that says nothing of who made it, or when."""
    # A new TarInfo has mtime 0, uid and gid 0, mode 644.
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


def _add_to_zip(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    # A new ZipInfo is dated 1980-01-01, the first day that the format knows, and its system depends on the platform.
    member = zipfile.ZipInfo(name)
    member.create_system = 3
    member.external_attr = 0o100644 << 16
    member.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(member, content, compresslevel=9)


def make_demo(
    folder: Path, utterances: int = UTTERANCES, seed: int = 1, progress: Callable[[str], None] = lambda line: None
) -> tuple[Path, Path]:
    """Make the demo corpus: `demo-dev-clean.tar.gz` and `demo_alignments.zip` in `folder`, which is made if missing.

    Args:
        utterances: how many, each another sentence.
        seed: seed of sentences, excitation and noise.
        progress: told now and then what has been done.

    Returns:
        The paths of both archives.

    Raises:
        MissingEngineError: flite is not installed.
        SynthesisError: the grammar does not give so many sentences.
    """
    engine = Flite()
    sentences = draw_sentences(GRAMMAR, pronunciations(engine, GRAMMAR.vocabulary), utterances, seed)
    prompts = assign_prompts(sentences, demo_speakers(), seed)

    def spoken() -> Iterator[Utterance]:
        for number, prompt in enumerate(prompts, start=1):
            yield synthesise(engine, prompt)
            if number % 100 == 0:
                progress(f"{number} of {len(prompts)} utterances")

    folder.mkdir(parents=True, exist_ok=True)
    audio, alignments = archive_paths(folder)
    write_archives(spoken(), "dev-clean", audio, alignments)
    return audio, alignments


def archive_paths(folder: Path) -> tuple[Path, Path]:
    """Where the demo's audio and alignments lie in a folder."""
    return folder / "demo-dev-clean.tar.gz", folder / "demo_alignments.zip"


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


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the demo corpus, or measure one that is there already."""
    parser = argparse.ArgumentParser(prog="python -m layerwise.demo.synthesis", description=main.__doc__)
    parser.add_argument("folder", type=Path, metavar="OUTPUT_FOLDER", help="where both archives go")
    parser.add_argument("--utterances", type=int, default=UTTERANCES, help="how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="seed of everything that is drawn (default: %(default)s)")
    parser.add_argument("--measure", action="store_true", help="make nothing, only measure the archives in the folder")
    options = parser.parse_args(arguments)
    try:
        if not options.measure:
            make_demo(options.folder, options.utterances, options.seed, progress=print)
        archives = archive_paths(options.folder)
        print(describe(measure(*archives)))
    except (LayerwiseError, FileNotFoundError) as error:
        raise SystemExit(str(error)) from error
    for archive in archives:
        content = archive.read_bytes()
        print(f"{archive.name}: {len(content)} bytes, md5 {hashlib.md5(content).hexdigest()}")
        print(f"  sha256 {hashlib.sha256(content).hexdigest()}")


if __name__ == "__main__":
    main()
