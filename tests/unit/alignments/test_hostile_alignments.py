"""Alignments that are small where they lie, and take time and memory when they are read."""

from __future__ import annotations

import multiprocessing
import resource
import zipfile
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from layerwise.alignments import batches, tiers
from layerwise.alignments import index as indexing
from layerwise.alignments.cleaning import clean, count_words
from layerwise.alignments.columns import Utterance
from layerwise.alignments.label_files import parse_timit
from layerwise.alignments.sources import Aligned, File, find_alignments, num_bytes
from layerwise.alignments.textgrids import parse_textgrid
from layerwise.alignments.tiers import AlignmentError, Tier
from tiny_corpus import (
    LAYOUTS,
    MARKS,
    PHONE_SETS,
    TIERS,
    textgrid_long,
    textgrid_short,
    write_utterances_table,
    write_zip,
)

NAMES = {"phone": ["phones"], "word": ["words"]}
ROW = (0.0, 1.0, "AA")


def short_form(intervals: int) -> str:
    """The most intervals that a text may have for its bytes."""
    head = 'File type = "ooTextFile"\nObject class = "TextGrid"\n0\n1\n<exists>\n1\n"IntervalTier"\n"phones"\n0\n1\n'
    return f"{head}{intervals}\n" + '0 1 "AA"\n' * intervals


def packed(path: Path, texts: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in texts.items():
            archive.writestr(name, text)
    return path


def index(folder: Path, source: Path) -> None:
    utterances = write_utterances_table(folder / "u.parquet", {"one": 1.0, "two": 1.0})
    indexing.index_alignments(
        source, "all", utterances, folder / "i.parquet", folder / "p.csv",
        layout=LAYOUTS["flat"].of_split("all"), phones=PHONE_SETS["arpabet"], marks=MARKS,
    )  # fmt: skip


def test_a_small_zip_of_a_long_textgrid_is_refused(tmp_path):
    source = packed(tmp_path / "a.zip", {"anna/one.TextGrid": short_form(2_000_000)})
    assert source.stat().st_size < 100_000
    with pytest.raises(AlignmentError, match=r"a\.zip, unpacked, has \d+ bytes for each of its own, .*UNZIPPED_RATIO"):
        find_alignments(source, ["all"], LAYOUTS["flat"])


def indexed_with_little(folder: Path, source: Path) -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (120, 120))
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + (2 << 30), used + (2 << 30)))
    index(folder, source)


def test_a_million_faults_take_little_memory_and_time(tmp_path):
    texts = {"anna/one.TextGrid": short_form(1_000_000), "anna/two.TextGrid": textgrid_long(TIERS)}
    process = multiprocessing.get_context("fork").Process(
        target=indexed_with_little, args=(tmp_path, packed(tmp_path / "a.zip", texts))
    )
    process.start()
    process.join()
    assert process.exitcode == 0
    problems = pd.read_csv(tmp_path / "p.csv").query("problem == 'overlaps the one before'")
    assert len(problems) == 101
    assert problems["detail"].str.fullmatch("999899 more intervals").sum() == 1


@pytest.mark.parametrize("form", [textgrid_long, textgrid_short])
def test_the_intervals_of_a_textgrid_are_bounded(monkeypatch, form):
    """Together: a file has any number of tiers."""
    text = form([("phones", [ROW] * 3), ("words", [ROW] * 2)]).encode()
    monkeypatch.setenv("LAYERWISE_MAX_INTERVALS", "5")
    assert [len(tier.labels) for tier in parse_textgrid(text, "a")] == [3, 2]
    monkeypatch.setenv("LAYERWISE_MAX_INTERVALS", "4")
    with pytest.raises(AlignmentError, match=r"^a\.TextGrid has 5 intervals, .*LAYERWISE_MAX_INTERVALS=5"):
        parse_textgrid(text, "a.TextGrid")


@pytest.mark.parametrize("form", [textgrid_long, textgrid_short])
def test_the_tiers_of_a_textgrid_are_bounded(form):
    text = form([("phones", [ROW])] * (tiers.MAX_TIERS.default + 1)).encode()
    with pytest.raises(AlignmentError, match=r"^a\.TextGrid has 201 tiers, .*LAYERWISE_MAX_TIERS=201"):
        parse_textgrid(text, "a.TextGrid")


def test_labels_that_look_like_intervals_are_no_intervals(monkeypatch):
    monkeypatch.setenv("LAYERWISE_MAX_INTERVALS", "1")
    (tier,) = parse_textgrid(textgrid_long([("words", [(0.0, 1.0, "intervals [1] intervals [2]")])]).encode(), "a")
    assert tier.labels == ["intervals [1] intervals [2]"]


def test_the_lines_of_a_label_file_are_bounded(monkeypatch):
    monkeypatch.setenv("LAYERWISE_MAX_INTERVALS", "3")
    assert len(parse_timit(b"0 1 a\n1 2 b\n2 3 c\n", "a.phn", "phones").labels) == 3
    for end in ("\n", "\v", "\u2028"):  # all that ends a line to Python
        with pytest.raises(AlignmentError, match=r"^a\.phn has 4 intervals"):
            parse_timit(4 * end.encode(), "a.phn", "phones")


def test_of_each_utterance_the_first_faults_of_a_kind_are_named_and_the_others_counted():
    faulty = Tier("phones", [*["AA"] * 150, *[None] * 101], [0.0] * 251, [*[1.0] * 150, *[1.0] * 101])
    cleaned = clean([Utterance(name, "f", 1.0, [faulty]) for name in "ab"], NAMES, PHONE_SETS["arpabet"], MARKS)
    found = Counter((problem.utterance_id, problem.problem) for problem in cleaned.problems)
    for name in "ab":
        assert found[name, "no label"] == found[name, "overlaps the one before"] == 101
    more = sorted(p.detail for p in cleaned.problems if p.detail.endswith("more intervals"))
    assert more == ["1 more intervals", "1 more intervals", "49 more intervals", "49 more intervals"]


def counted_with_little() -> None:
    resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
    number = 100_000
    mark = next(label for label in ("sil", "sp", "noise", "well", "um") if MARKS.needs_phones(label))
    starts = [float(start) for start in range(number)]
    ends = [start + 1 for start in starts]
    of_one = [Tier("words", [mark] * number, starts, ends), Tier("phones", ["AA"] * number, starts, ends)]
    assert count_words([Utterance("a", "f", 1.0, of_one)], NAMES, MARKS, lower_case=True)[mark] == number


def test_words_that_may_be_marks_do_not_take_the_square_of_their_number():
    process = multiprocessing.get_context("fork").Process(target=counted_with_little)
    process.start()
    process.join()
    assert process.exitcode == 0


def test_what_is_in_memory_at_once_does_not_grow_with_the_size_of_files():
    sizes = [1, 1, batches._BYTES_PER_BATCH, 1, batches._BYTES_PER_BATCH - 1, 1]
    assert list(map(len, batches.batches_of(sizes, int))) == [2, 1, 2, 1]
    assert list(map(len, batches.batches_of([0] * 600, int))) == [256, 256, 88]


def test_the_size_of_an_alignment_is_that_of_its_files_unpacked(tmp_path):
    source = write_zip(tmp_path / "a.zip", {"anna/one.TextGrid": "x" * 5000})
    (aligned,) = find_alignments(source, ["all"], LAYOUTS["flat"])["all"].utterances.values()
    assert num_bytes(aligned) == 5000
    (tmp_path / "a").write_bytes(b"12345")
    assert num_bytes(Aligned("a", tuple(File("a", str(tmp_path / name)) for name in ("a", "gone")))) == 5
