"""ABX: is a phone nearer to another token of it than to one of another phone? (Schatz et al., Interspeech 2013)

A and X are tokens of one phone, B is a token of another; an error is an X that is nearer to B. Cells and averages are
those of Libri-light (Kahn et al., ICASSP 2020), ZeroSpeech 2021 and fastabx, in float64. Nothing is fitted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from layerwise.errors import LayerwiseError, did_you_mean, listed_names, shown
from layerwise.scoring.measures.abx_cells import Cells
from layerwise.scoring.measures.abx_distances import DISTANCES, FrameTokens, Tokens, frame_tokens, locate, mean_tokens
from layerwise.scoring.measures.abx_items import STRIDE_SECONDS, Items, items_of
from layerwise.scoring.refusals import RefusedScoreError
from layerwise.seeds import generator

SPEAKERS = ("within", "across")
CONTEXTS = ("within", "any")
POOLINGS: dict[str, Callable[..., Tokens | FrameTokens]] = {"mean": mean_tokens, "dtw": frame_tokens}
_BLOCK = 1 << 21  # distances that are looked at together: 16 MB
_COMPARED = 1 << 22  # pairs of distances that are compared at once; of more, they are sorted


class ABXSettingError(LayerwiseError):
    """ABX is asked for in a way that there is not."""


class NoCellsError(RefusedScoreError):
    """No two phones can be compared as asked."""


def abx(
    features: Mapping[str, np.ndarray],
    items: Mapping[str, Sequence[Any]] | Items,
    speaker: str = "within",
    context: str = "within",
    distance: str = "angular",
    pooling: str | None = "mean",
    *,
    max_size_group: int | None = None,
    max_x_across: int | None = None,
    seed: int = 0,
    stride_seconds: float = STRIDE_SECONDS,
) -> float:
    """The ABX error rate, in [0, 1]; chance is ½. Arguments and errors as `abx_cells`."""
    return abx_cells(
        features,
        items,
        speaker,
        context,
        distance,
        pooling,
        max_size_group=max_size_group,
        max_x_across=max_x_across,
        seed=seed,
        stride_seconds=stride_seconds,
    ).error_rate


def abx_cells(
    features: Mapping[str, np.ndarray],
    items: Mapping[str, Sequence[Any]] | Items,
    speaker: str = "within",
    context: str = "within",
    distance: str = "angular",
    pooling: str | None = "mean",
    *,
    max_size_group: int | None = None,
    max_x_across: int | None = None,
    seed: int = 0,
    stride_seconds: float = STRIDE_SECONDS,
) -> Cells:
    """The error of every cell: A and X of one phone, B of another, in one context and of one speaker.

    Memory: with `mean` a vector of 8 bytes a dimension for each item that is compared, with `dtw` the features of all
    files as they are given; beside it blocks of some 100 MB.

    Args:
        features: file → (frames × dimensions), arrays or HDF5 datasets.
        items: the columns of an item file (`items_of`), whose times are seconds.
        speaker: `within`: A, B and X are one speaker's, and x is another token than a; `across`: X is another's.
        context: `within`: A, B and X stand between the same two phones; `any`: wherever they stand.
        distance: of frames: `angular`, the angle as a share of π, or `euclidean`.
        pooling: `mean`: of the mean frames of items; `dtw` (or None): summed along the best path that aligns their
            frames, divided by its length.
        max_size_group: so many tokens of a phone, by a speaker in a context, are drawn (10 in ZeroSpeech); None: all.
        max_x_across: so many speakers of X are drawn for each A (5 in ZeroSpeech); None: all.
        seed: of these draws, each of which depends on the names of its own phone, speaker and context alone. They are
            not those of other programs, which draw anew for each pair of phones.
        stride_seconds: from frame to frame.

    Raises:
        ABXSettingError: a setting is not among those allowed.
        ItemsError: `items` are no items.
        RefusedScoreError: features are missing, not finite or 0, or no cell can be filled.
    """
    pooling = "dtw" if pooling is None else pooling
    allowed = {"speaker": SPEAKERS, "context": CONTEXTS, "distance": tuple(DISTANCES), "pooling": tuple(POOLINGS)}
    given = {"speaker": speaker, "context": context, "distance": distance, "pooling": pooling}
    for name, value in given.items():
        if value not in allowed[name]:
            raise ABXSettingError(
                f"{name}={shown(value)}{did_you_mean(allowed[name], str(value))}; allowed are "
                f"{listed_names(allowed[name], str(value))}"
            )
    for name, limit in {"max_size_group": max_size_group, "max_x_across": max_x_across}.items():
        least = 2 if name == "max_size_group" else 1
        if limit is not None and limit < least:
            raise ABXSettingError(f"{name}={limit}; it is {least} or more, or None")
    located = locate(features, items_of(items), stride_seconds)
    plan = _plan(located.items, context, max_size_group, seed)
    comparisons = _comparisons(located.items, plan, speaker, context, max_x_across, seed)
    tokens = POOLINGS[pooling](features, located.where(plan.order), distance)
    with threadpool_limits(1, "blas"):  # its products depend on the number of threads
        cells = (cell for batch in _together(plan, comparisons) for cell in _measured(plan, tokens, batch))
        columns = [np.concatenate(column) for column in zip(*cells, strict=True)]
    return plan.cells(columns, located.left_out, located.shortened)


def require_cells(items: Items, speaker: str, context: str) -> None:
    """Refuse items of which no two phones can be compared, whatever their features are.

    Args:
        speaker, context: as `abx_cells` takes them.

    Raises:
        NoCellsError: the message has the numbers.
    """
    _comparisons(items, _plan(items, context, None, 0), speaker, context, None, 0)


def _comparisons(
    items: Items, plan: _Plan, speaker: str, context: str, most: int | None, seed: int
) -> list[_Comparison]:
    found = list(_within(plan) if speaker == "within" else _across(plan, most, seed))
    if not found:
        raise NoCellsError(_nothing(items, speaker, context))
    return found


@dataclass(frozen=True)
class _Plan:
    """Items in order of context, speaker and phone, in groups that share all three.

    Attributes:
        order: (tokens,) which items are compared, in that order.
        starts: (groups + 1,) where each group begins among them.
        contexts: (groups, 2) names of the phones around; "" where any are.
        speakers, phones: (groups,) names.
    """

    order: np.ndarray
    starts: np.ndarray
    contexts: list[tuple[str, str]]
    speakers: list[str]
    phones: list[str]

    def size(self, group: int) -> int:
        return int(self.starts[group + 1] - self.starts[group])

    def width(self, groups: range) -> int:
        """Tokens of groups that follow one another."""
        return int(self.starts[groups.stop] - self.starts[groups.start])

    def tokens(self, groups: Sequence[int]) -> np.ndarray:
        return np.concatenate([np.arange(self.starts[group], self.starts[group + 1]) for group in groups])

    def cells(self, found: Sequence[np.ndarray], left_out: int, shortened: int) -> Cells:
        a, b, x, error, size = found
        phones, speakers, contexts = (np.array(names) for names in (self.phones, self.speakers, self.contexts))
        return Cells(
            phones[a],
            phones[b],
            speakers[a],
            speakers[x],
            contexts[a, 0],
            contexts[a, 1],
            error,
            size,
            left_out,
            shortened,
        )


@dataclass(frozen=True)
class _Comparison:
    """One group as A, beside all groups of its speaker and context as B; X from one group or several.

    Attributes:
        beside: groups of A's speaker and context, A among them; they follow one another.
        x: A itself within speakers, else groups of other speakers.
    """

    a: int
    beside: range
    x: tuple[int, ...]


def _plan(items: Items, context: str, most: int | None, seed: int) -> _Plan:
    around = [items.previous, items.following] if context == "within" else [np.full(len(items), "")] * 2
    keys = [*around, items.speaker, items.phone]
    # File and time come last, so that the order in which items were given decides nothing.
    order = np.lexsort([items.offset, items.onset, items.file, *reversed(keys)])
    changes = np.any([column[order][1:] != column[order][:-1] for column in keys], axis=0)
    groups = np.split(order, np.flatnonzero(changes) + 1)
    names = [tuple(str(column[group[0]]) for column in keys) for group in groups]
    if most is not None:
        groups = [
            group
            if len(group) <= most
            else group[np.sort(generator(seed, "items", *name).permutation(len(group))[:most])]
            for group, name in zip(groups, names, strict=True)
        ]
    starts = np.concatenate([[0], np.cumsum([len(group) for group in groups])])
    contexts = [(name[0], name[1]) for name in names]
    return _Plan(np.concatenate(groups), starts, contexts, [name[2] for name in names], [name[3] for name in names])


def _within(plan: _Plan) -> Iterator[_Comparison]:
    for beside in _runs(list(zip(plan.contexts, plan.speakers, strict=True))):
        if len(beside) > 1:
            yield from (_Comparison(a, beside, (a,)) for a in beside if plan.size(a) > 1)


def _across(plan: _Plan, most: int | None, seed: int) -> Iterator[_Comparison]:
    for in_context in _runs(plan.contexts):
        of_phone: dict[str, list[int]] = {}
        for group in in_context:
            of_phone.setdefault(plan.phones[group], []).append(group)
        for places in _runs(plan.speakers[in_context.start : in_context.stop]):
            beside = range(in_context.start + places.start, in_context.start + places.stop)
            for a in beside if len(beside) > 1 else ():
                others = [group for group in of_phone[plan.phones[a]] if group != a]
                if most is not None and len(others) > most:
                    name = (*plan.contexts[a], plan.speakers[a], plan.phones[a])
                    others = [others[place] for place in generator(seed, "speakers", *name).permutation(len(others))]
                    others = sorted(others[:most])
                if others:
                    yield _Comparison(a, beside, tuple(others))


def _runs(keys: Sequence[Any]) -> Iterator[range]:
    """Stretches of equal keys."""
    for _, run in groupby(range(len(keys)), key=keys.__getitem__):
        places = list(run)
        yield range(places[0], places[-1] + 1)


def _together(plan: _Plan, comparisons: Iterable[_Comparison]) -> Iterator[list[_Comparison]]:
    """Comparisons that have all of B in common, as many as fill a block: what is near is then looked up once."""
    batch: list[_Comparison] = []
    room = 0
    for one in comparisons:
        needed = plan.width(one.beside) * sum(map(plan.size, one.x))
        if batch and (one.beside != batch[0].beside or needed > room):
            yield batch
            batch = []
        room = (room if batch else _BLOCK) - needed
        batch.append(one)
    if batch:
        yield batch


def _measured(plan: _Plan, tokens: Tokens | FrameTokens, batch: list[_Comparison]) -> Iterator[tuple[np.ndarray, ...]]:
    """Groups of A, B and X, error and size of the cells of each comparison of a batch."""
    groups = batch[0].beside
    beside = np.arange(plan.starts[groups.start], plan.starts[groups.stop])
    borders = plan.starts[groups.start : groups.stop] - beside[0]
    wide = max(1, _BLOCK // len(beside))
    columns = [plan.tokens(one.x) for one in batch]
    if len(batch) > 1:
        parts = np.split(tokens.between(beside, np.concatenate(columns)), np.cumsum([*map(len, columns)])[:-1], axis=1)
        blocks: list[Iterable[np.ndarray]] = [[part] for part in parts]  # (tokens beside, tokens of X)
    else:
        starts = range(0, len(columns[0]), wide)
        blocks = [(tokens.between(beside, columns[0][start : start + wide]) for start in starts)]
    for one, distances in zip(batch, blocks, strict=True):
        of_a = slice(int(plan.starts[one.a] - beside[0]), int(plan.starts[one.a + 1] - beside[0]))
        yield _cells(
            plan, one, [_half_wins(*block, borders) for block in _beside_a(distances, of_a, one.x == (one.a,))]
        )


def _beside_a(blocks: Iterable[np.ndarray], of_a: slice, itself: bool) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Distances to A and to all beside it, of each block of X; where X is A, an x is never compared with itself."""
    start = 0
    for distances in blocks:
        to_a = distances[of_a].copy()
        here = np.arange(to_a.shape[1])
        if itself:
            to_a[here + start, here] = np.inf
        start += len(here)
        yield to_a, distances


