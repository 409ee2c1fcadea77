"""The demo's spoken commands: drawn evenly, divided by speaker, packed as Fluent Speech Commands is."""

from __future__ import annotations

import csv
import ctypes
import io
import tarfile
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml

from layerwise.demo import commands
from layerwise.demo.flite import Flite, SynthesisError
from layerwise.demo.speakers import demo_speakers
from layerwise.files.digests import verify
from layerwise.files.shipped import ROOT

ARCHIVE = ROOT / "resources/demo" / commands.ARCHIVE
LARGEST = 6_000_000


@pytest.fixture(scope="module")
def drawn():
    return commands.draw_commands(commands.ACTIONS, demo_speakers(), commands.PER_ACTION, seed=1)


@pytest.fixture(scope="module")
def shipped() -> tuple[dict[str, list[dict]], dict[str, bytes]]:
    """Rows by part, and recordings by path."""
    tables, recordings = {}, {}
    with tarfile.open(ARCHIVE) as tar:
        for member in tar:
            content = tar.extractfile(member).read()
            path = member.name.removeprefix(f"{commands.ROOT}/")
            if path.endswith(".csv"):
                tables[Path(path).name.removesuffix("_data.csv")] = list(csv.DictReader(io.StringIO(content.decode())))
            else:
                recordings[path] = content
    return tables, recordings


def test_actions_are_drawn_evenly_for_every_speaker(drawn):
    per_speaker = Counter((command.prompt.speaker.identifier, command.action) for command in drawn)
    assert set(per_speaker.values()) == {3}
    assert len(per_speaker) == 18 * len(commands.ACTIONS)


def test_every_intent_is_drawn(drawn):
    wanted = {(action.name, *target) for action in commands.ACTIONS for target in action.targets}
    assert {(command.action, command.object, command.location) for command in drawn} == wanted
    assert len(wanted) == 64


def test_parts_share_no_speaker_and_every_voice(drawn):
    voices: dict[str, set] = {}
    speakers: dict[str, set] = {}
    for command in drawn:
        voices.setdefault(command.part, set()).add(command.prompt.speaker.voice)
        speakers.setdefault(command.part, set()).add(command.prompt.speaker.identifier)
    assert {part: len(found) for part, found in speakers.items()} == {"train": 12, "valid": 3, "test": 3}
    assert len(set().union(*speakers.values())) == 18
    assert all(len(found) == 3 for found in voices.values())


def test_what_is_said_is_what_is_meant(drawn):
    for command in drawn:
        words = command.prompt.text.split()
        assert command.object in words
        assert (command.location in words) == (command.location != "none")
        assert "  " not in command.prompt.text


def test_draws_are_seeded(drawn):
    again = commands.draw_commands(commands.ACTIONS, demo_speakers(), commands.PER_ACTION, seed=1)
    other = commands.draw_commands(commands.ACTIONS, demo_speakers(), commands.PER_ACTION, seed=2)
    assert again == drawn != other


def test_uneven_numbers_are_refused():
    with pytest.raises(SynthesisError, match="ask for a multiple"):
        commands.draw_commands(commands.ACTIONS, demo_speakers(), 20, seed=1)


def test_the_shipped_archive_is_small_and_the_catalogues(shipped):
    entry = yaml.safe_load((ROOT / "resources/tasks.yaml").read_text())["data"]["demo-commands"]["files"]["audio"]
    assert ROOT / entry["source"] == ARCHIVE
    verify(ARCHIVE, size=entry["bytes"], md5=entry["md5"], sha256=entry["sha256"])
    assert ARCHIVE.stat().st_size <= LARGEST


def test_the_shipped_archive_has_what_was_drawn(shipped, drawn):
    tables, recordings = shipped
    assert {part: len(rows) for part, rows in tables.items()} == {"train": 180, "valid": 45, "test": 45}
    listed = {row["path"]: row for rows in tables.values() for row in rows}
    assert listed.keys() == recordings.keys()
    for command in drawn:
        row = listed[f"wavs/speakers/{command.prompt.speaker.identifier}/{command.prompt.identifier}.flac"]
        assert row["transcription"] == command.prompt.text
        assert (row["action"], row["object"], row["location"]) == (command.action, command.object, command.location)
        assert row in tables[command.part]


def test_the_shipped_recordings_are_speech(shipped):
    for content in shipped[1].values():
        samples, rate = soundfile.read(io.BytesIO(content))
        assert (rate, samples.ndim) == (16_000, 1)
        assert 0.5 < samples.size / rate < 4
        assert 0.01 < np.sqrt(np.mean(samples**2)) < 0.2


def test_pauses_are_cut():
    try:
        ctypes.CDLL("libflite.so.1")
    except OSError:
        pytest.skip("libflite.so.1 is not installed (Debian package libflite1)")
    (command,) = commands.draw_commands(commands.ACTIONS[:1], demo_speakers()[:1], 1, seed=1)
    samples = commands.trimmed(Flite(), command.prompt).astype(float)
    loud = np.flatnonzero(np.abs(samples) > 300)
    assert loud[0] < 0.2 * 16_000
    assert samples.size - loud[-1] < 0.25 * 16_000
