"""How every figure looks, and how it is written."""

from __future__ import annotations

import textwrap

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from layerwise.files.atomic import replaced
from layerwise.tables.files import AnyPath

STYLE = {
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "lines.linewidth": 1.5,
    "legend.frameon": False,
    "legend.fontsize": 9,
    "hatch.linewidth": 0.6,
    "hatch.color": "#999999",
    "savefig.dpi": 150,
    "text.parse_math": False,  # a title may hold dollar signs
    "svg.fonttype": "none",  # text stays text: it can be searched, and read by a screen reader
    "svg.hashsalt": "layerwise",  # without a salt of its own, matplotlib draws the ids of an SVG at random
}
# Okabe & Ito, Color Universal Design (2008); their yellow is left out, too faint for a line on white.
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000"]
MARKERS = ["o", "s", "^", "D", "v", "P", "X", "<", ">", "p", "h", "*"]
NOTE_STYLE = {"fontsize": 8, "color": "#444444"}
EMPTY_SIZE = (9, 2.2)  # inches, of a picture that holds only words
WIDE = 4  # models side by side


def write_instead(axes: Axes, text: str) -> None:
    """Words in place of a plot that has nothing to draw."""
    axes.grid(False)
    axes.set(xticks=[], yticks=[], xlabel="", ylabel="")
    axes.spines[:].set_visible(False)
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", **NOTE_STYLE)


def wrapped(text: str, width: int) -> str:
    """Text in lines of at most so many characters."""
    return textwrap.fill(text, width)


def save(figure: Figure, out_svg: AnyPath, out_png: AnyPath) -> Figure:
    """Write both files, the same bytes each time."""
    for out, kind, metadata in ((out_svg, "svg", {"Date": None}), (out_png, "png", {})):
        with replaced(out) as temporary:
            figure.savefig(temporary, format=kind, metadata=metadata)
    return figure
