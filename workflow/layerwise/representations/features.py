"""Features of the waveform that layers are compared with: log-mel filterbanks, as the published analysis has them."""

from __future__ import annotations

import librosa
import numpy as np
import scipy.signal

from layerwise.constants import MEL_BANDS, MEL_SECONDS, MEL_WINDOW_SECONDS, SAMPLE_RATE
from layerwise.corpus.times import comparable
from layerwise.errors import LayerwiseError


class FeatureError(LayerwiseError):
    """A waveform has no features of this kind."""


def log_mel(waveform: np.ndarray, sample_rate: int = SAMPLE_RATE) -> np.ndarray:
    """80 log-mel filterbank energies every 10 ms, frame t centred on sample 160 t.

    The waveform is scaled to a peak of 0.999 (a silent one is not), pre-emphasised by 0.97, windowed by 25 ms (Hann)
    in FFTs of 2,048 samples; magnitudes are summed in 80 Slaney bands from 50 Hz, turned to dB with the quietest 80 dB
    below the loudest, and mapped by dB / 80 + 1 (settings of the published code for Pasad et al. 2023).

    Args:
        waveform: (samples,) float mono.
        sample_rate: 16,000.

    Returns:
        (1 + samples // 160, 80) float32.

    Raises:
        FeatureError: another sample rate, more than one channel, no samples.
    """
    if sample_rate != SAMPLE_RATE:
        raise FeatureError(f"log-mel features are defined at {SAMPLE_RATE} Hz, not at {sample_rate} Hz: resample first")
    waveform = np.asarray(waveform, np.float32)
    if waveform.ndim != 1 or not waveform.size:
        raise FeatureError(f"log-mel features need one channel with samples, not an array of shape {waveform.shape}")
    peak = np.abs(waveform).max()
    if peak > 0:
        waveform = waveform / peak * np.float32(0.999)
    emphasised = scipy.signal.lfilter([1, -0.97], [1], waveform).astype(np.float32)
    magnitude = librosa.feature.melspectrogram(
        y=emphasised,
        sr=sample_rate,
        n_fft=2048,
        win_length=round(MEL_WINDOW_SECONDS * sample_rate),
        hop_length=round(MEL_SECONDS * sample_rate),
        n_mels=MEL_BANDS,
        fmin=50,
        power=1.0,
    )
    return (librosa.amplitude_to_db(magnitude, top_db=80) / 80 + 1).T.astype(np.float32)


def match_frames(features: np.ndarray, stride_seconds: float, num_frames: int) -> np.ndarray:
    """The rows of 10 ms features that stand beside the frames of a layer: 0, 2, 4, … for 20 ms, 0, 4, 8, … for 40 ms.

    Raises:
        FeatureError: the stride is no multiple of 10 ms, or the features end before the layer does.
    """
    step = round(stride_seconds / MEL_SECONDS)
    if step < 1 or comparable(step * MEL_SECONDS) != comparable(stride_seconds):
        raise FeatureError(f"a stride of {stride_seconds} s is no multiple of {MEL_SECONDS} s, the hop of the features")
    rows = features[::step]
    if len(rows) < num_frames:
        raise FeatureError(f"features have {len(rows)} rows of {stride_seconds} s, the layer has {num_frames} frames")
    return rows[:num_frames]


def average_windows(frames: np.ndarray, window: int, hop: int) -> np.ndarray:
    """Means of `window` frames every `hop` frames, whole windows only: brings early conv blocks to 10 ms.

    Shapes: (frames × d) to (1 + (frames − window) // hop × d), or no rows where there is no whole window.
    """
    if len(frames) < window:
        return frames[:0]
    count = 1 + (len(frames) - window) // hop
    sums = np.zeros((count, frames.shape[1]))
    for first in range(window):  # a few adds of strided rows: running sums of all rows take eight times as long
        sums += frames[first : first + (count - 1) * hop + 1 : hop]
    return (sums / window).astype(np.float32)


def average_segments(frames: np.ndarray, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    """Means of frames first … last − 1 for each segment: (frames × d) and two (segments,) to (segments × d) float32."""
    means = [frames[start:end].mean(axis=0, dtype=np.float64) for start, end in zip(first, last, strict=True)]
    return np.array(means, np.float32).reshape(len(means), frames.shape[1])
