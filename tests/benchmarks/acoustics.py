"""What acoustic measures cost on the demo's speech, and how good its pitch is.

    PYTHONPATH=workflow python tests/benchmarks/acoustics.py [--every K]

Takes every K-th utterance (default 5). Prints the seconds of CPU that each measure, and librosa's pYIN, take for a
minute of audio; in how many frames the two pitches differ; where Praat is installed (pip install praat-parselmouth),
how far its autocorrelation method agrees; and how far the pitch of tones and of harmonic glides is off.
"""

import argparse
import tempfile
import time
from importlib import import_module
from pathlib import Path

import librosa
import numpy as np
import soundfile

from layerwise.constants import SAMPLE_RATE
from layerwise.corpus.unpacking import unpack_audio
from layerwise.representations import pitch
from layerwise.representations.acoustic_measures import FAMILIES, WAVEFORM

REPOSITORY = Path(__file__).resolve().parents[2]
GRID = pitch.PITCHES


def of_librosa(waveform: np.ndarray) -> np.ndarray:
    """(2 × frames): f0, and the probability of a voice."""
    hertz, _, probability = librosa.pyin(
        waveform - waveform.mean(),
        fmin=GRID.lowest,
        fmax=GRID.highest,
        sr=GRID.rate,
        frame_length=pitch.WINDOW_SAMPLES,
        hop_length=GRID.hop,
        resolution=1 / GRID.steps,
    )
    return np.stack([hertz, probability])


def of_praat(waveform: np.ndarray) -> np.ndarray:
    sound = import_module("parselmouth").Sound(waveform, SAMPLE_RATE)
    found = sound.to_pitch_ac(time_step=0.01, pitch_floor=GRID.lowest, pitch_ceiling=GRID.highest)
    return np.array([found.get_value_at_time(frame / 100) for frame in range(1 + waveform.size // 160)])


def timed(name: str, measure, waveforms: list[np.ndarray]) -> list:
    measure(waveforms[0])  # what is loaded or compiled once does not count
    started = time.process_time()
    found = [measure(waveform) for waveform in waveforms]
    minutes = sum(waveform.size for waveform in waveforms) / SAMPLE_RATE / 60
    print(f"{name:10} {(time.process_time() - started) / minutes:6.2f} s of CPU a minute", flush=True)
    return found


def compare(name: str, ours: np.ndarray, theirs: np.ndarray) -> None:
    voiced, other = ~np.isnan(ours), ~np.isnan(theirs)
    cents = 1200 * np.log2(ours / theirs)[voiced & other]
    gross = np.abs(cents) > 1200 * np.log2(1.2)
    print(
        f"{name}: voiced {voiced.mean():.1%} and {other.mean():.1%}, the same in {(voiced == other).mean():.1%} of "
        f"{len(ours)} frames; where both are, {gross.mean():.2%} are more than 20 % apart, others "
        f"{cents[~gross].mean():+.1f} ± {cents[~gross].std():.1f} cents; correlation "
        f"{np.corrcoef(np.log(ours[voiced & other]), np.log(theirs[voiced & other]))[0, 1]:.4f}"
    )


def glide(octaves_a_second: float) -> np.ndarray:
    """Errors in cents of the pitch of eight harmonics that glide from 100 Hz, or to it."""
    hertz = 100 * 2 ** (np.arange(2 * SAMPLE_RATE) * abs(octaves_a_second) / SAMPLE_RATE)
    hertz = hertz[:: 1 if octaves_a_second > 0 else -1]
    phase = 2 * np.pi * np.cumsum(hertz) / SAMPLE_RATE
    f0 = pitch.measure(0.2 * sum(np.sin(n * phase) / n for n in range(1, 9)))["f0"][:-1, 0]
    return 1200 * (f0 - np.log2(hertz[::160]))[5:-5]


def tones(lowest: float, highest: float) -> np.ndarray:
    """Errors in cents of the pitch of tones without harmonics."""
    time = np.arange(SAMPLE_RATE // 2) / SAMPLE_RATE
    return np.concatenate(
        [
            1200 * (pitch.measure(0.2 * np.sin(2 * np.pi * hertz * time))["f0"][5:-5, 0] - np.log2(hertz))
            for hertz in np.geomspace(lowest, highest, 40)
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--every", type=int, default=5)
    every = parser.parse_args().every
    with tempfile.TemporaryDirectory() as folder:
        unpack_audio(REPOSITORY / "resources/demo/demo-dev-clean.tar.gz", "dev-clean", Path(folder) / "audio")
        paths = sorted(Path(folder).rglob("*.flac"))[::every]
        waveforms = [soundfile.read(path)[0] for path in paths]
    found = {
        family.name: timed(family.name, import_module(family.module).measure, waveforms)
        for family in FAMILIES.values()
        if family.takes == WAVEFORM
    }
    ours = np.concatenate([2 ** values["f0"][:, 0].astype(float) for values in found["pitch"]])
    theirs, probability = np.concatenate(timed("librosa", of_librosa, waveforms), axis=1)
    compare("librosa", ours, theirs)
    try:
        praat = np.concatenate(timed("Praat", of_praat, waveforms))
        compare("Praat", ours, praat)
        for name, voice in (("path", ~np.isnan(ours)), ("probability", probability)):
            print(f"Praat's voicing correlates with pYIN's {name} by {np.corrcoef(voice, ~np.isnan(praat))[0, 1]:.2f}")
    except ModuleNotFoundError:
        print("Praat is not installed (pip install praat-parselmouth)")
    for lowest, highest in ((65, 80), (80, 100), (100, 150), (150, 480)):
        wrong = tones(lowest, highest)
        print(f"tones of {lowest} to {highest} Hz: {wrong.mean():+.1f} cents, at most {np.abs(wrong).max():.1f}")
    for octaves in (0.5, -0.5, 1, -1):
        wrong = glide(octaves)
        print(f"glide of {octaves:+} octaves a second: {wrong.mean():+.1f} cents, at most {np.abs(wrong).max():.1f}")


if __name__ == "__main__":
    main()