def _cells(plan: _Plan, one: _Comparison, half_wins: Sequence[np.ndarray]) -> tuple[np.ndarray, ...]:
    """The cells of a comparison, from (groups beside, tokens of X) wins counted twice, in blocks of X."""
    sizes_x = np.array([plan.size(group) for group in one.x])
    wins = np.add.reduceat(np.concatenate(half_wins, axis=1), np.cumsum(sizes_x) - sizes_x, axis=1)
    sizes_b = np.array([plan.size(group) for group in one.beside])
    triplets = np.outer(sizes_b, sizes_x) * (plan.size(one.a) - (one.x == (one.a,)))
    others = np.array(one.beside) != one.a
    b, x = np.meshgrid(np.array(one.beside)[others], np.array(one.x), indexing="ij")
    error = 1 - wins[others] / (2 * triplets[others])
    return np.full(b.size, one.a), b.ravel(), x.ravel(), error.ravel(), triplets[others].ravel()


def _half_wins(to_a: np.ndarray, to_b: np.ndarray, borders: np.ndarray) -> np.ndarray:
    """How often one of A is nearer to x than b is, counted twice, and as near, counted once: (groups, tokens of X).

    Args:
        to_a: (tokens of A, tokens of X) distances.
        to_b: (tokens of B, tokens of X).
        borders: (groups,) where the groups of B begin.
    """
    return np.add.reduceat(_places(to_a, to_b), borders, axis=0)


def _places(to_a: np.ndarray, to_b: np.ndarray) -> np.ndarray:
    """The same of each token of B, (tokens of B, tokens of X)."""
    if len(to_a) * to_b.size <= _COMPARED:
        nearer = to_a[:, None] < to_b  # (tokens of A, tokens of B, tokens of X)
        as_near = to_a[:, None] == to_b
        return 2 * np.count_nonzero(nearer, axis=0) + np.count_nonzero(as_near, axis=0)
    found = np.empty(to_b.shape, np.int64)
    ordered = np.sort(to_a.T, axis=1)  # a row for each x
    for x, sorted_to_a in enumerate(ordered):
        found[:, x] = np.searchsorted(sorted_to_a, to_b[:, x], "left")
        found[:, x] += np.searchsorted(sorted_to_a, to_b[:, x], "right")
    return found


def _nothing(items: Items, speaker: str, context: str) -> str:
    phones, speakers = len(set(items.phone)), len(set(items.speaker))
    wanted = "two tokens of a phone" if speaker == "within" else "a phone by two speakers"
    where = " between the same phones" if context == "within" else ""
    return (
        f"{len(items)} items of {phones} phones by {speakers} speakers fill no cell: it takes {wanted} beside another "
        f"phone{where}"
    )
