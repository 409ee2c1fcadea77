"""Representations hold what a plain recomputation from the audio gives, whatever the shards and threads."""

from __future__ import annotations

import shutil
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import soundfile
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from layerwise.errors import LayerwiseError
from layerwise.files import disk_space
from layerwise.files.disk_space import DiskSpaceError
from layerwise.models.batches import BATCH_SECONDS
from layerwise.models.loading import load_folder
from layerwise.representations.extract import LOOK_AHEAD, ExtractionError, _windows, extract
from layerwise.representations.features import log_mel
from layerwise.representations.plan import rows_of_pass, shard_of
from layerwise.representations.store import fact
from tiny_models import make, speech
from tiny_originals import settings, weights, write

DURATIONS = {"1-1-0000": 0.5, "1-1-0001": 0.83, "2-5-0000": 1.2, "2-5-0001": 0.31, "3-7-0000": 0.7, "3-7-0001": 0.4}
WINDOWS = {"C1": (79, 32), "C2": (39, 16), "C3": (19, 8), "C4": (9, 4), "C5": (4, 2), "C6": (2, 1)}
CLOSE = {"rtol": 1e-5, "atol": 1e-6}

# By sample: the utterances whose frames are drawn, then phones and words with the frames that they average, counted by
# hand: 20 ms a frame, a word all that it touches, a phone the middle third. 3-7-0000 is drawn for its segments alone,
# 3-7-0001 not at all.
FRAMES = {1: ["1-1-0000", "2-5-0000", "2-5-0001"], 2: ["1-1-0001"]}
PHONES = {
    1: [  # utterance, label, start, end, first frame, last frame (exclusive)
        ("1-1-0000", "AH", 0.10, 0.22, 7, 9),  # touches 5…10, six frames: two go at each end
        ("1-1-0000", "S", 0.22, 0.24, 11, 12),  # one frame
        ("1-1-0001", "AH", 0.58, 0.70, 31, 33),  # 0.58 / 0.02 is 28.999… and means 29
        ("2-5-0000", "T", 0.05, 0.18, 4, 7),  # touches 2…8, seven frames: two go at each end
        ("3-7-0000", "S", 0.00, 0.06, 1, 2),
        ("3-7-0000", "AH", 0.06, 0.69, 14, 24),  # touches 3…34, 32 frames: eleven go at each end
    ],
    2: [("2-5-0001", "T", 0.10, 0.20, 7, 8)],
}
WORDS = {
    1: [
        ("1-1-0001", "THE", 0.05, 0.18, 2, 9),
        ("2-5-0000", "CAT", 1.10, 1.20, 55, 59),  # to the last frame: 1.2 s have 59
        ("3-7-0000", "THE", 0.00, 0.02, 0, 1),
    ],
    2: [],
}


WHOLE = {1: [("1-1-0000", "1", 0.0, 0.5, 0, 24), ("3-7-0000", "3", 0.0, 0.7, 0, 34)], 2: []}  # all frames


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return make("random-hubert-tiny", tmp_path_factory.mktemp("model") / "m", num_hidden_layers=2)


