"""What is wrong with a configuration, in words."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Sequence

from layerwise.errors import LINE, LayerwiseError, did_you_mean, listed_names, shown
from layerwise.files.catalogues import locate
from layerwise.files.plain_files import kind_of
from layerwise.models.catalogue import is_url

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


def no_file(key: str, path: str) -> list[str]:
    """What lies in place of a file of the user's that a plan and jobs read where it is."""
    found = in_place_of_file(path)
    return [f"{key}: {path} {found}"] if found else []


def in_place_of_file(path: str) -> str:
    """The same without key and path; "" where it is a file that may be read."""
    there = locate(path)
    if is_url(path):
        return "is an address; a file on this machine is expected: download it first"
    if not os.path.exists(there):
        return "does not exist; a file is expected"
    if not os.path.isfile(there):
        return f"is {kind_of(there.stat().st_mode)}; a file is expected"
    return "" if os.access(there, os.R_OK) else "may not be read; change its permissions (chmod u+r)"
