"""Division of a task's utterances into training, dev and test, by speaker where that can be."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from layerwise.errors import listed_names, shown
from layerwise.files.texts import composed
from layerwise.probes.errors import ItemError
from layerwise.probes.items import Item, exceeds
from layerwise.probes.kinds.kind import Kind, Target
from layerwise.probes.tasks import PARTS
from layerwise.seeds import seed_of

log = logging.getLogger(__name__)

HELD_OUT = {"dev": 0.1, "test": 0.2}  # of a table that says nothing of parts


def divided(items: list[Item], kind: Kind, held_out: Mapping[str, Sequence[str] | float], seed: int) -> list[Item]:
    """The items with a part each: as given, or else by speaker, so that no voice of the test is known.

    Where labels are the speakers, or belong to one speaker each, such a test would ask for nothing that was learned: if
    dev or test come out empty or with new labels alone, each speaker's recordings are divided instead.

    Args:
        held_out: part → its speakers, or the share of all speakers; of all utterances where no speaker is known.

    Raises:
        ItemError: some utterances have a part and others none, or a speaker is unknown or in two parts.
    """
    open_items = [item for item in items if item.part is None]
    if not open_items:
        return items
    if len(open_items) < len(items):
        raise ItemError(
            f"{len(items) - len(open_items)} of {len(items)} utterances have a part: give one to all or to none"
        )
    named = all(item.speaker_id for item in items)
    group = {item.item_id: item.speaker_id if named else item.item_id for item in items}
    followed = _Followed.by(items) if named and kind.follows_speakers else _Followed({}, False)
    part_of = _parts_of_groups(sorted(set(group.values())), followed.labels, held_out, seed)
    parted = [replace(item, part=part_of.get(group[item.item_id], "train")) for item in items]

    def can_be_answered(part: str) -> bool:
        return kind.can_be_answered(targets_of(parted, "train"), targets_of(parted, part))

    shares = all(isinstance(wanted, (int, float)) for wanted in held_out.values())
    if followed.anything and shares and not all(can_be_answered(part) for part in held_out):
        log.warning(
            "labels belong to single speakers: each speaker's recordings are divided, so that every voice is trained on"
        )
        return _within_speakers(items, held_out, seed)
    return parted


@dataclass(frozen=True)
class _Followed:
    """What follows from who speaks.

    Attributes:
        labels: speaker → (column, label) of columns in which each speaker has just one label: gender, accent, a name.
        anything: whether there is such a column, or one in which each label has just one speaker, as sessions have.
    """

    labels: Mapping[str, set[tuple[int, str]]]
    anything: bool

    @classmethod
    def by(cls, items: Sequence[Item]) -> _Followed:
        pairs = {(column, label, item.speaker_id) for item in items for column, label in enumerate(item.target)}
        labels_of = Counter((column, speaker) for column, _, speaker in pairs)
        speakers_of = Counter((column, label) for column, label, _ in pairs)
        columns = range(len(items[0].target))
        known = {c for c in columns if all(count == 1 for (column, _), count in labels_of.items() if column == c)}
        telling = {c for c in columns if all(count == 1 for (column, _), count in speakers_of.items() if column == c)}
        labels: dict[str, set[tuple[int, str]]] = {speaker: set() for _, _, speaker in pairs}
        for column, label, speaker in pairs:
            if column in known:
                labels[speaker].add((column, label))
        return cls(labels, bool(known | telling))


def _parts_of_groups(
    groups: Sequence[str],
    labels: Mapping[str, set[tuple[int, str]]],
    held_out: Mapping[str, Sequence[str] | float],
    seed: int,
) -> dict[str, str]:
    """The part of each group that does not train.

    Of a share, groups are passed over whose labels no group in training would have any more: held out, a label would be
    asked for that nobody could learn. Groups that are named are held out whatever their labels.
    """
    groups = sorted(groups, key=lambda name: seed_of(seed, "part", name))
    trained = Counter(label for own in labels.values() for label in own)  # groups in training by label
    part_of: dict[str, str] = {}
    for part, wanted in held_out.items():
        if isinstance(wanted, (int, float)):
            number, wanted = max(1, round(wanted * len(groups))), []
            for name in groups:
                own = labels.get(name, ())
                if len(wanted) < number and name not in part_of and all(trained[label] > 1 for label in own):
                    wanted.append(name)
                    trained.subtract(own)
        wanted = [composed(name) for name in wanted]
        absent = [name for name in wanted if name not in groups]
        if absent:
            there = listed_names(sorted(groups), absent[0])
            raise ItemError(f"held_out.{part}: no such speaker: {shown(', '.join(absent))}; there are {there}")
        twice = [name for name in wanted if name in part_of]
        if twice:
            raise ItemError(f"held_out: {shown(', '.join(twice))} would be in two parts")
        part_of |= dict.fromkeys(wanted, part)
    return part_of


def _within_speakers(items: Sequence[Item], held_out: Mapping[str, float], seed: int) -> list[Item]:
    """Shares of each speaker's recordings, at least one for every part, training first; of two, one is held out."""
    mine: dict[str, list[Item]] = {}
    for item in sorted(items, key=lambda item: seed_of(seed, "part", item.item_id)):
        mine.setdefault(item.speaker_id, []).append(item)
    parted = []
    for turn, own in enumerate(mine.values()):
        free = list(own)
        # Where the recordings are too few for all parts, these take turns.
        for part in sorted(held_out, reverse=turn % 3 > 0):
            number = min(max(1, round(held_out[part] * len(own))), len(free) - 1)
            parted += [replace(item, part=part) for item in free[:number]]
            free = free[number:]
        parted += [replace(item, part="train") for item in free]
    return parted


def cut_to_hours(items: list[Item], hours: float | None, seed: int) -> list[Item]:
    """At most so many hours of each part: utterances in an order that `seed` decides, as long as they fit."""
    if hours is None:
        return items
    kept = []
    for part in PARTS:
        samples = 0
        for item in sorted((i for i in items if i.part == part), key=lambda i: seed_of(seed, "hours", i.item_id)):
            samples += item.num_samples
            if exceeds(samples, hours * 3600):
                break
            kept.append(item)
    return kept


def targets_of(items: Sequence[Item], part: str) -> list[Target]:
    """The targets of a part."""
    return [item.target for item in items if item.part == part]
