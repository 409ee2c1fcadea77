"""Speech to train on: other sentences than the demo's, cut to whole frames."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from layerwise.demo.flite import Flite, MissingEngineError
from layerwise.demo.practice_speech import HOP, Speech, make_practice_speech, transcripts
from package_imports import ROOT

DEMO = ROOT / "resources/demo/demo-dev-clean.tar.gz"


def test_sentences_of_the_demo_are_read():
    known = transcripts(DEMO)
    assert len(known) == 390
    assert all(sentence == sentence.lower() and len(sentence.split()) > 3 for sentence in known)


def test_speech_is_read_as_it_was_saved(tmp_path):
    samples = np.arange(5 * HOP, dtype=np.int16)
    Speech(samples, np.array([2 * HOP, 5 * HOP]), np.array(["one", "two"])).save(tmp_path / "speech.npz")
    speech = Speech.read(tmp_path / "speech.npz")
    first, second = speech.waveforms()
    assert (len(first), len(second)) == (2 * HOP, 3 * HOP)
    np.testing.assert_array_equal(np.concatenate([first, second]) * 32768, samples)
    assert speech.seconds == 0.1
    assert list(speech.texts) == ["one", "two"]


@pytest.fixture(scope="module")
def spoken(tmp_path_factory):
    try:
        Flite()
    except MissingEngineError as error:
        pytest.skip(str(error))
    folder = tmp_path_factory.mktemp("speech")

    @cache
    def speak(name: str, seed: int) -> tuple[Speech, Speech]:
        outs = [folder / f"{name}-{part}.npz" for part in ("train", "held_out")]
        make_practice_speech(DEMO, 36, 18, seed, *outs)
        return tuple(Speech.read(out) for out in outs)

    return speak


def test_no_sentence_is_in_the_demo_or_in_both_parts(spoken):
    train, held_out = spoken("one", 1)
    assert (len(train.texts), len(held_out.texts)) == (36, 18)
    assert len({*train.texts, *held_out.texts} | transcripts(DEMO)) == 36 + 18 + 390
    for speech in (train, held_out):
        assert speech.ends[-1] == len(speech.samples)
        assert not (speech.ends % HOP).any()
        assert 1 < speech.seconds / len(speech.texts) < 5


def test_speech_depends_on_its_seed(spoken):
    (one, _), (same, _), (other, _) = spoken("one", 1), spoken("same", 1), spoken("other", 2)
    np.testing.assert_array_equal(one.samples, same.samples)
    assert list(one.texts) != list(other.texts)
