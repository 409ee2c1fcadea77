"""Utterances of tasks that were made up, and the tables that are written of them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from layerwise.probes.index import index_task
from layerwise.probes.items import Item
from tiny_corpus import noise, write_audio, write_utterances_table

SECONDS = 0.2


def read(path: Path) -> pd.DataFrame:
    return pd.read_parquet(path).set_index("item_id")


def index(tmp_path: Path, candidates, kind: str = "labels", **options) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The table of items by id, and the table of problems."""
    index_task(candidates, kind, tmp_path / "items.parquet", tmp_path / "problems.csv", **options)
    return read(tmp_path / "items.parquet"), pd.read_csv(tmp_path / "problems.csv", keep_default_na=False)


def items(folder: Path, count: int = 12, speakers: int = 4, part: str | None = None, **audio) -> list[Item]:
    path = write_audio(folder / "x.wav", noise(SECONDS), **audio)
    return [
        Item(f"item-{i:02d}", f"s{i % speakers}", part, path, (f"label {i // speakers % 2}",)) for i in range(count)
    ]


def corpus_inputs(folder: Path, text: dict[str, str], phones: dict[str, list[str]]) -> dict:
    folder.mkdir(parents=True)
    utterances = pd.read_parquet(write_utterances_table(folder / "u.parquet", dict.fromkeys(text, 2.0)))
    utterances["text"] = utterances["utterance_id"].map(text)
    utterances.to_parquet(folder / "u.parquet", index=False)
    rows = [
        {"utterance_id": name, "tier": "phone", "label": phone, "start": float(i), "end": i + 1.0}
        for name, labels in phones.items()
        for i, phone in enumerate(labels)
    ] + [{"utterance_id": name, "tier": "word", "label": "x", "start": 0.0, "end": 1.0} for name in text]
    pd.DataFrame(rows).iloc[::-1].to_parquet(folder / "i.parquet", index=False)
    return {"utterances": str(folder / "u.parquet"), "intervals": str(folder / "i.parquet"), "audio": "some/audio"}
