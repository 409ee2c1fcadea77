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

_STRESS, _TONES = "012", "012345"
KEPT, STRIPPED = "kept", "stripped"  # what becomes of tones
_OTHERS = "phones: ipa takes labels in IPA, and phones: keep labels of any kind, as they are"


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
        tones: of a label's last digit, 0 to 5: `KEPT`, the phone has it too; `STRIPPED`; "": a digit is a letter.
        pattern: where every label is a phone, the regular expression that it fits; "": any.
        description: what the set is, for messages.
    """

    labels: Mapping[str, str | None] | None
    dropped: tuple[str, ...] = ("",)
    stress: bool = False
    any_case: bool = False
    tones: str = ""
    pattern: str = ""
    description: str = ""

    def __post_init__(self) -> None:
        if self.any_case and self.labels is not None:
            object.__setattr__(self, "labels", {label.lower(): phone for label, phone in self.labels.items()})

    @property
    def phones(self) -> list[str] | None:
        """Every phone of the set, in order of the alphabet; None: any, or each with any tone."""
        return (
            None
            if self.labels is None or self.tones == KEPT
            else sorted({phone for phone in self.labels.values() if phone})
        )

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
            if not marks.is_phone(label):
                return None
            if self.pattern and not re.fullmatch(self.pattern, label):
                raise UnknownPhoneError(
                    f"the phone {label!r}{code_points(label)}; expected {self.description}; {_OTHERS}"
                )
            return label
        key = label.lower() if self.any_case else label
        digits = _STRESS if self.stress else _TONES if self.tones else ""
        digit = key[-1] if key[-1] in digits else ""
        key = key.removesuffix(digit)
        if key in self.labels:
            phone = self.labels[key]
            return phone + digit if phone and self.tones == KEPT else phone
        if not marks.is_phone(label):
            return None
        raise UnknownPhoneError(f"the phone {label!r}{code_points(label)}; allowed are {self._allowed()}; {_OTHERS}")

    @cached_property
    def _dropped(self) -> re.Pattern[str]:
        return re.compile("|".join(wildcard(pattern, any_case=self.any_case) for pattern in self.dropped) or "(?!)")

    def _allowed(self) -> str:
        # Where a set only takes stress off, its phones are its labels, in the capitals that people know them by.
        labels = self.phones if self.stress else sorted(self.labels)
        stress = ", each with or without a stress digit 0, 1 or 2" if self.stress else ""
        stress = ", each with or without a tone, 0 to 5" if self.tones else stress
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
        return PhoneSet(
            labels,
            tuple(entry["dropped"]),
            stress=entry.get("stress", False),
            any_case=entry.get("any_case", True),
            tones=entry.get("tones", ""),
            pattern=entry.get("pattern", ""),
            description=entry["description"],
        )
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
