"""Items of ABX: stretches of recordings that hold one phone between two others, from files or from alignments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from layerwise.errors import LayerwiseError, did_you_mean, first_names, listed_names, shown
from layerwise.files.csv_files import read_text
from layerwise.scoring.refusals import RefusedScoreError
from layerwise.seeds import generator
from layerwise.targets.located import LocatedIntervals

# Columns of an item file in their order; `#` marks what belongs to the item, and may be missing in tables of one's own.
COLUMNS = ("#file", "onset", "offset", "#phone", "prev-phone", "next-phone", "speaker")
SPANS = ("triphone", "phoneme")
OF_OPTION = {"phone": "phoneme", "triphone": "triphone"}  # what the option of the measure says → span
STRIDE_SECONDS = 0.02
_NANOSECONDS, _MICROSECONDS = 10**9, 10**6
_NANOSECONDS_PER_MICROSECOND = 1000


class ItemsError(LayerwiseError):
    """A table of items lacks a column, or a cell of it is no time; or they are asked for in a way that there is not."""


class NoItemsError(RefusedScoreError):
    """No item is left to be compared."""


@dataclass(frozen=True)
class Items:
    """Items as columns of equal length.

    Attributes:
        file: what the features are called by; text, as all names.
        onset, offset: seconds.
        phone: the phone in the middle.
        previous, following: the phones around it.
        speaker: who says it.
    """

    file: np.ndarray
    onset: np.ndarray
    offset: np.ndarray
    phone: np.ndarray
    previous: np.ndarray
    following: np.ndarray
    speaker: np.ndarray

    def __len__(self) -> int:
        return len(self.file)

    def where(self, chosen: np.ndarray) -> Items:
        """The items of a mask, or of places."""
        return Items(*(column[chosen] for column in vars(self).values()))

    def frames(self, stride_seconds: float = STRIDE_SECONDS) -> tuple[np.ndarray, np.ndarray]:
        """(first, last) frame of each item, last exclusive; first ≥ last where no frame's middle lies within it.

        Frame i stands for the time (i + ½) · stride; an item has the frames whose times are from its onset to its
        offset, both included (as fastabx and ZeroSpeech 2021). Times are whole µs, so that no rounding decides.
        """
        stride = round(stride_seconds * _NANOSECONDS)
        if stride < 1:
            raise ItemsError(f"frames every {stride_seconds:g} s; a stride is more than 0 seconds")
        # Doubled, so that half a stride is a whole number.
        twice_onset, twice_offset = (
            2 * _NANOSECONDS_PER_MICROSECOND * np.rint(time * _MICROSECONDS).astype(np.int64)
            for time in (self.onset, self.offset)
        )
        first = -((stride - twice_onset) // (2 * stride))
        last = (twice_offset - stride) // (2 * stride) + 1
        return np.maximum(first, 0), last


def items_of(columns: Mapping[str, Sequence[Any]] | Items) -> Items:
    """Items from the columns of an item file: a mapping, or a table that gives a column by its name.

    Args:
        columns: `#file`, `onset`, `offset` (seconds), `#phone`, `prev-phone`, `next-phone`, `speaker`; names without
            `#`, and with `_` for `-`, will do.

    Raises:
        ItemsError: a column is missing, they differ in length, or a time is no number or ends before it begins.
        NoItemsError: there is no item.
    """
    if isinstance(columns, Items):
        return columns
    found = [_column(columns, name) for name in COLUMNS]
    lengths = {name: len(column) for name, column in zip(COLUMNS, found, strict=True)}
    if len(set(lengths.values())) > 1:
        raise ItemsError(f"columns of items differ in length: {', '.join(f'{k} {v}' for k, v in lengths.items())}")
    if not len(found[0]):
        raise NoItemsError("there are 0 items")
    names = (np.array([str(cell) for cell in found[place]]) for place in (0, 3, 4, 5, 6))
    file, phone, previous, following, speaker = names
    onset, offset = (_seconds(name, column) for name, column in zip(COLUMNS[1:3], found[1:3], strict=True))
    wrong = np.flatnonzero(~(offset > onset) | (onset < 0))
    if len(wrong):
        row = wrong[0]
        raise ItemsError(
            f"{len(wrong)} of {len(file)} items do not end after they begin, or begin before 0; the first, "
            f"{shown(file[row])}, goes from {onset[row]:g} to {offset[row]:g} s"
        )
    return Items(file, onset, offset, phone, previous, following, speaker)


def read_items(path: Path) -> Items:
    """The items of an item file (ABX_data of Libri-light, ZeroSpeech): cells parted by spaces, seconds.

    Raises:
        CSVError: it cannot be read, or is no text.
        ItemsError: its first line is not that of an item file, a line has other cells, or a time is no number.
        NoItemsError: it has no item.
    """
    lines = read_text(path).splitlines()
    header = tuple(lines[0].split()) if lines else ()
    if header != COLUMNS:
        raise ItemsError(f"{path}: the first line of an item file is '{' '.join(COLUMNS)}', not '{' '.join(header)}'")
    rows = [(number, line.split()) for number, line in enumerate(lines[1:], start=2) if line.strip()]
    for number, cells in rows:
        if len(cells) != len(COLUMNS):
            raise ItemsError(f"{path}, line {number} has {len(cells)} cells, an item has {len(COLUMNS)}")
    try:
        return items_of({name: [cells[place] for _, cells in rows] for place, name in enumerate(COLUMNS)})
    except (ItemsError, NoItemsError) as error:
        raise type(error)(f"{path}: {error}") from error


def items_of_phones(
    utterances: Sequence[str],
    labels: Sequence[str],
    starts: Sequence[float],
    ends: Sequence[float],
    speakers: Mapping[str, str],
    span: str = "triphone",
) -> Items:
    """Every phone of the alignments that has a neighbour on both sides, as an item.

    A neighbour touches the phone: it ends where the phone starts, to the µs. So a phone beside silence, or at the edge
    of an utterance, is context of others but no item. Borders of words do not count.

    Args:
        utterances, labels, starts, ends: intervals of phones, cleaned, in any order; seconds.
        speakers: utterance → who speaks.
        span: `triphone`: an item lasts from the start of the phone before to the end of the phone after; `phoneme`: as
            long as the phone.

    Raises:
        ItemsError: there is no such span, or the columns differ in length.
        NoItemsError: no phone has two neighbours, or the speaker of an utterance is not known.
    """
    if span not in SPANS:
        raise ItemsError(f"the span {shown(span)}{did_you_mean(SPANS, span)}; allowed are {listed_names(SPANS, span)}")
    if len({len(utterances), len(labels), len(starts), len(ends)}) > 1:
        raise ItemsError(f"columns of phones differ in length: {[*map(len, (utterances, labels, starts, ends))]}")
    ids, phones = (np.array([str(cell) for cell in column]) for column in (utterances, labels))
    first, last = (np.rint(np.asarray(times, np.float64) * _MICROSECONDS).astype(np.int64) for times in (starts, ends))
    order = np.lexsort((first, ids))
    ids, phones, first, last = ids[order], phones[order], first[order], last[order]
    if unknown := set(ids) - set(speakers):
        raise NoItemsError(f"the speakers of {len(unknown)} utterances are not known: {first_names(unknown)}")
    touches = (ids[1:] == ids[:-1]) & (last[:-1] == first[1:])  # (phones - 1,)
    middle = np.flatnonzero(touches[:-1] & touches[1:]) + 1
    if not len(middle):
        raise NoItemsError(f"none of {len(ids)} phones has a neighbour on both sides")
    wider = int(span == "triphone")
    return Items(
        ids[middle],
        first[middle - wider] / _MICROSECONDS,
        last[middle + wider] / _MICROSECONDS,
        phones[middle],
        phones[middle - 1],
        phones[middle + 1],
        np.array([str(speakers[name]) for name in ids[middle]]),
    )


def items_of_located(located: LocatedIntervals, option: str, there: np.ndarray | None = None) -> Items:
    """The items of the phones of a sample's utterances.

    Args:
        option: the span, as the measure's options name it.
        there: (intervals,) which ones count; None: all.

    Raises:
        NoItemsError: as `items_of_phones`.
    """
    chosen = slice(None) if there is None else there
    return items_of_phones(
        located.utterances[located.utterance][chosen].tolist(),
        located.label[chosen].tolist(),
        located.start[chosen].tolist(),
        located.end[chosen].tolist(),
        dict(zip(located.utterances.tolist(), located.speakers.tolist(), strict=True)),
        OF_OPTION[option],
    )


def shuffled_phones(items: Items, context: str, *parts: int | str) -> Items:
    """The items with their phones permuted among those of one speaker (and of one context), for the chance level.

    What a cell compares stays the same: its number of items, their speakers and contexts. Only which item has which
    phone is chance, so the error is ½ but for the draw.

    Args:
        context: `within`: among items of one context; `any`: among all of a speaker.
        parts: seed and names that the draw depends on.
    """
    columns = (items.speaker, items.previous, items.following)[: 3 if context == "within" else 1]
    order = np.lexsort((items.phone, items.offset, items.onset, items.file, *columns))
    changes = np.any([column[order][1:] != column[order][:-1] for column in columns], axis=0)
    random = generator(*parts, "phones of items")
    phone = items.phone.copy()
    for group in np.split(order, np.flatnonzero(changes) + 1):
        phone[group] = items.phone[random.permutation(group)]
    return Items(*(phone if name == "phone" else column for name, column in vars(items).items()))


def _column(columns: Mapping[str, Sequence[Any]], name: str) -> Sequence[Any]:
    plain = name.lstrip("#")
    for known in (name, plain, plain.replace("-", "_")):
        if known in columns:
            return columns[known]
    raise ItemsError(f"items lack the column {name}; they have {first_names(map(str, columns))}")


def _seconds(name: str, column: Sequence[Any]) -> np.ndarray:
    try:
        seconds = np.asarray([float(cell) for cell in column])
    except (TypeError, ValueError) as error:
        raise ItemsError(f"the {name} of an item is no number: {error}") from error
    if not np.isfinite(seconds).all():
        raise ItemsError(f"the {name} of {np.sum(~np.isfinite(seconds))} of {len(seconds)} items is no finite number")
    return seconds
