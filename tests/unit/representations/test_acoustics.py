"""Acoustic measures of sounds whose pitch, level, tilt and rate are known."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from layerwise.representations import loudness, mel, pitch, speaking_rate, tilt
from layerwise.representations.acoustic_measures import FAMILIES, MEASURES, AcousticsError, measures_of
from layerwise.representations.acoustics import measure_acoustics
from layerwise.representations.store import dataset, fact, numbers, reading, strings

RATE = 16_000
ON_WAVEFORMS = {"mel": mel.measure, "pitch": pitch.measure, "loudness": loudness.measure, "tilt": tilt.measure}
few = settings(max_examples=20, deadline=None)


def stack(hertz: np.ndarray, harmonics: int = 8) -> np.ndarray:
    """Harmonics of a pitch that may glide, each 6 dB an octave weaker, at a peak of about 0.3."""
    phase = 2 * np.pi * np.cumsum(hertz) / RATE
    parts = [np.sin(n * phase) / n * (n * hertz < RATE / 2) for n in range(1, harmonics + 1)]
    return 0.2 * np.sum(parts, axis=0)


def noise(seconds: float, exponent: float = 0.0, seed: int = 0) -> np.ndarray:
    """Noise whose power density goes with frequency to the power of `exponent`, at an RMS of 0.1."""
    samples = round(seconds * RATE)
    spectrum = np.fft.rfft(np.random.default_rng(seed).normal(size=samples))
    frequency = np.maximum(np.fft.rfftfreq(samples), 1 / samples)
    coloured = np.fft.irfft(spectrum * frequency ** (exponent / 2), samples)
    return 0.1 * coloured / coloured.std()


def cents(hertz: np.ndarray, octaves: np.ndarray) -> np.ndarray:
    return 1200 * (octaves - np.log2(hertz))


# --- pitch --------------------------------------------------------------------------------------------------------


@few
@given(hertz=st.floats(65, 480), harmonics=st.integers(1, 10), gain=st.floats(0.01, 2))
def test_the_pitch_of_tones_and_harmonics_is_found(hertz, harmonics, gain):
    """Within a step of the grid; YIN itself is sharp where its window is short for the lag, most on tones."""
    found = pitch.measure(gain * stack(np.full(RATE // 2, hertz), harmonics))
    f0, voicing = found["f0"][:, 0], found["voicing"][:, 0]
    inner = slice(4, -4)
    assert (voicing[inner] == 1).all()
    assert np.abs(cents(hertz, f0[inner])).max() <= (25 if harmonics > 3 and hertz >= 100 else 55)


@few
@given(start=st.floats(80, 300), octaves=st.floats(-0.6, 0.6))
def test_glides_are_followed(start, octaves):
    hertz = np.clip(start * 2 ** (octaves * np.arange(RATE) / RATE), 65, 450)
    f0 = pitch.measure(stack(hertz))["f0"][:, 0]
    truth = hertz[np.minimum(np.arange(len(f0)) * 160, RATE - 1)]
    assert np.abs(cents(truth, f0)[5:-5]).max() <= 30
    assert len(f0) == 101


def test_a_glide_up_and_one_down_are_equally_far_from_the_truth():
    """A window that is not centred would be flat on one and sharp on the other."""
    up = 100 * 2 ** (np.arange(2 * RATE) / RATE)
    wrong = []
    for hertz in (up, up[::-1]):
        f0 = pitch.measure(stack(hertz))["f0"][:, 0]
        wrong.append(np.mean(cents(hertz[: len(f0) * 160 : 160], f0[:-1])[5:-5]))
    assert abs(wrong[0] - wrong[1]) <= 2 * 1200 * 0.002  # at most 2 ms, at 1200 cents a second


@pytest.mark.parametrize("waveform", [np.zeros(8000), np.full(8000, 0.25), 1e-3 * noise(1.0, seed=3)], ids=str)
def test_silence_and_noise_have_no_pitch(waveform):
    found = pitch.measure(waveform)
    assert found["voicing"].mean() <= 0.05
    assert (np.isnan(found["f0"]) == (found["voicing"] == 0)).all()


def test_a_voice_between_pauses_is_voiced_where_it_is():
    waveform = np.concatenate([np.zeros(RATE // 2), stack(np.full(RATE // 2, 150.0)), 1e-4 * noise(0.5)])
    voicing = pitch.measure(waveform)["voicing"][:, 0]
    assert (voicing[:47] == 0).all()
    assert (voicing[53:97] == 1).all()
    assert voicing[103:].mean() <= 0.1


def test_long_utterances_are_decoded_in_blocks_with_the_same_result(monkeypatch):
    hertz = 140 * 2 ** (0.5 * np.sin(2 * np.pi * np.arange(4 * RATE) / RATE))
    waveform = stack(hertz) * (np.sin(2 * np.pi * 0.7 * np.arange(4 * RATE) / RATE) > -0.5) + 1e-3 * noise(4.0)
    whole = pitch.measure(waveform)
    monkeypatch.setattr(pitch, "_BLOCK_FRAMES", 97)
    in_blocks = pitch.measure(waveform)
    for name in whole:
        np.testing.assert_array_equal(whole[name], in_blocks[name])


# --- loudness -----------------------------------------------------------------------------------------------------


@few
@given(gain=st.floats(0.001, 10), seed=st.integers(0, 99))
def test_energy_moves_by_twenty_log_ten_of_the_gain(gain, seed):
    waveform = noise(0.3, seed=seed)
    moved = loudness.measure(gain * waveform)["energy"] - loudness.measure(waveform)["energy"]
    np.testing.assert_allclose(moved, 20 * np.log10(gain), atol=1e-3)


def test_a_sine_of_amplitude_one_has_minus_three_decibels():
    energy = loudness.measure(np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE))["energy"]
    np.testing.assert_allclose(energy[3:-3], 10 * np.log10(0.5), atol=0.05)


def test_frames_are_centred():
    """A click is loudest in the frame whose centre it is, and in no frame that is more than 12.5 ms away."""
    waveform = np.zeros(RATE)
    waveform[160 * 40] = 1
    energy = loudness.measure(waveform)["energy"][:, 0]
    assert energy.argmax() == 40
    assert np.flatnonzero(energy > -60).tolist() == [39, 40, 41]


@pytest.mark.parametrize("level", [0.0, 0.5])
def test_digital_silence_has_a_hundred_decibels_less_than_full_scale_and_no_tilt(level):
    waveform = np.full(RATE // 4, level)
    assert (loudness.measure(waveform)["energy"] == -100).all()
    assert np.isnan(tilt.measure(waveform)["spectral_tilt"]).all()


# --- tilt ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("exponent", "slope"), [(0, 0.0), (-1, -3.01), (-2, -6.02)], ids=["white", "pink", "brown"])
def test_tilt_of_coloured_noise(exponent, slope):
    found = tilt.measure(noise(20.0, exponent))["spectral_tilt"]
    assert found[3:-3].mean() == pytest.approx(slope, abs=0.5)  # narrow bands have fewer bins, whose mean log is lower


@few
@given(gain=st.floats(0.1, 10), seed=st.integers(0, 99))
def test_a_gain_does_not_tilt(gain, seed):
    waveform = noise(0.3, -1, seed)
    np.testing.assert_allclose(
        tilt.measure(gain * waveform)["spectral_tilt"], tilt.measure(waveform)["spectral_tilt"], atol=1e-3
    )


def test_long_waveforms_are_measured_in_blocks(monkeypatch):
    waveform = noise(3.0)
    whole = {name: measure(waveform) for name, measure in ON_WAVEFORMS.items() if name in ("loudness", "tilt")}
    monkeypatch.setattr("layerwise.representations.windows._BLOCK_FRAMES", 41)
    for name, values in whole.items():
        for measure, rows in ON_WAVEFORMS[name](waveform).items():
            np.testing.assert_allclose(rows, values[measure], atol=1e-4)


# --- rate ---------------------------------------------------------------------------------------------------------


def test_regular_phones_have_their_rate_and_pauses_do_not_lower_it():
    starts = np.concatenate([np.arange(0.5, 1, 0.1), np.arange(2, 3, 0.2)])
    ends = np.concatenate([starts[:5] + 0.1, starts[5:] + 0.2])
    rate = speaking_rate.measure(starts, ends, 4.0)["speaking_rate"][:, 0]
    assert len(rate) == 401
    assert np.isnan(rate[:19]).all()  # until 0.5 s less half a window, the first phone is too far
    np.testing.assert_allclose(rate[19:132], 10, atol=1e-4)
    assert np.isnan(rate[132:169]).all()
    np.testing.assert_allclose(rate[169:332], 5, atol=1e-4)
    assert np.isnan(rate[332:]).all()


@few
@given(seed=st.integers(0, 999))
def test_rate_is_the_sum_of_the_shares_of_phones_over_their_time(seed):
    rng = np.random.default_rng(seed)
    starts, ends = np.sort(rng.uniform(0, 3, 24)).reshape(-1, 2).T
    rate = speaking_rate.measure(starts, ends, 3.0)["speaking_rate"][:, 0]
    lengths = np.maximum(ends - starts, 0.01)
    for frame in rng.integers(0, 301, 10):
        first, last = frame / 100 - 0.3125, frame / 100 + 0.3125
        inside = np.clip(np.minimum(starts + lengths, last) - np.maximum(starts, first), 0, None)
        if inside.sum() > 1e-5:
            assert rate[frame] == pytest.approx((inside / lengths).sum() / inside.sum(), rel=1e-3)


def test_an_utterance_without_phones_has_no_rate():
    assert np.isnan(speaking_rate.measure(np.array([]), np.array([]), 0.5)["speaking_rate"]).all()


# --- all of them --------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:n_fft")
@pytest.mark.parametrize("samples", [1, 159, 160, 161, 399, 640, 1601])
@pytest.mark.parametrize("family", ON_WAVEFORMS)
def test_there_is_a_row_every_ten_milliseconds_however_short_the_utterance(family, samples):
    found = ON_WAVEFORMS[family](noise(0.2)[:samples])
    assert list(found) == [measure.name for measure in measures_of(family)]
    for name, rows in found.items():
        assert rows.dtype == np.float32
        assert rows.shape == (1 + samples // 160, MEASURES[name].dimensions)
        assert not np.isinf(rows).any()


@pytest.mark.parametrize("family", ["pitch", "loudness", "tilt"])
@pytest.mark.parametrize(
    ("waveform", "message"),
    [
        (np.zeros((2, 800)), r"one channel with samples is expected, not an array of shape \(2, 800\)"),
        (np.zeros(0), r"one channel with samples is expected, not an array of shape \(0,\)"),
        (np.array([0.0, np.nan, 0.0]), "a sample is NaN or infinite"),
    ],
    ids=["stereo", "empty", "nan"],
)
def test_what_is_no_waveform_is_refused(family, waveform, message):
    with pytest.raises(AcousticsError, match=message):
        ON_WAVEFORMS[family](waveform)


def test_every_measure_has_a_family_and_says_what_it_is():
    assert {measure.family for measure in MEASURES.values()} == set(FAMILIES)
    for measure in MEASURES.values():
        assert measure.definition
        assert measure.unit
        assert measure.source


# --- files --------------------------------------------------------------------------------------------------------

SECONDS = {"1-1-0000": 0.5, "1-1-0001": 0.83, "2-5-0000": 1.2, "2-5-0001": 0.05, "3-7-0000": 0.7}
DRAWN = {1: ["2-5-0000", "1-1-0000"], 2: ["1-1-0000", "2-5-0001", "1-1-0001"]}  # 3-7-0000 is in no sample
UNION = sorted({name for names in DRAWN.values() for name in names})
PHONES = [("1-1-0000", "AH", 0.0, 0.25), ("1-1-0000", "T", 0.25, 0.5), ("2-5-0000", "AH", 0.1, 0.2)]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """Arguments of `measure_acoustics`: voices on audio that begins half a second into each file."""
    root = tmp_path_factory.mktemp("corpus")
    for number, (name, seconds) in enumerate(SECONDS.items()):
        waveform = stack(np.full(round((seconds + 0.5) * RATE), 100.0 + 20 * number)) + 0.01 * noise(seconds + 0.5)
        soundfile.write(root / f"{name}.flac", waveform, RATE)
    rows = [(name, name.split("-")[0], f"{name}.flac", seconds, 0.5) for name, seconds in SECONDS.items()]
    table = pd.DataFrame(rows, columns=["utterance_id", "speaker_id", "audio_path", "duration", "start"])
    table.iloc[::-1].to_parquet(root / "utterances.parquet")
    for sample, names in DRAWN.items():
        table[table["utterance_id"].isin(names)].to_parquet(root / f"{sample}.parquet")
    tiers = [(*row, "phone") for row in PHONES] + [("1-1-0001", "the", 0.0, 0.5, "word")]
    pd.DataFrame(tiers, columns=["utterance_id", "label", "start", "end", "tier"]).to_parquet(
        root / "intervals.parquet"
    )
    return {
        "samples": [root / f"{sample}.parquet" for sample in DRAWN],
        "utterances": root / "utterances.parquet",
        "audio_root": root,
        "intervals": root / "intervals.parquet",
    }


@pytest.mark.filterwarnings("ignore:n_fft")
@pytest.mark.parametrize("family", FAMILIES)
def test_the_file_has_what_was_sampled_and_says_what_it_is(corpus, tmp_path, family):
    measure_acoustics(family, out=tmp_path / "a.h5", attributes={"corpus": "tiny"}, **corpus)
    with reading([tmp_path / "a.h5"]) as (file,):
        assert strings(dataset(file, "utterance_id")).tolist() == UNION
        rows = [1 + round(SECONDS[name] * RATE) // 160 for name in UNION]
        np.testing.assert_array_equal(numbers(dataset(file, "offsets")), np.cumsum([0, *rows]))
        assert fact(file, "hop_seconds") == 0.01
        assert fact(file, "corpus") == "tiny"
        for measure in measures_of(family):
            stored = dataset(file, measure.name)
            assert stored.shape == (sum(rows), measure.dimensions)
            assert stored.dtype == np.float32
            assert fact(stored, "definition") == measure.definition


@pytest.mark.filterwarnings("ignore:n_fft")
def test_each_utterance_is_measured_as_by_itself(corpus, tmp_path):
    for family in FAMILIES:
        measure_acoustics(family, out=tmp_path / f"{family}.h5", **corpus)
    first, last = 51, 51 + 84  # of 1-1-0001
    waveform, _ = soundfile.read(corpus["audio_root"] / "1-1-0001.flac", dtype="float32")
    for family, measure in ON_WAVEFORMS.items():
        with h5py.File(tmp_path / f"{family}.h5") as file:
            for name, rows in measure(waveform[RATE // 2 :]).items():
                np.testing.assert_allclose(file[name][first:last], rows, rtol=1e-5)
    with h5py.File(tmp_path / "pitch.h5") as file:
        assert np.nanmedian(file["f0"][first:last]) == pytest.approx(np.log2(120), abs=0.02)
    with h5py.File(tmp_path / "rate.h5") as file:
        assert np.isnan(file["speaking_rate"][first:last]).all()  # it has a word, and no phone
        assert file["speaking_rate"][25, 0] == pytest.approx(4)


@pytest.mark.filterwarnings("ignore:n_fft")
@pytest.mark.parametrize("family", FAMILIES)
def test_numbers_do_not_depend_on_threads_and_batches(corpus, tmp_path, family, monkeypatch):
    measure_acoustics(family, out=tmp_path / "one.h5", **corpus)
    monkeypatch.setattr("layerwise.representations.acoustics._BATCH_SECONDS", 0.4)
    measure_acoustics(family, out=tmp_path / "three.h5", threads=3, **corpus)
    assert (tmp_path / "one.h5").read_bytes() == (tmp_path / "three.h5").read_bytes()


def test_a_rate_without_a_tier_of_phones_is_refused(corpus, tmp_path):
    words = pd.DataFrame(
        [("1-1-0000", "the", 0.0, 0.5, "word")], columns=["utterance_id", "label", "start", "end", "tier"]
    )
    words.to_parquet(tmp_path / "words.parquet")
    with pytest.raises(AcousticsError, match=r"words\.parquet has no phones, and speaking rate is counted in phones"):
        measure_acoustics("rate", out=tmp_path / "a.h5", **corpus | {"intervals": tmp_path / "words.parquet"})
    assert not (tmp_path / "a.h5").exists()


def test_a_recording_that_cannot_be_measured_is_named(corpus, tmp_path):
    with pytest.raises(AcousticsError, match=r"1-1-0000 \(1-1-0000\.flac\): .*cannot be read"):
        measure_acoustics("loudness", out=tmp_path / "a.h5", **corpus | {"audio_root": tmp_path})
    assert list(tmp_path.iterdir()) == []


def test_a_family_that_is_none_is_refused_with_the_nearest(corpus, tmp_path):
    with pytest.raises(AcousticsError, match=r"'pich' \(did you mean pitch\?\)"):
        measure_acoustics("pich", out=tmp_path / "a.h5", **corpus)


def test_a_sampled_utterance_that_the_corpus_lacks_is_named(corpus, tmp_path):
    table = pd.read_parquet(corpus["utterances"])
    table[table["utterance_id"] != "2-5-0001"].to_parquet(tmp_path / "utterances.parquet")
    with pytest.raises(AcousticsError, match="lacks 1 sampled utterances: 2-5-0001"):
        measure_acoustics("rate", out=tmp_path / "a.h5", **corpus | {"utterances": tmp_path / "utterances.parquet"})


def test_a_job_that_is_killed_leaves_no_file_under_its_name(corpus, tmp_path):
    """It kills itself when all but the end is written."""
    code = f"""
import os, signal
from pathlib import Path
from layerwise.representations import acoustics, writer
writer.RepresentationWriter.close = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
acoustics.measure_acoustics("loudness", samples=[Path({str(corpus["samples"][0])!r})],
    utterances=Path({str(corpus["utterances"])!r}), audio_root=Path({str(corpus["audio_root"])!r}),
    out=Path({str(tmp_path / "a.h5")!r}))
"""
    path = os.pathsep.join([str(Path(pitch.__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    died = subprocess.run([sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": path}, capture_output=True)
    assert died.returncode == -signal.SIGKILL, died.stderr
    assert not (tmp_path / "a.h5").exists()
    measure_acoustics("loudness", out=tmp_path / "a.h5", **corpus)
    assert [path.name for path in tmp_path.iterdir()] == ["a.h5"]
