"""What ABX found in each cell, and how cells become an error rate with an interval."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from layerwise.seeds import generator

DRAWS = 1000  # of the bootstrap


@dataclass(frozen=True)
class Cells:
    """Errors of cells, as columns of equal length.

    Attributes:
        phone, phone_b: of A and X, and of B.
        speaker: who says A and B.
        speaker_x: who says X; within speakers the same.
        previous, following: the phones around all three; "" where any are.
        error: share of triplets (a, b, x) in which x is nearer to b than to a; a tie is half of one.
        size: triplets.
        left_out, shortened: items that have no frame, and that lose some at the end of their file.
    """

    phone: np.ndarray
    phone_b: np.ndarray
    speaker: np.ndarray
    speaker_x: np.ndarray
    previous: np.ndarray
    following: np.ndarray
    error: np.ndarray
    size: np.ndarray
    left_out: int = 0
    shortened: int = 0

    def __len__(self) -> int:
        return len(self.error)

    @property
    def error_rate(self) -> float:
        """The mean over contexts and speakers of X, of it over speakers, and of it over ordered pairs of phones."""
        return float(_over_pairs(self._by_speaker(), None)[0])

    @property
    def weighted(self) -> float:
        """The share of all triplets."""
        return float(np.average(self.error, weights=self.size))

    def interval(self, seed: int, draws: int = DRAWS) -> tuple[float, float] | None:
        """The 95 % interval of the error rate over speakers; None: there is but one.

        A bootstrap (Efron 1979) that draws speakers of A and B with replacement, each with all of its cells, as what
        one speaker says is alike; it takes quantiles of the error rates. Speakers of X stay as they are. A pair of
        phones that none of the drawn ones has is left out of that draw.
        """
        from layerwise.scoring.confidence import HIGH, LOW  # scipy's statistics take long to import

        table = self._by_speaker()
        speakers = table.shape[1]
        if speakers < 2:
            return None
        random = generator(seed, "bootstrap of speakers")
        weights = random.multinomial(speakers, np.full(speakers, 1 / speakers), draws)
        low, high = np.quantile(_over_pairs(table, weights), (LOW, HIGH))
        return float(low), float(high)

    def _by_speaker(self) -> np.ndarray:
        """Mean error of each ordered pair of phones and speaker, (pairs, speakers); NaN: it has no cell."""
        _, phone, phone_b = _codes(self.phone, self.phone_b)
        (names, speaker) = np.unique(self.speaker, return_inverse=True)
        pairs, pair = np.unique(np.stack([phone, phone_b]), axis=1, return_inverse=True)
        place = pair.ravel() * len(names) + speaker
        cells = pairs.shape[1] * len(names)
        counts = np.bincount(place, minlength=cells)
        sums = np.bincount(place, weights=self.error, minlength=cells)
        means = np.divide(sums, counts, out=np.full(cells, np.nan), where=counts > 0)
        return means.reshape(-1, len(names))


def _codes(ones: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    names, codes = np.unique(np.concatenate([ones, others]), return_inverse=True)
    return names, codes[: len(ones)], codes[len(ones) :]


def _over_pairs(table: np.ndarray, weights: np.ndarray | None) -> np.ndarray:
    """The mean over pairs of that over speakers, (draws,); `weights`: what each counts, (draws, speakers)."""
    if weights is None:
        weights = np.ones((1, table.shape[1]), np.int64)
    there = ~np.isnan(table)
    # Not by BLAS: its sums depend on the number of threads.
    counts = np.einsum("ds,ps->dp", weights, there.astype(np.int64))
    sums = np.einsum("ds,ps->dp", weights.astype(np.float64), np.where(there, table, 0))
    means = np.divide(sums, counts, out=np.zeros_like(sums), where=counts > 0)
    return means.sum(axis=1) / np.count_nonzero(counts, axis=1)
