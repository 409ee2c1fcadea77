"""What a line says of work and when, on a clock that the tests turn."""

from __future__ import annotations

import logging

import pytest

from layerwise import progress
from layerwise.files.disk_space import readable
from layerwise.progress import INTERVAL, ProgressError, ProgressLine, in_words


@pytest.fixture
def clock(monkeypatch):
    """Seconds that have passed, to be set."""

    class Clock:
        now = 1000.0

        def __call__(self) -> float:
            return self.now

    monkeypatch.delenv(INTERVAL, raising=False)
    monkeypatch.setattr(progress, "monotonic", clock := Clock())
    return clock


@pytest.fixture
def said(clock, caplog):
    """Gives the lines that were said since it was last asked."""
    caplog.set_level(logging.INFO, "layerwise.progress")

    def lines() -> list[str]:
        found = [record.getMessage() for record in caplog.records]
        caplog.clear()
        return found

    return lines


# When


def test_first_line_comes_after_ten_seconds_and_others_every_thirty(clock, said):
    line = ProgressLine("reading", 1000, "files")
    spoken = []
    for second in range(100):
        clock.now = 1000.0 + second
        line.add()
        spoken += [second] * len(said())
    assert spoken == [10, 40, 70]


def test_quick_work_says_nothing(clock, said):
    line = ProgressLine("reading", 10, "files")
    for _ in range(10):
        clock.now += 0.99
        line.add()
    assert said() == []


def test_whole_work_says_nothing(clock, said):
    line = ProgressLine("scoring", 2, "layers")
    clock.now += 100
    line.add(2)
    assert line.done == 2
    assert said() == []


def test_more_than_was_said_to_be_is_no_more_than_whole(clock, said):
    line = ProgressLine("extracting", 1.5, "s of audio")
    clock.now += 100
    line.add(1.6)
    assert said() == []


def test_sums_that_round_are_whole_too(clock, said):
    line = ProgressLine("extracting", 0.6, "s of audio")
    clock.now += 100
    for seconds in (0.1, 0.2, 0.3 - 1e-12):
        line.add(seconds)
        clock.now += 100
    assert line.done < 0.6
    assert [words.split(",")[0] for words in said()] == [
        "extracting: 0 of 1 s of audio (16 %)",
        "extracting: 0 of 1 s of audio (50 %)",
    ]


def test_nothing_to_be_done(clock, said):
    line = ProgressLine("reading", 0, "files")
    clock.now += 100
    line.reach(0)
    assert said() == []


def test_environment_says_how_often(clock, said, monkeypatch):
    monkeypatch.setenv(INTERVAL, "2.5")
    line = ProgressLine("reading", 1000, "files")
    spoken = []
    for second in range(8):
        clock.now = 1000.0 + second
        line.add()
        spoken += [second] * len(said())
    assert spoken == [3, 6]
    monkeypatch.setenv(INTERVAL, "0")
    line = ProgressLine("reading", 1000, "files")
    line.add()
    line.add()
    assert len(said()) == 2


def test_first_line_waits_no_longer_where_others_are_rare(clock, said, monkeypatch):
    monkeypatch.setenv(INTERVAL, "600")
    line = ProgressLine("reading", 1000, "files")
    clock.now += 10
    line.add()
    assert len(said()) == 1


@pytest.mark.parametrize("given", ["", "often", "-1", "nan"])
def test_environment_that_says_no_number_is_refused(monkeypatch, given):
    monkeypatch.setenv(INTERVAL, given)
    with pytest.raises(ProgressError, match=f"{INTERVAL} in the environment is '{given}'; expected a number of sec"):
        ProgressLine("reading", 1000, "files")


# What


def test_line_says_how_far_how_fast_and_how_long_still(clock, said):
    line = ProgressLine("extracting", 19200.0, "s of audio")
    clock.now += 20
    line.add(1340.4)
    assert said() == ["extracting: 1,340 of 19,200 s of audio (6 %), 67/s, 4.4 min left"]


def test_whole_percents_never_say_more_than_is_done(clock, said):
    line = ProgressLine("reading", 1000, "files")
    clock.now += 10
    line.reach(999)
    assert said() == ["reading: 999 of 1,000 files (99 %), 100/s, 0 s left"]


def test_bytes_are_readable(clock, said):
    line = ProgressLine("downloading x.tar.gz", 6_390_000_000, shown=readable)
    clock.now += 10
    line.add(123_000_000)
    assert said() == ["downloading x.tar.gz: 123 MB of 6.39 GB (1 %), 12.3 MB/s, 8.5 min left"]


def test_total_that_is_not_known(clock, said):
    line = ProgressLine("downloading x.tar.gz", None, shown=readable)
    clock.now += 10
    line.add(123_000_000)
    assert said() == ["downloading x.tar.gz: 123 MB, 12.3 MB/s"]


def test_work_that_may_end_before_its_total(clock, said):
    line = ProgressLine("training", 20000, "steps", at_most=True)
    line.note = "dev accuracy T3 0.812"
    clock.now += 10
    line.reach(500)
    assert said() == ["training: 500 of at most 20,000 steps (2 %), 50/s, at most 6.5 min left, dev accuracy T3 0.812"]


def test_what_was_there_before_counts_as_done_and_not_for_the_rate(clock, said):
    line = ProgressLine("training", 1000, "steps", done=900)
    clock.now += 10
    line.add(10)
    assert said() == ["training: 910 of 1,000 steps (91 %), 1.0/s, 1.5 min left"]


def test_rate_is_of_the_last_lines(clock, said):
    """Of work that was slow at first: after five minutes nothing is left of that."""
    line = ProgressLine("reading", 100_000, "files")
    for _ in range(10):
        clock.now += 30
        line.add(1)
    assert said()[-1] == "reading: 10 of 100,000 files (0 %), 2.0/min, 35 days left"
    for _ in range(11):
        clock.now += 30
        line.add(3000)
    assert said()[-1] == "reading: 33,010 of 100,000 files (33 %), 100/s, 11 min left"


def test_work_or_a_clock_that_stands_still_has_no_rate(clock, said, monkeypatch):
    line = ProgressLine("reading", 1000, "files", done=500)
    clock.now += 10
    line.add(0)
    assert said() == ["reading: 500 of 1,000 files (50 %)"]
    monkeypatch.setenv(INTERVAL, "0")
    line = ProgressLine("reading", 1000, "files")
    line.add(1)
    assert said() == ["reading: 1 of 1,000 files (0 %)"]


@pytest.mark.parametrize(
    ("done", "pace"),
    [(20_000, "2,000/s"), (100, "10/s"), (20, "2.0/s"), (5, "30/min"), (1, "6.0/min"), (0.1, "36/h"), (0.001, "0.4/h")],
)
def test_rates_are_readable(clock, said, done, pace):
    line = ProgressLine("reading", None, "files")
    clock.now += 10
    line.add(done)
    assert said()[0].endswith(f" files, {pace}")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (89, "89 s"), (90, "1.5 min"), (600, "10 min"), (5399, "90 min"), (5400, "1.5 h"), (86400, "24 h")],
)
def test_times_are_readable(seconds, words):
    assert in_words(seconds) == words
