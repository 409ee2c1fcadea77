"""What is wrong with a configuration, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from layerwise.errors import LINE, LayerwiseError, did_you_mean, listed_names, shown

HINTED = 10  # errors of a kind that name the nearest of what is allowed, as comparing takes long


class ConfigurationError(LayerwiseError):
    """A key or value of the configuration is wrong; each line names the path of a key."""

    is_list = True


def listed(errors: Iterable[str]) -> str:
    return "the configuration cannot be used:\n" + "\n".join(f"  - {shown(error, LINE)}" for error in errors)


def unknown(key: str, names: Sequence[str], allowed: Iterable[str], what: str) -> list[str]:
    known = set(allowed)
    return [
        f"{key}: {name!r} is not {what}{hint(allowed, name) if number < HINTED else ''}"
        for number, name in enumerate(name for name in names if name not in known)
    ]


def hint(allowed: Iterable[str], found: str) -> str:
    return f"{did_you_mean(allowed, found)}; allowed: {listed_names(allowed, found)}"


def repeated(key: str, names: Sequence[str]) -> list[str]:
    return [f"{key}: {name!r} stands there {count} times" for name, count in Counter(names).items() if count > 1]