@pytest.fixture(scope="module")
def model(checkpoint):
    torch.set_num_threads(1)
    return load_folder(checkpoint)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Audio in FLAC and WAV, and the tables, written in no particular order."""
    root = tmp_path_factory.mktemp("corpus")
    rows = []
    for number, (name, seconds) in enumerate(DURATIONS.items()):
        path = f"{name}.{'flac' if number % 2 else 'wav'}"
        soundfile.write(root / path, speech(seconds, seed=number), 16_000, subtype="PCM_16")
        speaker, chapter, _ = name.split("-")
        samples = round(seconds * 16_000)
        rows.append((name, speaker, chapter, path, 16_000, samples, seconds, "TEXT", 0.0))
    columns = [
        "utterance_id",
        "speaker_id",
        "chapter_id",
        "audio_path",
        "sample_rate",
        "num_samples",
        "duration",
        "text",
        "start",
    ]
    utterances = pd.DataFrame(rows, columns=columns)
    utterances.iloc[::-1].to_parquet(root / "utterances.parquet")
    for sample in (1, 2):
        folder = root / "samples" / str(sample)
        folder.mkdir(parents=True)
        drawn = utterances[utterances["utterance_id"].isin(FRAMES[sample])]
        drawn.reset_index(drop=True).to_parquet(folder / "utterances.parquet")
        for name, drawn in (("phones", PHONES), ("words", WORDS), ("whole_utterances", WHOLE)):
            segment_table(drawn[sample]).to_parquet(folder / f"{name}.parquet")
    return root


def segment_table(segments):
    table = pd.DataFrame([row[:4] for row in segments], columns=["utterance_id", "label", "start", "end"])
    return table.astype({"utterance_id": "str", "label": "str", "start": float, "end": float})


@pytest.fixture(scope="module")
def run(corpus, checkpoint, model):
    """Extracts to a path, and returns it."""
    both = {sample: corpus / "samples" / str(sample) for sample in (1, 2)}

    def start(out: Path, samples=both, **options) -> Path:
        extract(
            checkpoint,
            samples,
            corpus / "utterances.parquet",
            corpus,
            out,
            **{"layers": model.layer_names, "stride_seconds": model.stride_seconds, "dtype": "float32", "device": "cpu"}
            | options,
        )
        return out

    return start


@pytest.fixture(scope="module")
def file(run, tmp_path_factory):
    with h5py.File(run(tmp_path_factory.mktemp("out") / "0.h5", attributes={"model": "mine", "seed": 7})) as file:
        yield file


@pytest.fixture(scope="module")
def layers(corpus, model):
    """Utterance → layers, straight from the model."""
    return {name: model.layers(audio(corpus, name)) for name in DURATIONS}


def audio(corpus, name: str) -> np.ndarray:
    (path,) = corpus.glob(f"{name}.*")
    return soundfile.read(path, dtype="float32")[0]


def text(dataset) -> list[str]:
    return list(dataset.asstr()[:])


def everything(file) -> dict[str, np.ndarray]:
    found = {}
    file.visititems(lambda name, item: found.update({name: item[:]}) if isinstance(item, h5py.Dataset) else None)
    return found


# Frames


@pytest.mark.parametrize("sample", [1, 2])
def test_frames_are_those_of_the_sample_in_order(file, layers, sample):
    frames = file[f"{sample}/frame"]
    assert text(frames["utterance_id"]) == FRAMES[sample]
    assert text(frames["speaker_id"]) == [name.split("-")[0] for name in FRAMES[sample]]
    for layer in ("C7", "T0", "T1", "T2"):
        expected = np.concatenate([layers[name][layer] for name in FRAMES[sample]])
        np.testing.assert_allclose(frames[layer][:], expected, **CLOSE)
        assert frames[layer].dtype == np.float32
        assert fact(frames[layer], "grid") == ""
    assert list(np.diff(frames["offsets"][:])) == [len(layers[name]["T0"]) for name in FRAMES[sample]]
    assert frames["offsets"][0] == 0


@pytest.mark.parametrize("layer", WINDOWS)
def test_early_conv_layers_are_averaged_to_10_ms(file, layers, layer):
    window, hop = WINDOWS[layer]
    expected, counts = [], []
    for name in FRAMES[1]:
        rows = layers[name][layer].astype(np.float64)
        means = [rows[start : start + window].mean(axis=0) for start in range(0, len(rows) - window + 1, hop)]
        expected += means
        counts.append(len(means))
    stored = file[f"1/frame/{layer}"]
    np.testing.assert_allclose(stored[:], np.array(expected), **CLOSE)
    assert fact(stored, "grid") == "_10ms"
    assert list(np.diff(file["1/frame/offsets_10ms"][:])) == counts


def test_mel_rows_match_the_frames(file, corpus, layers):
    coarse, fine = [], []
    for name in FRAMES[1]:
        mel = log_mel(audio(corpus, name))
        coarse.append(mel[::2][: len(layers[name]["T0"])])
        fine.append(mel[: 1 + (len(audio(corpus, name)) - 400) // 160])
    np.testing.assert_allclose(file["1/target/mel"][:], np.concatenate(coarse), **CLOSE)
    np.testing.assert_allclose(file["1/target/mel_10ms"][:], np.concatenate(fine), **CLOSE)
    assert len(file["1/target/mel"]) == file["1/frame/offsets"][-1] == len(file["1/frame/T0"])
    assert len(file["1/target/mel_10ms"]) == file["1/frame/offsets_10ms"][-1] == len(file["1/frame/C1"])


# Segments


@pytest.mark.parametrize(
    ("sample", "span", "segments"),
    [(1, "phone", PHONES[1]), (2, "phone", PHONES[2]), (1, "word", WORDS[1]), (1, "utterance", WHOLE[1])],
    ids=["phones", "phones of sample 2", "words", "utterances"],
)
def test_segments_are_means_of_their_frames(file, layers, sample, span, segments):
    group = file[f"{sample}/{span}"]
    for layer in ("T0", "T1", "T2"):
        expected = [layers[name][layer][first:last].mean(axis=0) for name, _, _, _, first, last in segments]
        np.testing.assert_allclose(group[layer][:], np.array(expected), **CLOSE)
    assert not [layer for layer in group if layer.startswith("C")]


def test_segments_are_in_order_of_utterance_and_row(run, corpus, layers, tmp_path):
    """Of a table that is in no order."""
    shuffled = [PHONES[1][i] for i in (4, 1, 3, 0, 5, 2)]
    folder = tmp_path / "samples/1"
    folder.mkdir(parents=True)
    for name in ("utterances", "words", "whole_utterances"):
        pd.read_parquet(corpus / f"samples/1/{name}.parquet").to_parquet(folder / f"{name}.parquet")
    table = pd.DataFrame([row[:4] for row in shuffled], columns=["utterance_id", "label", "start", "end"])
    table.to_parquet(folder / "phones.parquet")
    with h5py.File(run(tmp_path / "0.h5", samples={1: folder})) as file:
        group = file["1/phone"]
        assert list(group["row"][:]) == [1, 3, 5, 2, 0, 4]
        assert group["row"].dtype == np.int64
        ordered = [shuffled[row] for row in (1, 3, 5, 2, 0, 4)]
        assert text(group["utterance_id"]) == [row[0] for row in ordered]
        assert text(group["speaker_id"]) == [row[0].split("-")[0] for row in ordered]
        assert text(group["label"]) == [row[1] for row in ordered]
        assert list(group["start"][:]) == [row[2] for row in ordered]
        expected = [layers[name]["T2"][first:last].mean(axis=0) for name, _, _, _, first, last in ordered]
        np.testing.assert_allclose(group["T2"][:], np.array(expected), **CLOSE)


def test_sample_without_words_has_empty_words(file):
    group = file["2/word"]
    assert {name: len(group[name]) for name in group} == dict.fromkeys(
        ["T0", "T1", "T2", "end", "label", "row", "speaker_id", "start", "utterance_id"], 0
    )
    assert group["T0"].shape == (0, 48)


def test_another_pass_writes_other_rows_and_nothing_else(run, corpus, layers, tmp_path):
    """Words by their first frame, and a table of segments, which is the same for every sample and stands there once."""
    segment_table([("3-7-0001", "", 0.1, 0.2), ("1-1-0000", "x", 0.04, 0.08)]).to_parquet(tmp_path / "stresses.parquet")
    rows = rows_of_pass(["word.first", "stresses.mean"], [tmp_path / "stresses.parquet"])
    with h5py.File(run(tmp_path / "0.h5", **rows)) as file:
        assert sorted(file) == ["1", "2", "every"]
        assert (list(file["1"]), list(file["2"]), list(file["every"])) == (
            ["word.first"],
            ["word.first"],
            ["stresses.mean"],
        )
        firsts = [layers[name]["T2"][first] for name, _, _, _, first, _ in WORDS[1]]
        np.testing.assert_allclose(file["1/word.first/T2"][:], np.array(firsts), **CLOSE)
        group = file["every/stresses.mean"]
        assert (text(group["utterance_id"]), list(group["row"][:])) == (["1-1-0000", "3-7-0001"], [1, 0])
        means = [layers["1-1-0000"]["T1"][2:4].mean(axis=0), layers["3-7-0001"]["T1"][5:10].mean(axis=0)]
        np.testing.assert_allclose(group["T1"][:], np.array(means), **CLOSE)
        assert "mean over the first frame of the word" in fact(file["1/word.first/T1"], "definition")
        assert "mean over the segment" in fact(group["T1"], "definition")


# The file


def test_file_says_what_it_is(file):
    attributes = {name: fact(file, name) for name in file.attrs}
    assert attributes["complete"]
    assert (attributes["model"], attributes["seed"]) == ("mine", 7)
    assert attributes["stride_seconds"] == 0.02
    assert (attributes["shard"], attributes["shards"]) == (0, 1)


def test_every_layer_is_defined_in_words(file):
    for name, words in (
        ("frame/C1", "averaged over 25 ms every 10 ms"),
        ("frame/T0", "input of transformer block 1"),
        ("frame/T2", "without a final LayerNorm"),
        ("phone/T1", "mean over the middle third of the phone"),
        ("word/T1", "mean over the word"),
    ):
        assert words in fact(file[f"1/{name}"], "definition")
    assert "averaged" not in fact(file["1/frame/C7"], "definition")


def test_float16_is_the_same_rounded(run, file, tmp_path):
    with h5py.File(run(tmp_path / "half.h5", dtype="float16")) as half:
        for name in ("1/frame/C1", "1/frame/T2", "1/phone/T1", "1/target/mel"):
            assert half[name].dtype == np.float16
            np.testing.assert_array_equal(half[name][:], file[name][:].astype(np.float16))


# Shards and threads


def test_threads_change_nothing(run, file, tmp_path):
    with h5py.File(run(tmp_path / "threads.h5", threads=4)) as other:
        expected, found = everything(file), everything(other)
        assert set(found) == set(expected)
        for name in expected:
            np.testing.assert_array_equal(found[name], expected[name])


@pytest.mark.parametrize(("batch_seconds", "threads", "shards"), [(1.2, 1, 1), (2.5, 3, 1), (100, 1, 1), (1.5, 1, 2)])
def test_batches_change_nothing(run, file, tmp_path, batch_seconds, threads, shards):
    """Neither the numbers nor the order of the file, though utterances are sorted by length."""
    options = {"batch_seconds": batch_seconds, "threads": threads, "shards": shards}
    files = [h5py.File(run(tmp_path / f"{shard}.h5", shard=shard, **options)) for shard in range(shards)]
    for name, values in everything(file).items():
        parts = [shard[name][:] for shard in files if name in shard]
        if "offsets" in name:
            parts = [[0], np.cumsum(np.concatenate([np.diff(part) for part in parts]))]
        joined = np.concatenate(parts)
        if values.dtype.kind == "f":
            np.testing.assert_allclose(joined, values, rtol=0, atol=1e-4)
        else:
            np.testing.assert_array_equal(joined, values)
    for shard in files:
        shard.close()


def table_of(seconds: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"duration": seconds})


def test_batches_hold_as_many_seconds_as_they_may():
    """Padded to the longest, unless one utterance is longer by itself; few look-aheads of audio wait at a time."""
    seconds = np.random.default_rng(0).uniform(0.05, 35, 300)
    windows = list(_windows(table_of(seconds), 60, int))
    rows = [sorted(row.Index for batch in window for row in batch) for window in windows]
    assert list(np.concatenate(rows)) == list(range(300))  # each once, and windows in the order of the table
    for window in windows:
        assert sum(seconds[row.Index] for batch in window for row in batch) < LOOK_AHEAD * 60 + 35
        for batch in window:
            lengths = [seconds[row.Index] for row in batch]
            assert len(batch) == 1 or len(batch) * max(lengths) <= 60 + 1e-3
    padded = sum(len(batch) * max(row.duration for row in batch) for window in windows for batch in window)
    assert padded < 1.25 * seconds.sum()
    assert sum(map(len, windows)) < 0.6 * 300


@given(milliseconds=st.integers(1, 40_000), count=st.integers(1, 6))
@example(milliseconds=2175, count=2)
def test_a_batch_may_be_just_as_long_as_it_may(milliseconds, count):
    (window,) = _windows(table_of([milliseconds / 1000] * count), count * milliseconds / 1000, int)
    assert [len(batch) for batch in window] == [count]


@given(milliseconds=st.integers(1, 40_000), shards=st.integers(1, 6))
def test_utterances_of_one_length_are_divided_alike_whatever_it_is(milliseconds, shards):
    """Half of an utterance on either side of a border: it belongs to the later shard."""
    table = table_of([milliseconds / 1000] * 5)
    expected = [int((2 * number + 1) * shards // 10) for number in range(5)]
    assert [next(i for i in range(shards) if row in shard_of(table, i, shards).index) for row in range(5)] == expected


def test_utterance_longer_than_a_batch_is_alone():
    assert [[len(batch) for batch in window] for window in _windows(table_of([1, 30, 1, 1]), 5, int)] == [[1, 1], [2]]


def test_batches_count_what_the_model_computes():
    """Not 60 utterances of 2 s, where each is completed to 30 s."""
    (window,) = _windows(table_of([2] * 9), 120, lambda samples: 480_000 * -(-samples // 480_000))
    assert [len(batch) for batch in window] == [4, 4, 1]


def test_without_batches_each_utterance_is_its_own_window():
    assert [[len(batch) for batch in window] for window in _windows(table_of([1, 2, 1]), 0, int)] == [[1]] * 3
    assert BATCH_SECONDS["cpu"] == 0


def test_bfloat16_is_near_and_noted(run, file, tmp_path):
    with h5py.File(run(tmp_path / "0.h5", compute="bfloat16")) as near:
        assert (fact(near, "compute"), fact(file, "compute")) == ("bfloat16", "float32")
        np.testing.assert_array_equal(near["1/frame/C7"][:], file["1/frame/C7"][:])
        exact, values = file["1/frame/T2"][:], near["1/frame/T2"][:]
        assert 0 < np.linalg.norm(values - exact) < 0.05 * np.linalg.norm(exact)


@pytest.fixture
def small_device(model, monkeypatch):
    """A device whose memory holds a given number of seconds."""
    computed = type(model).layers_of

    def hold(seconds):
        def layers_of(model, waveforms, *compute):
            if sum(waveform.size for waveform in waveforms) > seconds * 16_000:
                raise torch.cuda.OutOfMemoryError("CUDA out of memory")
            return computed(model, waveforms, *compute)

        monkeypatch.setattr(type(model), "layers_of", layers_of)

    return hold


def test_batches_that_do_not_fit_the_device_are_halved(run, file, small_device, caplog, tmp_path):
    small_device(1.5)
    run(tmp_path / "0.h5", batch_seconds=4)
    assert "too little memory on the device for a batch of 3: it is halved" in caplog.text
    with h5py.File(tmp_path / "0.h5") as halved:
        for path in ("1/frame/T2", "1/phone/T1", "2/frame/C3"):
            np.testing.assert_allclose(halved[path][:], file[path][:], **CLOSE)


def test_utterance_that_does_not_fit_the_device(run, small_device, tmp_path):
    small_device(1)
    with pytest.raises(ExtractionError, match=r"too little memory on the device for 2-5-0000 alone, of 1 s"):
        run(tmp_path / "0.h5", batch_seconds=4)


def test_samples_do_not_depend_on_each_other(run, corpus, file, tmp_path):
    with h5py.File(run(tmp_path / "alone.h5", samples={2: corpus / "samples/2"})) as alone:
        assert list(alone) == ["2"]
        for name, values in everything(alone).items():
            np.testing.assert_array_equal(values, file[name][:])


def test_shards_part_the_utterances_and_join_to_the_whole(run, file, tmp_path):
    paths = [run(tmp_path / f"{shard}.h5", shard=shard, shards=3) for shard in range(3)]
    files = [h5py.File(path) for path in paths]
    expected = everything(file)
    for name, values in expected.items():
        parts = [shard[name][:] for shard in files if name in shard]
        if "offsets" in name:
            joined = np.concatenate([[0], np.cumsum(np.concatenate([np.diff(part) for part in parts]))])
        else:
            assert len(parts) == 3, name  # also where a shard has no row
            joined = np.concatenate(parts)
        np.testing.assert_array_equal(joined, values)
    owners = [set(text(shard["1/phone/utterance_id"])) | set(text(shard["1/frame/utterance_id"])) for shard in files]
    assert sum(map(len, owners)) == len(set().union(*owners))
    assert all(owners)
    for shard in files:
        shard.close()


def test_every_shard_has_offsets(run, tmp_path):
    """Sample 2 draws the frames of one utterance, so that two shards of three have none."""
    for shard in range(3):
        with h5py.File(run(tmp_path / f"{shard}.h5", shard=shard, shards=3)) as file:
            for sample in (1, 2):
                for suffix, layer in (("", "T0"), ("_10ms", "C1")):
                    assert file[f"{sample}/frame/offsets{suffix}"][-1] == len(file[f"{sample}/frame/{layer}"])


def test_shard_without_utterances_is_refused(run, tmp_path):
    with pytest.raises(ExtractionError, match=r"shard 0 of 50 has no utterance: representations\.shards"):
        run(tmp_path / "0.h5", shard=0, shards=50)


# What is refused


@pytest.mark.parametrize(("dtype", "shards"), [("float32", 1), ("float16", 2)])
def test_disk_that_is_too_small_is_told_of_before_anything_is_computed(
    run, model, monkeypatch, tmp_path, dtype, shards
):
    whole = run(tmp_path / "whole.h5", dtype=dtype, shards=shards).stat().st_size
    usage, asked = shutil.disk_usage(tmp_path), []
    computed = type(model).layers_of
    for free, fits in ((1.2 * whole, True), (0.8 * whole, False)):
        monkeypatch.setattr(disk_space.shutil, "disk_usage", lambda path, free=free: usage._replace(free=round(free)))
        if fits:
            run(tmp_path / "fits.h5", dtype=dtype, shards=shards)
            continue

        def noted(model, waveforms, *rest):
            asked.extend(waveform.size for waveform in waveforms)
            return computed(model, waveforms, *rest)

        monkeypatch.setattr(type(model), "layers_of", noted)
        with pytest.raises(DiskSpaceError, match=r"shard 0 of \d, .* needs .* are free .*representations\.dtype"):
            run(tmp_path / "other/0.h5", dtype=dtype, shards=shards)
    assert asked == [model.min_samples]  # a frame, for the widths
    assert not (tmp_path / "other").exists()


def test_another_stride_than_promised(run, tmp_path):
    with pytest.raises(ExtractionError, match=r"a frame every 0\.02 s, the catalogue says 0\.04"):
        run(tmp_path / "0.h5", stride_seconds=0.04)
    assert not (tmp_path / "0.h5").exists()


def test_other_layers_than_promised(run, tmp_path):
    with pytest.raises(ExtractionError, match=r"has the layers .*T2, the catalogue says C1, T0, T1: conv_layers"):
        run(tmp_path / "0.h5", layers=["C1", "T0", "T1"])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("threads", "batch_seconds"), [(1, 0), (3, 0), (1, 10)])
@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda path: path.write_bytes(b"this is no audio"), "cannot be read"),
        (lambda path: path.write_bytes(b""), "cannot be read"),
        (lambda path: path.unlink(), "cannot be read"),
        (lambda path: soundfile.write(path, np.zeros(200), 16_000), r"0\.0125 s from 0 s on, 1\.2 s were expected"),
        (lambda path: soundfile.write(path, np.full(32_000, np.nan), 16_000, subtype="FLOAT"), "NaN or infinity"),
    ],
    ids=["no audio", "empty", "absent", "short", "nan"],
)
def test_audio_that_cannot_be_used_is_named(checkpoint, model, corpus, tmp_path, damage, words, threads, batch_seconds):
    root = tmp_path / "audio"
    root.mkdir()
    for path in corpus.glob("*-*.*"):
        (root / path.name).write_bytes(path.read_bytes())
    damage(root / "2-5-0000.wav")
    (tmp_path / "out").mkdir()
    with pytest.raises(ExtractionError, match=rf"2-5-0000 \(2-5-0000\.wav\): .*{words}"):
        extract(
            checkpoint,
            {1: corpus / "samples/1"},
            corpus / "utterances.parquet",
            root,
            tmp_path / "out/0.h5",
            stride_seconds=0.02,
            layers=model.layer_names,
            threads=threads,
            batch_seconds=batch_seconds,
        )
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("family", ["av_hubert", "fast_vgs"])
def test_original_files_are_extracted_too(family, corpus, tmp_path):
    """Also one that has no conv layers, and frames of 40 ms."""
    values = settings(encoder_layers=2)
    source = write(family, tmp_path / family, values, weights(family, values))
    model = load_folder(source)
    samples = {sample: corpus / "samples" / str(sample) for sample in (1, 2)}
    promised = {"layers": model.layer_names, "stride_seconds": model.stride_seconds, "dtype": "float32"}
    extract(source, samples, corpus / "utterances.parquet", corpus, tmp_path / "0.h5", device="cpu", **promised)
    each = {name: model.layers(audio(corpus, name)) for name in FRAMES[1]}
    with h5py.File(tmp_path / "0.h5") as file:
        for name in ("T0", "T2"):
            rows = np.concatenate([layers[name] for layers in each.values()])
            np.testing.assert_allclose(file[f"1/frame/{name}"][:], rows, **CLOSE)
        step = round(model.stride_seconds / 0.01)
        mel = [log_mel(audio(corpus, name))[::step][: len(layers["T0"])] for name, layers in each.items()]
        np.testing.assert_allclose(file["1/target/mel"][:], np.concatenate(mel), **CLOSE)
        assert (len(file["1/target/mel_10ms"]) == 0) == (family == "av_hubert")
        # The word from 0.05 to 0.18 s: frames 1…4 of 40 ms, 2…8 of 20 ms.
        first, last = (1, 5) if family == "av_hubert" else (2, 9)
        word = model.layers(audio(corpus, "1-1-0001"))["T1"][first:last].mean(axis=0)
        np.testing.assert_allclose(file["1/word/T1"][0], word, **CLOSE)


def test_earlier_file_survives_an_error(run, tmp_path):
    out = tmp_path / "0.h5"
    out.write_bytes(b"of before")
    with pytest.raises(LayerwiseError):
        run(out, layers=["T0"])
    assert out.read_bytes() == b"of before"


def test_extraction_says_how_far_it_is(run, tmp_path, progress):
    run(tmp_path / "0.h5", batch_seconds=0)
    assert progress() == [
        f"extracting: {done} of 4 s of audio ({part} %)" for done, part in ((0, 14), (1, 37), (3, 71), (3, 80))
    ]
