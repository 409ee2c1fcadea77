"""Tables in LaTeX, for booktabs: cells, rows and what is said below them."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from layerwise.errors import LINE, shown
from layerwise.tables.written import half_width, rounded

# What LaTeX does not take as it is, in text. Dashes and the minus are given as inputenc and fontspec both read them, a
# double quote as every encoding has it: babel takes the character itself for a command in some languages.
_ESCAPED = {
    **{character: f"\\{character}" for character in "&%$#_{}"},
    **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"},
    **{"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\symbol{34}"},
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


@dataclass(frozen=True)
class Block:
    """Rows of cells that are LaTeX already, below a line that says what they are of; "": there is no such line."""

    rows: Sequence[Sequence[str]]
    of: str = ""


@dataclass
class Notes:
    """What is said below a table: letters in its cells, and what each stands for."""

    letters: dict[str, str] = field(default_factory=dict)

    def mark(self, notes: Sequence[str]) -> str:
        """The letters of some notes, raised; "" where there are none."""
        marks = [self.letters.setdefault(note, _letter(len(self.letters))) for note in notes]
        return rf"\textsuperscript{{{','.join(marks)}}}" if marks else ""

    @property
    def sentences(self) -> list[str]:
        return [rf"\textsuperscript{{{letter}}}~{escaped(note)}." for note, letter in self.letters.items()]


def tabular(columns: str, heading: Sequence[str], blocks: Sequence[Block], notes: Sequence[str] = ()) -> str:
    """A tabular between the rules of booktabs, and a paragraph below it.

    Args:
        columns: how they are aligned: `llr`.
        heading: a cell for each.
        blocks: a rule parts them.
        notes: sentences, which are LaTeX already.
    """
    lines = ["% \\usepackage{booktabs}", f"\\begin{{tabular}}{{{columns}}}", "\\toprule", _row(heading)]
    for block in blocks:
        said = [_row([f"\\multicolumn{{{len(heading)}}}{{l}}{{\\emph{{{block.of}}}}}"])] if block.of else []
        lines += ["\\midrule", *said, *map(_row, block.rows)]
    lines += ["\\bottomrule", "\\end{tabular}"]
    lines += ["\\par\\smallskip", "{\\noindent\\footnotesize", *notes, "\\par}"] if notes else []
    return "\n".join([*lines, ""])


def _row(cells: Sequence[str]) -> str:
    # The line before takes a bracket or a star that follows it for an argument of its own.
    guard = "{}" if cells[0].startswith(("[", "*")) else ""
    return f"{guard}{' & '.join(cells)} \\\\"


def _letter(index: int) -> str:
    """a … z, and then aa, ab …"""
    return (_letter(index // 26 - 1) if index >= 26 else "") + chr(ord("a") + index % 26)


def _minus(text: str) -> str:
    return f"$-${text[1:]}" if text.startswith("-") else text
