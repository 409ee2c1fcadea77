"""Drawing a figure by the name of its function: the module is imported then, and not before."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module

from layerwise.scoring.properties import Property, read_properties
from layerwise.tables.files import AnyPath


def _only(entries: Mapping[str, Mapping]) -> Property:
    (question,) = read_properties(entries).values()
    return question


# Arguments that stand in the plan as plain values.
_MEANT: dict[str, Callable] = {"properties": read_properties, "question": _only}


def draw(
    function: str, tables: Mapping[str, AnyPath], arguments: Mapping[str, object], out_svg: AnyPath, out_png: AnyPath
) -> None:
    """Call what draws a figure.

    Args:
        function: `draw` of an entry of `layerwise.figures.registry`.
        tables: paths by the names of tables.
        arguments: what else it is drawn with; `properties`, and the one that is the `question`, as entries by name.
    """
    module, name = function.split(":")
    meant = {key: _MEANT[key](value) if key in _MEANT else value for key, value in arguments.items()}
    getattr(import_module(module), name)(**tables, **meant, out_svg=out_svg, out_png=out_png)


def draw_all(figures: Mapping[str, Mapping], tables: Mapping[str, AnyPath], out: Mapping[str, AnyPath]) -> None:
    """Draw the figures of a subject.

    Args:
        figures: by name: what `draw` calls, the names of its tables, and its arguments.
        tables: paths by the names of tables.
        out: paths of pictures: NAME_svg and NAME_png.
    """
    for name, figure in figures.items():
        read = {table: tables[table] for table in figure["tables"]}
        draw(figure["draw"], read, figure["arguments"], out[f"{name}_svg"], out[f"{name}_png"])
