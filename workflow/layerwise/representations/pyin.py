"""pYIN: the path of a voice's fundamental frequency through a waveform.

Written out in numpy, with the settings, numbers and ties of `librosa.pyin`: a test compares the two on noise, voices
and speech. That one needs numba, whose functions take some twenty seconds to compile in a fresh environment, and it
takes twice as long for each minute of audio (docs/measuring.md).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft
import scipy.stats

_THRESHOLDS = 100  # of YIN, from 0.01 to 1
_PRIOR = (2, 18)  # of thresholds: a beta distribution of mean 0.1
_BOLTZMANN = 2.0  # how much less likely each further trough below a threshold is than the one before it
_NO_TROUGH = 0.01  # probability of the deepest trough where none is below the threshold
_OCTAVES_A_SECOND = 35.92  # the fastest change of pitch
_SWITCH = 0.01  # probability that a voice begins or ends between two frames
_TINY = float(np.finfo(np.float64).tiny)  # probability of what cannot be


@dataclass(frozen=True)
class Pitches:
    """The grid of pitches, and how frames are taken.

    Attributes:
        lowest, highest: of the fundamental frequency, in Hz.
        steps: of the grid, a semitone.
        rate: samples a second.
        hop: samples from one frame to the next.
    """

    lowest: float
    highest: float
    steps: int
    rate: int
    hop: int

    @property
    def count(self) -> int:
        return int(np.floor(12 * self.steps * np.log2(self.highest / self.lowest))) + 1

    @property
    def hertz(self) -> np.ndarray:
        return self.lowest * 2 ** (np.arange(self.count) / (12 * self.steps))

    @property
    def lags(self) -> tuple[int, int]:
        """The shortest and the longest period, in samples."""
        return int(np.floor(self.rate / self.highest)), int(np.ceil(self.rate / self.lowest))

    @property
    def reach(self) -> int:
        """How many steps of the grid two frames may lie apart."""
        semitones = round(_OCTAVES_A_SECOND * 12 * self.hop / self.rate)
        return semitones * self.steps // 2


def pitch_path(windows: np.ndarray, pitches: Pitches) -> np.ndarray:
    """The fundamental frequency of each window in Hz, NaN where there is no voice.

    Mauch and Dixon, pYIN: a fundamental frequency estimator using probabilistic threshold distributions (ICASSP 2014).

    Args:
        windows: (frames × samples) of a waveform, at least two of the longest periods each.
    """
    observed = _observed(_normalised_difference(windows, pitches.lags[1]), pitches)
    pitch, is_voiced = _most_likely(observed, pitches)
    return np.where(is_voiced, pitches.hertz[pitch], np.nan)


def _normalised_difference(windows: np.ndarray, longest: int) -> np.ndarray:
    """YIN's d'(k) of each window for k = 0 … longest (de Cheveigné and Kawahara 2002, equation 8); d'(0) is 1.

    d(k) = 2 (r(0) - r(k)) - Σ_{j<k} x(j)², as librosa has it since 0.11.
    """
    samples = windows.shape[1]
    size = scipy.fft.next_fast_len(samples + longest, real=True)
    spectrum = scipy.fft.rfft(windows, size, axis=1)
    products = scipy.fft.irfft(spectrum.real**2 + spectrum.imag**2, size, axis=1)[:, : longest + 1]
    energy = np.cumsum(np.square(windows[:, :longest]), axis=1)
    difference = 2 * (products[:, :1] - products[:, 1:]) - energy
    mean = np.cumsum(difference, axis=1) / np.arange(1, longest + 1)
    return np.concatenate([np.ones((len(windows), 1)), difference / (mean + _TINY)], axis=1)


def _observed(difference: np.ndarray, pitches: Pitches) -> np.ndarray:
    """The probability of each pitch in each frame, (frames × pitches); what is missing to 1 is that of no voice."""
    shortest, longest = pitches.lags
    yin = difference[:, shortest : longest + 1]
    frame, place = np.nonzero(_troughs(yin))
    probability = _of_troughs(yin[frame, place], frame)
    period = shortest + place + _shift(yin, frame, place)
    step = np.round(12 * pitches.steps * np.log2(pitches.rate / period / pitches.lowest))
    step = np.clip(step, 0, pitches.count).astype(int)
    observed = np.zeros((len(yin), pitches.count + 1))  # the last is above the highest pitch
    kept = probability > 0
    observed[frame[kept], step[kept]] = probability[kept]  # of two periods in one step, the longer one
    return observed[:, :-1]


def _troughs(yin: np.ndarray) -> np.ndarray:
    """Which values are lower than the one before them, and no higher than the next; at both ends only one counts."""
    falls = np.diff(yin, axis=1) < 0
    found = np.empty(yin.shape, bool)
    found[:, 0] = yin[:, 0] < yin[:, 1]
    found[:, 1:-1] = falls[:, :-1] & ~falls[:, 1:]
    found[:, -1] = falls[:, -1]
    return found


def _shift(yin: np.ndarray, frame: np.ndarray, place: np.ndarray) -> np.ndarray:
    """From a trough to the lowest point of the parabola through it and its neighbours, in samples."""
    inner = np.clip(place, 1, yin.shape[1] - 2)
    before, here, after = (yin[frame, inner + step] for step in (-1, 0, 1))
    bend, slope = after + before - 2 * here, (after - before) / 2
    near = (np.abs(slope) < np.abs(bend)) & (inner == place)
    return np.where(near, -slope / np.where(near, bend, 1), 0)


def _of_troughs(height: np.ndarray, frame: np.ndarray) -> np.ndarray:
    """The probability of each trough: its prior among those below a threshold, over the prior of thresholds.

    Args:
        height, frame: of all troughs, those of one frame in the order of their periods.
    """
    if not len(height):
        return np.zeros(0)
    edges = np.linspace(0, 1, _THRESHOLDS + 1)
    prior = np.diff(scipy.stats.beta.cdf(edges, *_PRIOR))
    below = height[:, None] < edges[1:]  # (troughs × thresholds)
    counts = np.cumsum(below, axis=0, dtype=np.int32)
    first = np.flatnonzero(np.diff(frame, prepend=-1))  # trough of each frame that has one
    last = np.append(first[1:], len(frame)) - 1
    which = np.cumsum(np.diff(frame, prepend=-1) > 0) - 1
    earlier = counts[first] - below[first]
    position = counts - 1 - earlier[which]
    number = (counts[last] - earlier)[which]
    # Boltzmann's distribution, truncated at the number of troughs below the threshold.
    decay = np.exp(-_BOLTZMANN * np.arange(1 + max(1, int(number.max()))))
    weight = (1 - decay[1]) * decay[np.maximum(position, 0)] / np.where(number, 1 - decay[number], 1)
    probability = np.where(below, weight, 0) @ prior
    deepest = np.array([a + np.argmin(height[a : b + 1]) for a, b in zip(first, last, strict=True)], int)
    probability[deepest] += _NO_TROUGH * (~below[deepest] @ prior)
    return probability


def _most_likely(observed: np.ndarray, pitches: Pitches) -> tuple[np.ndarray, np.ndarray]:
    """Viterbi's path through states that are each a pitch and whether it is voiced: two of (frames,).

    From one frame to the next, near pitches are likelier than far ones (a triangle), and a voice seldom begins or ends.
    A jump beyond the triangle is as likely as anything impossible: it is taken only where all else is, too.
    """
    frames, count, reach = *observed.shape, pitches.reach
    with np.errstate(divide="ignore"):
        log_near = np.log(_near(count, reach))
    unvoiced = (1 - np.clip(observed.sum(axis=1, keepdims=True), 0, 1)) / count
    log_seen = np.log(np.stack([observed, np.broadcast_to(unvoiced, observed.shape)], axis=1) + _TINY)
    log_stay, log_switch, log_never = np.log(1 - _SWITCH), np.log(_SWITCH), np.log(_TINY)
    padded = np.full((2, count + 2 * reach), -np.inf)
    neighbours = np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1, axis=1)  # (2, count, 2 reach + 1)
    value = padded[:, reach : reach + count]
    value[:] = log_seen[0] - np.log(2 * count)
    came_from = np.zeros((frames, 2, count), np.int32)
    own = np.arange(count) - reach
    for frame in range(1, frames):
        arrived = neighbours + log_near
        place = arrived.argmax(axis=2)
        best = np.take_along_axis(arrived, place[:, :, None], axis=2)[:, :, 0]
        source = place + own
        source[1] += count
        staying, switching = best + log_stay, best[::-1] + log_switch
        stays = staying >= switching
        new = np.where(stays, staying, switching)
        origin = np.where(stays, source, source[::-1])
        jump = int(value.argmax())
        farthest = value.flat[jump] + log_never
        if (new < farthest).any():
            origin = np.where(new < farthest, jump, origin)
            new = np.maximum(new, farthest)
        came_from[frame] = origin
        value[:] = new + log_seen[frame]
    state = np.empty(frames, int)
    state[-1] = value.argmax()
    for frame in range(frames - 1, 0, -1):
        state[frame - 1] = came_from[frame].flat[state[frame]]
    return state % count, state < count


def _near(count: int, reach: int) -> np.ndarray:
    """(pitches × neighbours): the probability to come to a pitch from each pitch at most `reach` steps away."""
    triangle = reach + 1 - np.abs(np.arange(-reach, reach + 1.0))
    source = np.arange(count)[:, None] + np.arange(-reach, reach + 1)
    there = (source >= 0) & (source < count)
    leaving = np.where(there, triangle, 0).sum(axis=1)  # of each pitch; the triangle is cut at both ends of the grid
    return np.where(there, triangle / leaving[np.clip(source, 0, count - 1)], 0)
