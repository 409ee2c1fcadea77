"""Tables in LaTeX, for booktabs: cells, rows and what is said below them."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from layerwise.errors import LINE, shown
from layerwise.tables.written import half_width, rounded

# What LaTeX does not take as it is, in text. Dashes and the minus are given as inputenc and fontspec both read them.
_ESCAPED = {
    **{character: f"\\{character}" for character in "&%$#_{}"},
    **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"},
    **{"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}"},
    **{"±": r"$\pm$", "×": r"$\times$", "²": r"\textsuperscript{2}", "–": "--", "—": "---", "…": r"\dots{}"},
}
_SPECIAL = re.compile("|".join(map(re.escape, _ESCAPED)))


def escaped(text: object, longest: int = LINE) -> str:
    """Text as LaTeX prints it, in one line: names of models and questions come from anybody."""
    return _SPECIAL.sub(lambda found: _ESCAPED[found[0]], shown(text, longest))


def number(score: float, low: float = math.nan, high: float = math.nan) -> str:
    """A score with its interval: `0.566 ± 0.017`, or `0.566 [0.540, 0.571]` where that is lopsided; NaN is empty."""
    if math.isnan(score):
        return ""
    if math.isnan(low):
        return _minus(rounded(score))
    half = half_width(score, low, high)
    if half is not None:
        return f"{_minus(rounded(score))} $\\pm$ {rounded(half)}"
    return f"{_minus(rounded(score))} [{_minus(rounded(low))}, {_minus(rounded(high))}]"


def tabular(
    columns: str, heading: Sequence[str], blocks: Sequence[Sequence[Sequence[str]]], notes: Sequence[str] = ()
) -> str:
    """A tabular between the rules of booktabs.

    Args:
        columns: how they are aligned: `llr`.
        heading: a cell for each.
        blocks: rows of cells, which are LaTeX already; a rule parts the blocks.
        notes: sentences for the caption, LaTeX already: they stand above as comments, as only the caption of the
            article knows its words.
    """
    lines = ["% \\usepackage{booktabs}", *(f"% {note}" for note in notes), f"\\begin{{tabular}}{{{columns}}}"]
    lines += ["\\toprule", _row(heading)]
    for block in blocks:
        lines += ["\\midrule", *map(_row, block)]
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}", ""])


def _row(cells: Sequence[str]) -> str:
    return f"{' & '.join(cells)} \\\\"


def _minus(text: str) -> str:
    return f"$-${text[1:]}" if text.startswith("-") else text
