"""Units: a number for every frame, by clusters of what the model hears."""

from __future__ import annotations

import numpy as np
import pytest

from layerwise.demo.practice_speech import HOP, WINDOW, Speech
from layerwise.demo.units import layer_of, make_units, mfcc
from layerwise.models.loading import load_folder
from tiny_models import make

TONES = (300.0, 900.0, 2700.0)


def tones(order, seconds=0.4) -> Speech:
    """An utterance of one tone each, with a little noise."""
    noise = np.random.default_rng(1)
    time = np.arange(round(seconds * 16000)) / 16000
    pieces = [np.sin(2 * np.pi * TONES[tone] * time) * 8000 + noise.normal(scale=50, size=len(time)) for tone in order]
    ends = np.cumsum([len(piece) for piece in pieces])
    return Speech(np.concatenate(pieces).astype(np.int16), ends, np.array([str(tone) for tone in order]))


@pytest.fixture
def parts(tmp_path):
    paths = tmp_path / "train.npz", tmp_path / "held_out.npz"
    for path, order in zip(paths, ([0, 1, 2, 0, 1, 2], [2, 0]), strict=True):
        tones(order).save(path)
    return paths


def units(parts, folder, features=mfcc, count=3, seed=1):
    outs = folder / f"train-{seed}.npy", folder / f"held_out-{seed}.npy"
    make_units(*parts, features, count, seed, *outs)
    return [np.load(out) for out in outs]


@pytest.mark.parametrize("samples", [WINDOW, WINDOW + 3 * HOP, 32000, 32001])
def test_mfccs_have_a_frame_for_each_of_the_model(samples, tmp_path):
    model = load_folder(make("random-wav2vec2-tiny", tmp_path / "model"))
    waveform = np.random.default_rng(1).normal(scale=0.1, size=samples).astype(np.float32)
    assert mfcc(waveform).shape == (len(model.layers(waveform)["T0"]), 39)


def test_each_tone_has_a_unit_of_its_own(parts, tmp_path):
    train, held_out = units(parts, tmp_path)
    frames = round(0.4 * 16000) // HOP
    assert len(train) == 6 * frames
    by_tone = [np.bincount(part, minlength=3) for part in train.reshape(6, frames)]
    names = [int(counts.argmax()) for counts in by_tone]
    assert names[:3] == names[3:]
    assert len(set(names)) == 3
    # Differences reach over the ends of an utterance; inside, every frame has the unit of its tone.
    assert all((part[5:-5] == name).all() for part, name in zip(train.reshape(6, frames), names, strict=True))
    assert (held_out.reshape(2, frames)[:, 10] == [names[2], names[0]]).all()


def test_the_same_seed_gives_the_same_units(parts, tmp_path):
    one, same = units(parts, tmp_path, count=4)[0], units(parts, tmp_path, count=4)[0]
    np.testing.assert_array_equal(one, same)


def test_a_layer_of_a_model_can_be_clustered(parts, tmp_path):
    features = layer_of(make("random-wav2vec2-tiny", tmp_path / "model"), "T2")
    train, held_out = units(parts, tmp_path, features, count=5)
    assert (len(train), len(held_out)) == (6 * 20, 2 * 20)
    assert 1 < len(np.unique(train)) <= 5
