"""Phone sets: which labels of an alignment are phones, and which phone each of them is.

A set is an entry of resources/phones.yaml, or a mapping of labels to phones in the configuration.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from layerwise.alignments.marks import NO_MARKS, Marks
from layerwise.errors import LayerwiseError, listed_names
from layerwise.files.texts import code_points, composed, wildcard

_STRESS = frozenset("012")


class PhoneSetError(LayerwiseError):
    """There is no such phone set, or a set contradicts itself."""


class UnknownPhoneError(LayerwiseError):
    """A label is no phone of its set; the message says what is allowed."""


@dataclass(frozen=True)
class PhoneSet:
    """What the labels of phone tiers mean.

    Attributes:
        labels: phone of each label, None: dropped as silence; None altogether: every label is a phone.
        dropped: labels of silence and of all else that is no speech, `*` stands for anything.
        stress: whether a vowel's stress, a last 0, 1 or 2, is stripped first.
        any_case: whether capitals in labels mean nothing.
    """

    labels: Mapping[str, str | None] | None
    dropped: tuple[str, ...] = ("",)
    stress: bool = False
    any_case: bool = False

    def __post_init__(self) -> None:
        if self.any_case and self.labels is not None:
            object.__setattr__(self, "labels", {label.lower(): phone for label, phone in self.labels.items()})

    @property
    def phones(self) -> list[str] | None:
        """Every phone of the set, in order of the alphabet; None: any."""
        return None if self.labels is None else sorted({phone for phone in self.labels.values() if phone})

    def clean(self, label: str, marks: Marks = NO_MARKS) -> str | None:
        """The phone that a label stands for, or None for silence and what else is dropped.

        Args:
            marks: what is no phone either, unless the set names it.

        Raises:
            UnknownPhoneError: the label is not in the set.
        """
        label = label.strip()
        if self._dropped.fullmatch(label):
            return None
        if self.labels is None:
            return label if marks.is_phone(label) else None
        key = label.lower() if self.any_case else label
        if self.stress and key[-1] in _STRESS:
            key = key[:-1]
        if key in self.labels:
            return self.labels[key]
        if not marks.is_phone(label):
            return None
        raise UnknownPhoneError(f"the phone {label!r}{code_points(label)}; allowed are {self._allowed()}")

    @cached_property
    def _dropped(self) -> re.Pattern[str]:
        return re.compile("|".join(wildcard(pattern, any_case=self.any_case) for pattern in self.dropped) or "(?!)")

    def _allowed(self) -> str:
        # Where a set only takes stress off, its phones are its labels, in the capitals that people know them by.
        labels = self.phones if self.stress else sorted(self.labels)
        stress = ", each with or without a stress digit 0, 1 or 2" if self.stress else ""
        silence = "".join(f"{label}, " for label in sorted(self.dropped) if label).removesuffix(", ")
        silence = f"{silence} or an empty label" if silence else "an empty label"
        return f"{' '.join(labels)}{stress}, and {silence} for silence"


def phone_set(chosen: str | Mapping[str, str | None], catalogue: Mapping[str, Mapping]) -> PhoneSet:
    """The phone set that a layout or a configuration names, or spells out as `{label: phone, or null for silence}`.

    Args:
        catalogue: the content of resources/phones.yaml.

    Raises:
        PhoneSetError: the catalogue has no such entry, or every label of a mapping is silence.
    """
    if isinstance(chosen, str):
        if chosen not in catalogue:
            raise PhoneSetError(
                f"there is no phone set {chosen!r}; resources/phones.yaml has "
                f"{listed_names(sorted(catalogue), chosen)}, and a "
                "mapping of labels to phones is a set too"
            )
        entry = catalogue[chosen]
        labels = entry["labels"]
        if isinstance(labels, list):
            labels = {label: label for label in labels}
        return PhoneSet(labels, tuple(entry["dropped"]), entry.get("stress", False), entry.get("any_case", True))
    if not any(chosen.values()):
        raise PhoneSetError(f"a phone set of {len(chosen)} labels maps none of them to a phone")
    labels: dict[str, str | None] = {}
    for label, phone in chosen.items():
        if composed(label) in labels:
            raise PhoneSetError(
                f"{label!r} stands there twice, in two forms of Unicode, one of them{code_points(label)}"
            )
        labels[composed(label)] = phone and composed(phone)
    return PhoneSet(labels)
