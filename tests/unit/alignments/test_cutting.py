"""Cutting recordings at pauses."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layerwise.alignments.cutting import CuttingError, cut_recordings

RATE = 8000  # other than that of models: lengths are counted in the recording's own samples


def tables(folder: Path, recordings: dict[str, tuple[float, list[tuple[str, str, float, float]]]]) -> tuple[Path, Path]:
    """Recordings by id: seconds, and (tier, label, start, end) of their intervals."""
    pd.DataFrame(
        [(name, "s", "", f"{name}.wav", RATE, round(t * RATE), t, "", 0.0) for name, (t, _) in recordings.items()],
        columns=[
            "utterance_id", "speaker_id", "chapter_id", "audio_path", "sample_rate", "num_samples", "duration", "text",
            "start",
        ],
    ).to_parquet(folder / "recordings.parquet")  # fmt: skip
    rows = [(name, *interval) for name, (_, intervals) in recordings.items() for interval in intervals]
    pd.DataFrame(rows, columns=["utterance_id", "tier", "label", "start", "end"]).to_parquet(folder / "spoken.parquet")
    return folder / "recordings.parquet", folder / "spoken.parquet"


def cut(folder: Path, recordings: dict, pause: float = 0.5) -> tuple[pd.DataFrame, pd.DataFrame]:
    cut_recordings(*tables(folder, recordings), pause, folder / "u.parquet", folder / "i.parquet")
    return pd.read_parquet(folder / "u.parquet"), pd.read_parquet(folder / "i.parquet")


def test_pauses_cut_and_times_start_anew(tmp_path):
    intervals = [
        ("phone", "A", 1.0, 1.2), ("phone", "B", 1.2, 1.5), ("phone", "C", 3.0, 3.3),
        ("word", "ab", 1.0, 1.5), ("word", "x", 1.9, 2.0), ("word", "c", 3.0, 3.3),
    ]  # fmt: skip
    utterances, kept = cut(tmp_path, {"r": (3.4, intervals)})
    assert utterances[["utterance_id", "start", "duration", "num_samples", "text"]].to_numpy().tolist() == [
        ["r-0000", 0.75, 1.5, 12000, "ab x"],  # a quarter of a second before and after
        ["r-0001", 2.75, pytest.approx(0.65), 5200, "c"],  # the recording ends a tenth after
    ]
    assert utterances[["speaker_id", "audio_path", "sample_rate"]].to_numpy().tolist() == [["s", "r.wav", RATE]] * 2
    assert kept.to_numpy().tolist() == [
        ["r-0000", "phone", "A", 0.25, 0.45],
        ["r-0000", "phone", "B", 0.45, 0.75],
        ["r-0000", "word", "ab", 0.25, 0.75],
        ["r-0000", "word", "x", 1.15, 1.25],
        ["r-0001", "phone", "C", 0.25, 0.55],
        ["r-0001", "word", "c", 0.25, 0.55],
    ]


def test_phones_between_utterances_belong_to_none(tmp_path):
    intervals = [("word", "a", 1.0, 1.5), ("phone", "A", 2.5, 2.6), ("word", "b", 4.0, 4.5)]
    _, kept = cut(tmp_path, {"r": (5.0, intervals)})
    assert kept["label"].tolist() == ["a", "b"]


def test_recordings_without_words_are_named(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        utterances, _ = cut(tmp_path, {"r": (2.0, [("word", "a", 1.0, 1.5)]), "q": (1.0, [("phone", "A", 0.1, 0.2)])})
    assert utterances["utterance_id"].tolist() == ["r-0000"]
    assert "1 recordings have no word and are left out: q" in caplog.messages


def test_nothing_but_silence_is_an_error(tmp_path):
    with pytest.raises(CuttingError, match="has no word and no phone"):
        cut(tmp_path, {"r": (1.0, [("turn", "A", 0.1, 0.2)])})


def test_a_corpus_of_phones_is_cut_between_phones(tmp_path):
    phones = [("phone", "A", 1.0, 1.2), ("phone", "B", 1.2, 1.5), ("phone", "C", 3.0, 3.3)]
    utterances, kept = cut(tmp_path, {"r": (3.4, phones)})
    assert utterances[["utterance_id", "start", "text"]].to_numpy().tolist() == [
        ["r-0000", 0.75, ""],
        ["r-0001", 2.75, ""],
    ]
    assert kept["label"].tolist() == ["A", "B", "C"]


def test_what_stays_too_long_is_said(tmp_path, caplog):
    words = [("word", "a", float(second), second + 0.9) for second in range(40)]
    with caplog.at_level(logging.WARNING):
        cut(tmp_path, {"r": (41.0, words)})
    assert "1 utterances are longer than 35 s, the longest r-0000 of 40 s" in caplog.text


@settings(deadline=None, max_examples=50)
@given(
    st.lists(st.tuples(st.integers(0, 200), st.integers(1, 80)), min_size=1, max_size=30),
    st.integers(0, 100),
    st.sampled_from([0.2, 0.5, 1.0]),
)
def test_every_word_is_in_one_utterance_at_its_time(tmp_path_factory, gaps_and_lengths, rest, pause):
    """Times in hundredths of a second: before each word, of each word, and at the end."""
    borders = np.cumsum(np.ravel(gaps_and_lengths)) / 100
    words = [("word", f"w{i}", *borders[2 * i : 2 * i + 2]) for i in range(len(gaps_and_lengths))]
    seconds = borders[-1] + rest / 100
    utterances, kept = cut(tmp_path_factory.mktemp("cut"), {"r": (seconds, words)}, pause)
    joined = kept.merge(utterances, on="utterance_id", suffixes=("", "_of"))
    for tier, label, start, end in words:
        (row,) = joined[joined["label"] == label].itertuples()
        assert (row.tier, row.start + row.start_of, row.end + row.start_of) == (
            tier, pytest.approx(start, abs=2e-6), pytest.approx(end, abs=1 / RATE),
        )  # fmt: skip
    stops = utterances["start"] + utterances["duration"]
    assert (utterances["start"].to_numpy()[1:] >= stops.to_numpy()[:-1] - 1 / RATE).all()  # nothing is heard twice
    assert (kept["start"] >= 0).all()
    assert stops.max() <= seconds + 1 / RATE
    assert " ".join(utterances["text"]).split() == [label for _, label, _, _ in words]
    gaps = np.array([gap for gap, _ in gaps_and_lengths][1:]) / 100
    assert len(utterances) == 1 + (gaps >= pause - 1e-9).sum()


@settings(deadline=None, max_examples=10)
@given(
    starts=st.lists(st.integers(1, 3_600_000), min_size=1, max_size=30),
    pause=st.integers(2, 3000),
)
def test_a_gap_as_long_as_the_pause_cuts_wherever_it_is(tmp_path_factory, starts, pause):
    """In milliseconds; of each two recordings one has a gap of just the pause, the other of one less."""
    recordings = {
        f"{gap}-{start}": (
            (start + gap + 2000) / 1000,
            [
                ("word", "a", start / 1000, (start + 100) / 1000),
                ("word", "b", (start + 100 + gap) / 1000, (start + 200 + gap) / 1000),
            ],
        )
        for start in set(starts)
        for gap in (pause, pause - 1)
    }
    utterances, kept = cut(tmp_path_factory.mktemp("cut"), recordings, pause / 1000)
    pieces = utterances["utterance_id"].str.rsplit("-", n=1).str[0].value_counts()
    assert {name: pieces[name] for name in recordings} == {
        name: 2 if name.startswith(f"{pause}-") else 1 for name in recordings
    }
    assert len(kept) == 2 * len(recordings)
