"""Representation files with known contents, written by hand: 24 utterances of 4 speakers, three layers, phones, whole
utterances."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from synthetic_views import layer_norm

UTTERANCES = [f"{speaker}-1-{number:04d}" for speaker in (84, 174, 251, 422) for number in range(6)]
LABELS = ["AA", "B", "CH", "D", "EH"]
DIMENSIONS = 12
MEL = 5
SPEAKERS = dict(zip(("84", "174", "251", "422"), 4 * np.eye(4, DIMENSIONS), strict=True))  # what T1 has of each


def contents(utterance: str, dtype: str = "float16") -> dict[str, np.ndarray]:
    """Everything that one utterance adds, by path below the sample; it depends on the utterance alone.

    T0 is a LayerNorm's output, T1 half of it and noise, T2 noise; T1's phones carry their labels.
    """
    rng = np.random.default_rng(UTTERANCES.index(utterance))
    frames, phones = int(rng.integers(60, 90)), 30
    hidden = rng.normal(size=(frames, DIMENSIONS))
    fine = rng.normal(size=(2 * frames - 1, DIMENSIONS))
    labels = rng.integers(0, len(LABELS), phones)
    centres = np.random.default_rng(99).normal(size=(len(LABELS), DIMENSIONS))
    speaker = utterance.split("-")[0]
    return {
        "frame/T0": layer_norm(hidden, dtype),
        "frame/T1": (0.5 * hidden + 0.5 * rng.normal(size=hidden.shape)).astype(dtype),
        "frame/T2": rng.normal(size=hidden.shape).astype(dtype),
        "frame/C1": fine.astype(dtype),
        "target/mel": (hidden[:, :MEL] + rng.normal(size=(frames, MEL))).astype(dtype),
        "target/mel_10ms": (fine[:, :MEL] + 0.1 * rng.normal(size=(len(fine), MEL))).astype(dtype),
        "frame/utterance_id": np.array([utterance]),
        "frame/speaker_id": np.array([speaker]),
        "phone/T0": rng.normal(size=(phones, DIMENSIONS)).astype(dtype),
        "phone/T1": (centres[labels] + rng.normal(size=(phones, DIMENSIONS))).astype(dtype),
        "phone/label": np.array(LABELS)[labels],
        "phone/row": np.arange(phones) + phones * UTTERANCES.index(utterance),
        "phone/utterance_id": np.full(phones, utterance),
        "phone/speaker_id": np.full(phones, speaker),
        "phone/start": np.arange(phones) * 0.1,
        "phone/end": np.arange(phones) * 0.1 + 0.1,
        "utterance/T0": hidden.mean(axis=0, keepdims=True).astype(dtype),
        "utterance/T1": SPEAKERS[speaker] + rng.normal(size=(1, DIMENSIONS)).astype(dtype),
        "utterance/label": np.array([speaker]),
        "utterance/row": np.array([UTTERANCES.index(utterance)]),
        "utterance/utterance_id": np.array([utterance]),
        "utterance/speaker_id": np.array([speaker]),
        "utterance/start": np.zeros(1),
        "utterance/end": np.full(1, 0.02 * frames),
    }


def write_shards(
    folder: Path, shards: int = 1, sample: int = 1, dtype: str = "float16", change=None, order=UTTERANCES
) -> list[Path]:
    """The files of one model; `change(utterance, contents)` may edit what an utterance adds. `order` of utterances."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for shard, mine in enumerate(np.array_split(order, shards)):
        added = [contents(str(utterance), dtype) for utterance in mine]
        if change:
            for utterance, arrays in zip(mine, added, strict=True):
                change(str(utterance), arrays)
        paths.append(folder / f"{shard}.h5")
        with h5py.File(paths[-1], "w", libver="v110") as file:
            for path in added[0]:
                rows = np.concatenate([arrays[path] for arrays in added])
                file[f"{sample}/{path}"] = np.char.encode(rows, "utf-8") if rows.dtype.kind == "U" else rows
            for layer in ("T0", "T1", "T2", "C1"):
                grid = "_10ms" if layer.startswith("C") else ""
                text = h5py.string_dtype(length=max(1, len(grid)))
                file[f"{sample}/frame/{layer}"].attrs.create("grid", grid, dtype=text)
                counts = [len(arrays[f"frame/{layer}"]) for arrays in added]
                if f"{sample}/frame/offsets{grid}" not in file:
                    file[f"{sample}/frame/offsets{grid}"] = np.cumsum([0, *counts])
            file.attrs["shard"] = shard
            file.attrs["stride_seconds"] = 0.02
            file.attrs["complete"] = True
    return paths
