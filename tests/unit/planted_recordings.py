"""Recordings whose words and phones are known, as files of representations: layer T1 has them planted, T2 is noise."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from layerwise.files.own_tables import write_parquet
from layerwise.targets.locating import locate_intervals
from tiny_representations import DIMENSIONS, UTTERANCES, write_shards

WORDS = ["apple", "bread", "chair", "dream", "eagle", "flute"]
MIDDLE = dict(zip(WORDS, ["AA", "EH", "IY", "OW", "UH", "ER"], strict=True))  # each word is S, one of these, T
WORDS_EACH = 5  # in an utterance
SILENCE = 6  # frames before the first word and after the last one
STRIDE = 0.02
SENTENCES = 6  # each is read by every speaker


@cache
def centres(kind: str, names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """A point for each word, phone or sentence."""
    drawn = np.random.default_rng(len(kind)).normal(size=(len(names), DIMENSIONS))
    return dict(zip(names, drawn, strict=True))


def of_words() -> dict[str, np.ndarray]:
    return centres("word", tuple(WORDS))


def of_sentences() -> dict[str, np.ndarray]:
    return centres("sentence", tuple(map(str, range(SENTENCES))))


@cache
def spoken(utterance: str) -> pd.DataFrame:
    """What is said: a row for each phone, with its word, and its first and last frame (exclusive)."""
    rng = np.random.default_rng([7, UTTERANCES.index(utterance)])
    rows, frame = [], SILENCE
    for place, word in enumerate(rng.choice(WORDS, WORDS_EACH)):
        for phone in ("S", MIDDLE[str(word)], "T"):
            length = int(rng.integers(3, 7))
            rows.append((place, str(word), phone, frame, frame + length))
            frame += length
    return pd.DataFrame(rows, columns=["place", "word", "phone", "first", "last"])


def plant(utterance: str, arrays: dict[str, np.ndarray]) -> None:
    """Put what is said in place of what `tiny_representations` has of an utterance."""
    rng = np.random.default_rng([8, UTTERANCES.index(utterance)])
    said = spoken(utterance)
    frames = int(said["last"].max()) + SILENCE
    phones = centres("phone", ("S", "T", *MIDDLE.values()))
    signal = np.zeros((frames, DIMENSIONS))
    for row in said.itertuples():
        signal[row.first : row.last] = of_words()[row.word] + 0.7 * phones[row.phone]
    layers = {"T0": 0.0, "T1": 1.0, "T2": 0.0}
    for layer, share in layers.items():
        arrays[f"frame/{layer}"] = (share * signal + 0.2 * rng.normal(size=signal.shape)).astype("float16")
    fine = np.repeat(signal, 2, axis=0)[:-1]
    arrays["frame/C1"] = (fine + 0.2 * rng.normal(size=fine.shape)).astype("float16")
    for kind, table in (("phone", said), ("word", words_of(said))):
        for layer in layers:
            frame = arrays[f"frame/{layer}"].astype("float64")
            rows = [frame[row.first : row.last].mean(axis=0) for row in table.itertuples()]
            arrays[f"{kind}/{layer}"] = np.array(rows).astype("float16")
        arrays |= {
            f"{kind}/label": table[kind].to_numpy(dtype=str),
            f"{kind}/row": np.arange(len(table)) + len(table) * UTTERANCES.index(utterance),
            f"{kind}/utterance_id": np.full(len(table), utterance),
            f"{kind}/speaker_id": np.full(len(table), utterance.split("-")[0]),
            f"{kind}/start": table["first"].to_numpy() * STRIDE,
            f"{kind}/end": table["last"].to_numpy() * STRIDE,
        }
    sentence = of_sentences()[str(UTTERANCES.index(utterance) % SENTENCES)]
    arrays["utterance/T1"] = (sentence + 0.2 * rng.normal(size=(1, DIMENSIONS))).astype("float16")
    other = np.random.default_rng([9, UTTERANCES.index(utterance)])
    arrays["utterance/T2"] = other.normal(size=(1, DIMENSIONS)).astype("float16")


def words_of(said: pd.DataFrame) -> pd.DataFrame:
    return said.groupby("place", as_index=False).agg(
        word=("word", "first"), first=("first", "min"), last=("last", "max")
    )


def write_planted(folder: Path, shards: int = 1, change=None, order=UTTERANCES) -> list[Path]:
    """The files of a model; `change(utterance, arrays)` may edit what an utterance adds."""

    def both(utterance: str, arrays: dict[str, np.ndarray]) -> None:
        plant(utterance, arrays)
        if change:
            change(utterance, arrays)

    return write_shards(folder, shards, change=both, order=order)


def write_intervals(folder: Path, change=None) -> Path:
    """Where the words and phones lie; `change` may edit the table first."""
    rows = []
    for utterance in UTTERANCES:
        said = spoken(utterance)
        for tier, table in (("phone", said), ("word", words_of(said))):
            rows += [
                (utterance, tier, label, first * STRIDE, last * STRIDE)
                for label, first, last in zip(table[tier], table["first"], table["last"], strict=True)
            ]
    table = pd.DataFrame(rows, columns=["utterance_id", "tier", "label", "start", "end"])
    utterances = pd.DataFrame({"utterance_id": UTTERANCES, "speaker_id": [name.split("-")[0] for name in UTTERANCES]})
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in (("intervals", change(table) if change else table), ("utterances", utterances)):
        write_parquet(pa.Table.from_pandas(frame, preserve_index=False), folder / f"{name}.parquet")
    locate_intervals(folder / "utterances.parquet", folder / "intervals.parquet", folder / "intervals.h5")
    return folder / "intervals.h5"
