"""Mutual information of two labellings of the same rows: clusters of a layer, and what the rows are.

Counted from the rows (the plug-in estimate), it is too high: clusters and labels that have nothing to do with each
other share some by accident, the more the fewer rows there are for each cluster. `Information.expected` says how much.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from layerwise.scoring.refusals import RefusedScoreError, ViewLengthError

MOST_GROUPS = 100  # of rows that a jackknife leaves out in turn


class NoLabelError(RefusedScoreError):
    """What should name the cluster or label of each row does not."""


class OneClassError(RefusedScoreError):
    """All rows have the same label: there is nothing to know of them."""


class TooFewGroupsError(RefusedScoreError):
    """There are too few groups of rows, or labels in them, to say how far a score varies."""


@dataclass(frozen=True)
class Information:
    """What clusters tell of labels.

    Attributes:
        mi: mutual information, nats: Σ p(c, l) log(p(c, l) / (p(c) p(l))).
        entropy: of the labels, nats; what `mi` is at most.
        score: mi / entropy, in [0, 1]. It is what was published (Pasad, Chou and Livescu 2021).
        expected: the mean of `mi`, nats, over all orders in which the labels could stand beside the clusters, computed
            and not drawn (Vinh, Epps and Bailey 2010, eq. 24a): hence without noise.
        chance: expected / entropy, the score of shuffled labels.
        adjusted: (mi − expected) / (entropy − expected): 1 where clusters tell the label, 0 by chance. This is the
            adjusted mutual information of Vinh et al. with `entropy` as the bound on mi, which `score` has too;
            scikit-learn's default takes the mean of both entropies instead. 0 where every order gives the same mi, as
            where each row has a cluster of its own.
        rows, clusters, classes: numbers of rows, of different clusters and of different labels in them.
    """

    mi: float
    entropy: float
    score: float
    expected: float
    chance: float
    adjusted: float
    rows: int
    clusters: int
    classes: int


@dataclass(frozen=True)
class InformationErrors:
    """Standard errors of scores if other utterances (or speakers) of the same kind had been drawn.

    Attributes:
        score, adjusted: the standard errors.
        groups: groups of rows that were left out in turn; an interval has groups − 1 degrees of freedom.
    """

    score: float
    adjusted: float
    groups: int

    def interval(self, name: str, value: float) -> tuple[float, float]:
        """The 95 % interval (Student's t) about a value; not cut to the range that the score has.

        Args:
            name: `score` or `adjusted`.
        """
        from layerwise.scoring.confidence import t_quantile  # scipy's statistics: scores do without

        half = float(t_quantile(self.groups - 1)) * getattr(self, name)
        return value - half, value + half


def mutual_information(clusters: Any, labels: Any) -> Information:
    """Mutual information of the clusters and the labels of n rows, beside its level by chance.

    Sums are of float64; memory grows with n alone, not with clusters × labels.

    Args:
        clusters: n integers.
        labels: n integers or texts; row i has cluster i and label i.

    Raises:
        ViewLengthError: they differ in length, or have none.
        NoLabelError: clusters are not integers, or labels neither integers nor texts.
        OneClassError: all labels are the same.
    """
    table = _Table(clusters, labels)
    return table.information(table.counts)


def jackknifed_information(clusters: Any, labels: Any, groups: Any) -> InformationErrors:
    """How far score and adjusted score vary with the utterances, by leaving out each of them in turn.

    The delete-m jackknife for groups of unequal size (Busing, Meijer and van der Leeden 1999). A bootstrap would not
    do: rows that are drawn twice agree with themselves, so all resampled scores are far higher than the score. More
    than 100 groups are dealt to 100 bundles, the next largest to the bundle that has fewest rows.

    It says nothing of other clusterings of the same training rows: other seeds do.

    Args:
        clusters, labels: as `mutual_information` takes them.
        groups: n integers or texts, the utterance (or speaker) of each row.

    Raises:
        as `mutual_information`; and TooFewGroupsError: there is one group, or all labels are the same without one.
    """
    table = _Table(clusters, labels)
    names, member = _numbered(groups, "groups", "iuUSO")
    if member.size != table.member.size:
        raise ViewLengthError(f"{table.member.size} clusters and labels with {member.size} groups: all must be equal")
    if names < 2:
        raise TooFewGroupsError(f"all {member.size} rows are of one utterance or group: at least 2 are needed")
    member = _bundled(member)
    sizes = np.bincount(member)
    order = np.argsort(member, kind="stable")
    whole = table.information(table.counts)
    left = np.empty((sizes.size, 2))
    for number, mine in enumerate(np.split(order, np.cumsum(sizes)[:-1])):
        counts = table.counts - np.bincount(table.member[mine], minlength=table.counts.size)
        try:
            without = table.information(counts)
        except OneClassError as error:
            raise TooFewGroupsError(f"without one of {sizes.size} groups ({mine.size} rows), {error}") from error
        left[number] = without.score, without.adjusted
    values = np.array([whole.score, whole.adjusted])
    times = (member.size / sizes)[:, None]  # how often a group would fit into all rows
    pseudo = times * values - (times - 1) * left
    mean = values * sizes.size - ((1 - 1 / times) * left).sum(axis=0)
    errors = np.sqrt(((pseudo - mean) ** 2 / (times - 1)).mean(axis=0))
    return InformationErrors(float(errors[0]), float(errors[1]), sizes.size)


class _Table:
    """The cells (cluster, label) that rows lie in, and how many lie in each.

    Attributes:
        member: (n,) the cell of each row.
        counts: (cells,) rows of each.
    """

    def __init__(self, clusters: Any, labels: Any) -> None:
        _, row = _numbered(clusters, "clusters", "iu")
        columns, column = _numbered(labels, "labels", "iuUSO")
        if row.size != column.size or not row.size:
            raise ViewLengthError(f"{row.size} clusters and {column.size} labels: as many are needed, and at least one")
        cells, self.member, self.counts = np.unique(row * columns + column, return_inverse=True, return_counts=True)
        self._row, self._column = np.divmod(cells, columns)

    def information(self, counts: np.ndarray) -> Information:
        """Of the rows that are counted: all, or those that some groups leave."""
        of_cluster, of_label = (self._sums(place, counts) for place in (self._row, self._column))
        n = int(counts.sum())
        if of_label.size < 2:
            raise OneClassError(f"all {n} rows have the same label: at least 2 different ones are needed")
        entropy = float(np.log(n) - _x_log_x(of_label) / n)
        mi = np.log(n) + (_x_log_x(counts) - _x_log_x(of_cluster) - _x_log_x(of_label)) / n
        mi = float(np.clip(mi, 0, entropy))  # what rounding adds
        alone = of_cluster.size == n  # each row has a cluster of its own: all orders of labels have the same mi
        expected = entropy if alone else min(expected_information(of_cluster, of_label), entropy)
        adjusted = (mi - expected) / (entropy - expected) if expected < entropy else 0.0
        return Information(
            mi, entropy, mi / entropy, expected, expected / entropy, adjusted, n, of_cluster.size, of_label.size
        )

    @staticmethod
    def _sums(place: np.ndarray, counts: np.ndarray) -> np.ndarray:
        sums = np.bincount(place, counts)
        return sums[sums > 0].astype(np.int64)


def expected_information(of_cluster: np.ndarray, of_label: np.ndarray) -> float:
    """The mean mutual information, nats, of clusters and labels of these sizes over all orders of the rows.

    The rows that a cluster of a rows and a label of b rows share follow the hypergeometric distribution (Vinh et al.
    2010, eq. 24a). Equal sizes are computed once: there are at most √(2n) different ones, however many clusters.

    Args:
        of_cluster, of_label: sizes, integers from 1; both sum to n.
    """
    from scipy.special import gammaln

    n = int(of_cluster.sum())
    factorial = gammaln(np.arange(n + 1) + 1.0)  # its logarithm
    (sizes_a, times_a), (sizes_b, times_b) = (np.unique(sizes, return_counts=True) for sizes in (of_cluster, of_label))
    total = 0.0
    for a, times in zip(sizes_a.tolist(), times_a.tolist(), strict=True):
        least, most = np.maximum(1, a + sizes_b - n), np.minimum(a, sizes_b)
        runs = most - least + 1
        b = np.repeat(sizes_b, runs)  # beside each number of rows that a and b may share; at most n in all
        shared = np.arange(b.size) + np.repeat(least - np.cumsum(runs) + runs, runs)
        log_probability = (
            factorial[a]
            + factorial[b]
            + factorial[n - a]
            + factorial[n - b]
            - factorial[n]
            - factorial[shared]
            - factorial[a - shared]
            - factorial[b - shared]
            - factorial[n - a - b + shared]
        )
        terms = shared * np.log(n * (shared / a) / b) * np.exp(log_probability)
        total += times * float((np.repeat(times_b, runs) * terms).sum())
    return max(total / n, 0.0)


def _x_log_x(counts: np.ndarray) -> float:
    counts = counts[counts > 0]
    return float((counts * np.log(counts)).sum())


def _numbered(names: Any, what: str, kinds: str) -> tuple[int, np.ndarray]:
    """How many different names there are, and the number of each row's."""
    names = np.asarray(names)
    if names.ndim != 1:
        raise ViewLengthError(f"{what} have the shape {names.shape}; one for each row is needed")
    if names.dtype.kind not in kinds and names.size:
        wanted = "integers" if kinds == "iu" else "integers or texts"
        raise NoLabelError(f"{what} are of type {names.dtype}; {wanted} are needed")
    if names.dtype.kind == "O":
        wrong = next((place for place, name in enumerate(names) if not isinstance(name, str)), None)
        if wrong is not None:
            raise NoLabelError(f"{what}: row {wrong} of {names.size} has {names[wrong]!r} instead of a text")
    different, number = np.unique(names, return_inverse=True)
    return different.size, number


def _bundled(member: np.ndarray) -> np.ndarray:
    """Groups as they are, or bundles of them where there are too many to leave out each in turn."""
    sizes = np.bincount(member)
    if sizes.size <= MOST_GROUPS:
        return member
    bundle, rows = np.empty(sizes.size, np.int64), np.zeros(MOST_GROUPS, np.int64)
    for group in np.argsort(-sizes, kind="stable"):
        bundle[group] = rows.argmin()
        rows[bundle[group]] += sizes[group]
    return bundle[member]
