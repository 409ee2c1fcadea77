import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layerwise.representations.features import FeatureError, average_segments, average_windows, log_mel, match_frames
from synthetic_views import DATA


@pytest.fixture(scope="module")
def recording():
    """A public-domain LibriVox recording with features of the published code."""
    with np.load(DATA / "mel" / "librivox_0880.npz") as arrays:
        return {**arrays, "waveform": arrays["waveform"].astype(np.float32) / 32768}


# --- mel ----------------------------------------------------------------------------------------------------------


def test_log_mel_is_the_published_one(recording):
    features = log_mel(recording["waveform"])
    assert features.dtype == np.float32
    assert features.shape == (1 + recording["waveform"].size // 160, 80)
    np.testing.assert_allclose(features, recording["log_mel"], rtol=0, atol=1e-3)


@pytest.mark.parametrize(("stride_seconds", "name"), [(0.02, "log_mel_20ms"), (0.04, "log_mel_40ms")])
def test_rows_that_match_layers_are_the_published_ones(recording, stride_seconds, name):
    expected = recording[name]
    matched = match_frames(log_mel(recording["waveform"]), stride_seconds, len(expected))
    np.testing.assert_allclose(matched, expected, rtol=0, atol=1e-3)


def test_loudness_does_not_matter(recording):
    waveform = recording["waveform"]
    np.testing.assert_allclose(log_mel(waveform * 0.01), log_mel(waveform), rtol=0, atol=1e-3)


def test_the_loudest_is_one_dynamic_range_above_the_floor(recording):
    """dB / 80 + 1, cut 80 dB below the loudest: values span exactly 1 where there is anything quiet."""
    padded = np.concatenate([recording["waveform"], np.zeros(16000, np.float32)])
    features = log_mel(padded)
    assert features.max() - features.min() == pytest.approx(1, abs=1e-5)
    assert features[-1].max() == features.min()


@pytest.mark.filterwarnings("ignore:n_fft")
@pytest.mark.parametrize("samples", [1, 159, 160, 16000])
def test_silence_has_finite_features_that_are_all_the_same(samples):
    features = log_mel(np.zeros(samples, np.float32))
    assert features.shape == (1 + samples // 160, 80)
    assert np.isfinite(features).all()
    assert np.unique(features).size == 1


@pytest.mark.parametrize("rate", [8000, 44100])
def test_another_sample_rate_is_refused(rate):
    with pytest.raises(FeatureError, match=f"at 16000 Hz, not at {rate} Hz"):
        log_mel(np.zeros(1600, np.float32), sample_rate=rate)


@pytest.mark.parametrize("shape", [(0,), (2, 1600), (1600, 1)])
def test_what_is_no_mono_waveform_is_refused(shape):
    with pytest.raises(FeatureError, match="one channel with samples"):
        log_mel(np.zeros(shape, np.float32))


# --- frames that match --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("stride_seconds", "rows"), [(0.01, [0, 1, 2]), (0.02, [0, 2, 4]), (0.04, [0, 4, 8])])
def test_every_so_many_rows_are_taken(stride_seconds, rows):
    features = np.arange(22.0).reshape(11, 2)
    np.testing.assert_array_equal(match_frames(features, stride_seconds, 3), features[rows])


def test_features_that_end_before_the_layer_are_refused():
    features = np.zeros((10, 80))
    assert len(match_frames(features, 0.02, 5)) == 5
    with pytest.raises(FeatureError, match=r"5 rows of 0\.02 s, the layer has 6 frames"):
        match_frames(features, 0.02, 6)


@pytest.mark.parametrize("stride_seconds", [0.0125, 0.025, 0.004, 0.0])
def test_a_stride_between_the_rows_is_refused(stride_seconds):
    with pytest.raises(FeatureError, match=f"stride of {stride_seconds} s is no multiple"):
        match_frames(np.zeros((10, 80)), stride_seconds, 1)


# --- means --------------------------------------------------------------------------------------------------------


def frames_of(count, seed):
    return (10 * np.random.default_rng(seed).normal(size=(count, 3)) + 50).astype(np.float32)


@settings(max_examples=60, deadline=None)
@given(
    count=st.integers(0, 200), window=st.integers(1, 80), hop=st.integers(1, 40), seed=st.integers(0, 2**32)
)  # fmt: skip
def test_windows_are_averaged(count, window, hop, seed):
    frames = frames_of(count, seed)
    averaged = average_windows(frames, window, hop)
    expected = [frames[start : start + window].mean(axis=0, dtype=float) for start in range(0, count - window + 1, hop)]
    assert averaged.dtype == np.float32
    assert averaged.shape == (len(expected), 3)
    if expected:
        np.testing.assert_allclose(averaged, expected, rtol=1e-6)


def test_conv_blocks_come_to_ten_milliseconds():
    """A second of audio in the six early conv blocks of wav2vec 2.0: windows and hops bring all to about 98 rows."""
    frames, counts = 16000, []
    for (kernel, stride), (window, hop) in zip(
        [(10, 5), (3, 2), (3, 2), (3, 2), (3, 2), (2, 2)],
        [(79, 32), (39, 16), (19, 8), (9, 4), (4, 2), (2, 1)],
        strict=True,
    ):
        frames = (frames - kernel) // stride + 1
        counts.append(len(average_windows(np.zeros((frames, 1), np.float32), window, hop)))
    assert counts == [98, 98, 98, 98, 98, 98]


@settings(max_examples=60, deadline=None)
@given(count=st.integers(1, 100), segments=st.integers(0, 30), seed=st.integers(0, 2**32))
def test_segments_are_averaged(count, segments, seed):
    frames = frames_of(count, seed)
    rng = np.random.default_rng(seed)
    first = rng.integers(0, count, segments)
    last = first + 1 + (rng.random(segments) * (count - first)).astype(int)
    averaged = average_segments(frames, first, last)
    assert averaged.dtype == np.float32
    assert averaged.shape == (segments, 3)
    for row, a, b in zip(averaged, first, last, strict=True):
        np.testing.assert_allclose(row, frames[a:b].mean(axis=0, dtype=float), rtol=1e-6)


def test_means_do_not_lose_digits_on_long_recordings():
    """Means are differences of running sums: in float32 they would lose everything after a minute."""
    frames = np.full((100_000, 1), 1000.1, np.float32)
    frames[-1] = 1000.6
    assert average_segments(frames, np.array([99_998]), np.array([100_000]))[0, 0] == pytest.approx(1000.35, abs=1e-3)
    assert average_windows(frames, 2, 99_998)[-1, 0] == pytest.approx(1000.35, abs=1e-3)
