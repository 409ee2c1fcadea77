"""The ranking of words."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from layerwise.alignments import batches
from layerwise.alignments.tiers import AlignmentError
from layerwise.alignments.word_ranking import rank_words
from layerwise.corpus.layouts import Layout, Pattern
from tiny_corpus import (
    LAYOUTS,
    MARKS,
    SPLIT,
    TIERS,
    label_file_xwaves,
    textgrid_long,
    write_aligned_table,
    write_files,
    write_zip,
)

LONG = textgrid_long(TIERS)
LIBRISPEECH = LAYOUTS["librispeech"]
GOOD = "1-2-0000"
IDS = ["1-2-0000", "1-2-0001", "10-2-0000", "2-2-0000", "3-2-0000"]


def member(utterance_id: str, split: str = SPLIT, above: str = "librispeech_alignments/") -> str:
    speaker, chapter = utterance_id.split("-")[:2]
    return f"{above}{split}/{speaker}/{chapter}/{utterance_id}.TextGrid"


def rank(source: Path, folder: Path, splits: list[str], layout: Layout = LIBRISPEECH, processes: int = 1) -> str:
    rank_words(source, splits, folder / "words.csv", layout=layout, marks=MARKS, processes=processes)
    return (folder / "words.csv").read_text(encoding="utf-8")


def words(*labels: str) -> str:
    rows = [(float(number), number + 1.0, label) for number, label in enumerate(labels)]
    return textgrid_long([("words", rows), ("phones", [(0.0, 1.0, "not a phone")])])


@pytest.mark.parametrize("processes", [1, 2])
def test_words_are_ranked_by_count_then_alphabet(tmp_path, monkeypatch, processes):
    monkeypatch.setattr(batches, "_UTTERANCES_PER_BATCH", 1)
    files = {
        member(GOOD, "train-1"): words("so", "it's", "", "<unk>", "so", "sil"),
        member("1-2-0001", "train-1"): words("well", "été", 'say "x"'),
        member(GOOD, "train-2"): words("well", "so", "a,b"),
        member(GOOD, "dev-clean"): words("rare"),
    }
    source = write_zip(tmp_path / "a.zip", files)
    ranked = 'word,count\nso,3\nwell,2\n"a,b",1\nit\'s,1\n"say ""x""",1\nété,1\n'
    assert rank(source, tmp_path, ["train-1", "train-2"], processes=processes) == ranked


def test_files_without_words_are_counted_and_the_first_named(tmp_path, caplog):
    files = {member(f"1-2-{number:04d}"): "x" for number in range(30)} | {member("0-0-0000"): words("so")}
    files[member("0-0-0001")] = textgrid_long([("phones", [(0.0, 1.0, "T")])])
    with caplog.at_level(logging.WARNING):
        assert rank(write_zip(tmp_path / "a.zip", files), tmp_path, [SPLIT]) == "word,count\nso,1\n"
    assert f"no words from {member('0-0-0001')}: its tiers are phones" in caplog.messages
    assert sum("is no TextGrid" in message for message in caplog.messages) == 19
    assert caplog.messages[-1] == "31 of 32 alignments gave no words"


def test_a_split_that_is_not_there_is_an_error_that_names_those_that_are(tmp_path):
    source = write_zip(tmp_path / "a.zip", {member(GOOD, "train-1"): LONG, member(GOOD, "dev-other"): LONG})
    with pytest.raises(AlignmentError, match="'train-2'; it has dev-other, train-1"):
        rank(source, tmp_path, ["train-1", "train-2"])


def test_no_word_at_all_is_an_error(tmp_path):
    with pytest.raises(AlignmentError, match="there is no word in dev-clean"):
        rank(write_zip(tmp_path / "a.zip", {member(GOOD): words("", "<unk>")}), tmp_path, [SPLIT])


def test_without_a_split_in_its_layout_every_file_counts_once(tmp_path):
    source = write_files(tmp_path / "flat", {"s1/u1.TextGrid": words("so"), "s2/u1.TextGrid": words("so")})
    layout = Layout(Pattern("**/{speaker}/{utterance}"), utterance_id="{speaker}-{utterance}")
    assert rank(source, tmp_path, ["a", "b"], layout) == "word,count\nso,2\n"


def test_words_of_tables_and_label_files(tmp_path):
    table = write_aligned_table(tmp_path / "dev_clean.parquet", dict.fromkeys(IDS, TIERS), 2)
    assert rank(table, tmp_path, [SPLIT]) == "word,count\nhello,5\n"
    files = {"s01/s0101a.words": label_file_xwaves([(0, 1, "<IVER>"), (0, 2, "yeah"), (0, 3, "")], "; x")}
    assert rank(write_files(tmp_path / "b", files), tmp_path, ["all"], LAYOUTS["buckeye"]) == "word,count\nyeah,1\n"
