"""pYIN is that of librosa."""

from __future__ import annotations

import librosa
import numpy as np
import pytest
import scipy.signal

from layerwise.representations.pyin import Pitches, pitch_path
from synthetic_views import DATA

RATE, HOP, WINDOW = 16_000, 160, 640


def voices(seed: int) -> np.ndarray:
    """Two seconds of pulses through a resonance, with jitter, pauses and noise: much that is nearly voiced."""
    rng = np.random.default_rng(seed)
    hertz = 2 ** (np.log2(rng.uniform(70, 350)) + np.cumsum(rng.normal(0, 0.004, 2 * RATE)) * rng.uniform(0, 0.5))
    pulses = np.diff(np.floor(np.cumsum(np.clip(hertz, 50, 600)) / RATE), prepend=0)
    voice = scipy.signal.lfilter([1], np.poly([0.97 * np.exp(0.25j), 0.97 * np.exp(-0.25j)]).real, pulses)
    on = np.repeat(rng.random(20) < 0.6, RATE // 10)
    return 0.05 * voice * on + rng.uniform(0, 0.02) * rng.normal(size=2 * RATE)


def recording() -> np.ndarray:
    with np.load(DATA / "mel" / "librivox_0880.npz") as arrays:
        return arrays["waveform"][: 5 * RATE] / 32768


def paths(waveform: np.ndarray, lowest: float = 60.0, highest: float = 500.0, steps: int = 4) -> list[np.ndarray]:
    theirs, _, _ = librosa.pyin(
        waveform,
        fmin=lowest,
        fmax=highest,
        sr=RATE,
        frame_length=WINDOW,
        hop_length=HOP,
        resolution=1 / steps,
    )
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(waveform, WINDOW // 2), WINDOW)[::HOP]
    return [theirs, pitch_path(windows, Pitches(lowest, highest, steps, RATE, HOP))]


@pytest.mark.parametrize(
    "waveform", [recording(), *map(voices, range(6)), np.zeros(8000)], ids=["speech", *"012345", "silence"]
)
def test_the_path_is_that_of_librosa(waveform):
    theirs, ours = paths(waveform)
    assert waveform.any() == (~np.isnan(theirs)).any()
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)


@pytest.mark.parametrize(("lowest", "highest", "steps"), [(60, 500, 10), (75, 300, 3), (100, 400, 1)])
def test_so_it_is_on_other_grids(lowest, highest, steps):
    theirs, ours = paths(recording()[: 3 * RATE], lowest, highest, steps)
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)


@pytest.mark.parametrize("frames", [1, 2])
def test_few_frames_have_a_path(frames):
    theirs, ours = paths(recording()[RATE : RATE + 160 * frames - 1])
    assert ours.shape == (frames,)
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)
