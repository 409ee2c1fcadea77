"""Rows of acoustic measures stand beside the frames of layers, like mel rows."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layerwise.representations import acoustic_rows
from layerwise.representations.acoustic_measures import AcousticsError
from layerwise.representations.acoustic_rows import acoustic_frames, acoustic_segments
from layerwise.representations.features import match_frames
from layerwise.representations.store import RepresentationError, reading
from layerwise.representations.writer import writing
from layerwise.sampling import segment_frames
from layerwise.spans import POOLINGS

ROWS = {"a": 51, "b": 1, "c": 200, "d": 80}


def values(name: str) -> np.ndarray:
    """What is stored for an utterance: NaN here and there, and no value twice."""
    rows = 1000.0 * ord(name) + np.arange(ROWS[name], dtype=np.float32)[:, None]
    rows[5::7] = np.nan
    return rows


@pytest.fixture(scope="module")
def path(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("acoustics") / "pitch.h5"
    write(path)
    return path


def write(path: Path, lengths: list[int] | None = None) -> None:
    with writing(path, "float32", {"shard": 0}) as writer:
        for name in ROWS:
            writer.append("utterance_id", np.array([name]))
            writer.append("f0", values(name), {"definition": "…"})
        writer.extend_borders("offsets", lengths or list(ROWS.values()))


def rows(path: Path, names: list[str], frames: list[int], stride: float = 0.02, measure: str = "f0") -> np.ndarray:
    with reading([path]) as (file,):
        return acoustic_frames(file, measure, names, frames, stride)


@settings(max_examples=40, deadline=None)
@given(
    names=st.lists(st.sampled_from(list(ROWS)), max_size=8),
    step=st.sampled_from([1, 2, 4, 8]),
    short=st.integers(0, 3),
    read=st.sampled_from([1, 30, 1 << 18]),
)
def test_rows_are_those_that_mel_rows_would_be(path, names, step, short, read):
    frames = [max(0, -(-ROWS[name] // step) - short) for name in names]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(acoustic_rows, "_READ_CELLS", read)
        found = rows(path, names, frames, step / 100)
    expected = [match_frames(values(name), step / 100, count) for name, count in zip(names, frames, strict=True)]
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, np.concatenate([np.empty((0, 1)), *expected]))


@settings(max_examples=60, deadline=None)
@given(
    segments=st.lists(
        st.tuples(st.sampled_from(list(ROWS)), st.integers(0, 210), st.integers(0, 60)), min_size=1, max_size=8
    ),
    pooling=st.sampled_from(list(POOLINGS)),
)
def test_segments_have_the_mean_of_the_rows_that_their_pooling_takes(path, segments, pooling):
    names = [name for name, _, _ in segments]
    starts, lengths = (np.array(part) / 100 for part in list(zip(*segments, strict=True))[1:])
    with reading([path]) as (file,):
        found = acoustic_segments(file, "f0", names, starts, starts + lengths, POOLINGS[pooling])
    for row, (name, start, end) in zip(found, zip(names, starts, starts + lengths, strict=True), strict=True):
        first, last = segment_frames(start, end, 0.01, ROWS[name], pooling)
        there = [value for value in values(name)[first:last, 0].tolist() if value == value]
        np.testing.assert_allclose(row, [np.mean(there) if there else np.nan], rtol=1e-6)


@pytest.mark.parametrize("stride", [0.0125, 0.025, 0.004, 0.0])
def test_a_stride_between_the_rows_is_refused(path, stride):
    with pytest.raises(AcousticsError, match=rf"a stride of {stride} s is no multiple of 0\.01 s"):
        rows(path, ["a"], [1], stride)


def test_an_utterance_that_was_not_measured_is_named(path):
    with pytest.raises(AcousticsError, match=r"pitch\.h5 has no utterance e, only the 4 that were sampled when"):
        rows(path, ["a", "e"], [1, 1])
    with reading([path]) as (file,), pytest.raises(AcousticsError, match=r"pitch\.h5 has no utterance e"):
        acoustic_segments(file, "f0", ["e"], np.zeros(1), np.ones(1), POOLINGS["mean"])


def test_an_utterance_that_ends_before_the_layer_is_named(path):
    assert len(rows(path, ["a"], [26])) == 26
    with pytest.raises(AcousticsError, match=r"f0 of a has 26 rows of 0\.02 s, the layer has 27 frames"):
        rows(path, ["d", "a"], [3, 27])


def test_a_measure_that_is_none_is_refused_with_the_nearest(path):
    with pytest.raises(AcousticsError, match=r"'voicin' \(did you mean voicing\?\)"):
        rows(path, ["a"], [1], measure="voicin")


def test_a_measure_of_another_family_is_not_there(path):
    with pytest.raises(RepresentationError, match=r"has no /energy; in / there is f0, offsets, utterance_id"):
        rows(path, ["a"], [1], measure="energy")


@pytest.mark.parametrize("lengths", [[51, 1, 200, 81], [51, 1, 280], [51, -1, 202, 80]])
def test_borders_that_do_not_divide_the_rows_are_refused(tmp_path, lengths):
    write(tmp_path / "damaged.h5", lengths)
    with pytest.raises(RepresentationError, match=r"damaged\.h5: /offsets does not divide 332 rows among 4 utterances"):
        rows(tmp_path / "damaged.h5", ["a"], [1])


def test_neither_rows_nor_registry_import_large_libraries():
    code = "import sys, layerwise.representations.acoustic_rows\nprint(*sys.modules)"
    path = str(Path(acoustic_rows.__file__).parents[2])
    run = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": path}, capture_output=True, text=True, check=True
    )
    assert not {"torch", "pandas", "librosa", "scipy", "transformers"} & set(run.stdout.split())
