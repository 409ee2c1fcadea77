"""Units that a model learns to predict: k-means clusters of frames, as in HuBERT (Hsu et al. 2021, section II.A).

The first iteration clusters MFCCs, the second the frames of a middle layer of the model that the first has trained.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import librosa
import numpy as np
from sklearn.cluster import MiniBatchKMeans

from layerwise.constants import SAMPLE_RATE
from layerwise.demo.practice_speech import HOP, WINDOW, Speech
from layerwise.files.atomic import replaced
from layerwise.models.loading import load_folder

log = logging.getLogger(__name__)

Features = Callable[[np.ndarray], np.ndarray]


def mfcc(waveform: np.ndarray) -> np.ndarray:
    """13 MFCCs with first and second differences: (samples,) to (frames, 39), a frame for each of the conv blocks'."""
    cepstra = librosa.feature.mfcc(
        y=waveform, sr=SAMPLE_RATE, n_mfcc=13, n_fft=WINDOW, hop_length=HOP, n_mels=40, center=False
    )
    differences = [librosa.feature.delta(cepstra, order=order, mode="nearest") for order in (1, 2)]
    return np.concatenate([cepstra, *differences]).T


def layer_of(checkpoint: Path, layer: str) -> Features:
    """Frames of a layer of a trained model: (samples,) to (frames, width)."""
    model = load_folder(checkpoint)
    return lambda waveform: model.layers(waveform)[layer]


def cluster_frames(train: Path, held_out: Path, checkpoint: Path | None, layer: str | None, **rest: Any) -> None:
    """`make_units` of MFCCs, or of a layer of a trained model."""
    features = mfcc if checkpoint is None or layer is None else layer_of(checkpoint, layer)
    make_units(train, held_out, features, **rest)


def make_units(
    train: Path, held_out: Path, features: Features, count: int, seed: int, out_train: Path, out_held_out: Path
) -> None:
    """Cluster the frames of training speech, and give every frame of both parts the number of its cluster.

    Writes (samples / HOP,) int16: a unit for each frame; the last of an utterance, which would see beyond its end, has
    that of the one before.

    Args:
        train, held_out: what `make_practice_speech` has made.
        count: clusters.
        seed: of the first centres and of the order of frames.
    """
    known = [features(waveform) for waveform in Speech.read(train).waveforms()]
    frames = np.concatenate(known)
    # The values of HuBERT's k-means, but for a batch as large as this speech allows.
    clusters = MiniBatchKMeans(
        count, batch_size=10_000, n_init=20, max_iter=100, max_no_improvement=100, reassignment_ratio=0.0,
        tol=0.0, random_state=seed,
    ).fit(frames)  # fmt: skip
    log.info(
        "%d frames in %d clusters, mean squared distance %.4g", len(frames), count, clusters.inertia_ / len(frames)
    )
    _write((clusters.predict(part) for part in known), out_train)
    _write((clusters.predict(features(waveform)) for waveform in Speech.read(held_out).waveforms()), out_held_out)


def _write(units: Iterable[np.ndarray], out: Path) -> None:
    # Windows are longer than hops: an utterance of n hops has n - 1 frames.
    whole = np.concatenate([np.append(part, part[-1]) for part in units]).astype(np.int16)
    with replaced(out) as path, path.open("wb") as file:
        np.save(file, whole)
