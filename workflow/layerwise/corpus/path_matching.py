"""Which row of a table is about which recording, where the table has paths that may start anywhere."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import accumulate

from layerwise.corpus.layouts import without_audio_suffixes
from layerwise.files.texts import composed


def matched(paths: Iterable[str], listed: Iterable[str]) -> list[str | None]:
    """Of each path the listed one that means the same file, or None.

    They may start in different folders, so the one is the end of the other: `S1/a.wav` is `/data/wav/S1/a.flac`. The
    suffix of audio does not count. Two listed paths that end alike are told apart by their folders, or mean nothing. So
    does a listed path on which several files end: `a.wav`, where there are `S1/a.wav` and `S2/a.wav`.
    """
    whole: dict[str, str | None] = {}
    endings: dict[str, str | None] = {}
    for name in listed:
        normal = _normal(name)
        whole[normal] = None if normal in whole else name
        for ending in _endings(normal):
            endings[ending] = None if ending in endings else name
    found: dict[str, str | None] = {}
    files_of: dict[str | None, set[str]] = defaultdict(set)
    normal_paths = [_normal(path) for path in paths]
    for path in dict.fromkeys(normal_paths):
        shorter = next((whole[ending] for ending in _endings(path) if ending in whole), None)
        found[path] = shorter or endings.get(path)
        files_of[found[path]].add(path)
    return [found[path] if path in whole or len(files_of[found[path]]) == 1 else None for path in normal_paths]


def _normal(path: str) -> str:
    parts = [part for part in composed(path).replace("\\", "/").split("/") if part not in ("", ".", "..")]
    return without_audio_suffixes("/".join(parts))


def _endings(path: str) -> Iterator[str]:
    """The path, and what is left of it without its first folders, the longest first."""
    parts = path.split("/")
    return iter(list(accumulate(reversed(parts), lambda end, part: f"{part}/{end}"))[::-1])
