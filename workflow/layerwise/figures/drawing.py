"""Drawing a figure by the name of its function: the module is imported then, and not before."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from layerwise.tables.files import AnyPath


def draw(
    function: str, tables: Mapping[str, AnyPath], arguments: Mapping[str, object], out_svg: AnyPath, out_png: AnyPath
) -> None:
    """Call what draws a figure.

    Args:
        function: `draw` of an entry of `layerwise.figures.registry`.
        tables: paths by the names of tables.
        arguments: what else it is drawn with.
    """
    module, name = function.split(":")
    getattr(import_module(module), name)(**tables, **arguments, out_svg=out_svg, out_png=out_png)
