"""The speech that small models are trained on: sentences of the demo's kind that the demo does not have.

Utterances lie one after another in one array, each cut to whole frames of 20 ms, so that frames of a crop that begins
on a frame are those of the whole.
"""

from __future__ import annotations

import logging
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from layerwise.constants import SAMPLE_RATE
from layerwise.demo.flite import Flite, pronunciations
from layerwise.demo.sentences import GRAMMAR, draw_sentences
from layerwise.demo.speakers import assign_prompts, demo_speakers
from layerwise.demo.synthesis import synthesise
from layerwise.files.atomic import replaced
from layerwise.files.own_arrays import read_arrays
from layerwise.files.own_files import RereadError, rereading
from layerwise.files.plain_files import require_plain
from layerwise.progress import ProgressLine

log = logging.getLogger(__name__)

_TRANSCRIPT_BYTES = 1 << 20  # of a chapter, some kB

HOP = 320  # samples from frame to frame of a model with wav2vec 2.0's conv blocks
WINDOW = 400  # samples that a frame sees


@dataclass(frozen=True)
class Speech:
    """Utterances one after another.

    Attributes:
        samples: (n,) int16 at 16 kHz; each utterance is a multiple of `HOP` long.
        ends: (utterances,) int64, where each ends.
        texts: (utterances,) transcripts in lower case.
    """

    samples: np.ndarray
    ends: np.ndarray
    texts: np.ndarray

    @property
    def seconds(self) -> float:
        return len(self.samples) / SAMPLE_RATE

    def waveforms(self) -> Iterator[np.ndarray]:
        """Each utterance, float32 in [-1, 1]."""
        start = 0
        for end in self.ends:
            yield as_waveform(self.samples[start:end])
            start = end

    def save(self, out: Path) -> None:
        with replaced(out) as path, path.open("wb") as file:
            np.savez(file, samples=self.samples, ends=self.ends, texts=self.texts)

    @classmethod
    def read(cls, path: Path) -> Speech:
        """What `save` wrote.

        Raises:
            RereadError: it is another file.
        """
        held = read_arrays(path, {"samples": "int16", "ends": "int64", "texts": "U"})
        ends = held["ends"]
        if not len(ends) or len(ends) != len(held["texts"]) or ends[-1] != len(held["samples"]):
            raise RereadError(path, "its utterances do not add up to its samples")
        if (np.diff(ends, prepend=0) <= 0).any():
            raise RereadError(path, "an utterance of it has no samples")
        return cls(**held)


def as_waveform(samples: np.ndarray) -> np.ndarray:
    """int16 samples as float32 in [-1, 1]."""
    return samples.astype(np.float32) / 32768


def make_practice_speech(
    demo: Path, utterances: int, held_out: int, seed: int, out_train: Path, out_held_out: Path
) -> None:
    """Speak new sentences of the demo's grammar, by all of its speakers.

    No sentence is in the demo, and none that is held out is trained on: a model has heard every word and every speaker
    of the demo, and none of its utterances.

    Args:
        demo: the demo's archive of audio and transcripts.
        utterances, held_out: sentences to train on, and to measure the loss on.
        seed: of sentences, excitation and noise.

    Raises:
        MissingEngineError: flite is not installed.
        SynthesisError: the grammar does not give so many sentences.
    """
    engine, known = Flite(), transcripts(demo)
    phones = pronunciations(engine, GRAMMAR.vocabulary)
    sentences = draw_sentences(GRAMMAR, phones, utterances + held_out, seed, without=known)
    # Drawn first: later sentences have what was rare until then.
    for part, out in ((sentences[held_out:], out_train), (sentences[:held_out], out_held_out)):
        speech = _spoken(engine, part, seed)
        speech.save(out)
        log.info("%s: %d utterances, %.1f minutes", out, len(part), speech.seconds / 60)


def _spoken(engine: Flite, sentences: Sequence[str], seed: int) -> Speech:
    pieces, texts = [], []
    line = ProgressLine("speaking", len(sentences), "sentences")
    for prompt in assign_prompts(sentences, demo_speakers(), seed):
        samples = synthesise(engine, prompt).samples
        pieces.append(samples[: len(samples) // HOP * HOP])
        texts.append(prompt.text)
        line.add()
    return Speech(np.concatenate(pieces), np.cumsum([len(piece) for piece in pieces]), np.array(texts))


def transcripts(archive: Path) -> set[str]:
    """The sentences of an archive in LibriSpeech's layout, in lower case.

    Raises:
        RereadError: it is another file.
    """
    with rereading(archive):
        require_plain(archive, lambda found: RereadError(archive, found))
        try:
            with tarfile.open(archive) as tar:
                members = (member for member in tar if member.isfile() and member.name.endswith(".trans.txt"))
                listed = [tar.extractfile(member).read(_TRANSCRIPT_BYTES) for member in members]
        except (tarfile.TarError, EOFError, zlib.error) as error:
            raise RereadError(archive, error) from error
        return {line.split(" ", 1)[1].lower() for lines in listed for line in lines.decode().splitlines()}
