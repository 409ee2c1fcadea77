"""Numbers and tables in LaTeX."""

import math

import pytest

from layerwise.tables.latex import Block, Notes, escaped, number, tabular


def test_what_latex_would_read_as_commands_is_escaped():
    assert escaped(r"a_b & 50 % {x} $y$ #1") == r"a\_b \& 50 \% \{x\} \$y\$ \#1"
    assert escaped("~/m^2\\n") == r"\textasciitilde{}/m\textasciicircum{}2\textbackslash{}n"
    assert escaped("R² ± 1 < 2") == r"R\textsuperscript{2} $\pm$ 1 \textless{} 2"
    assert escaped('say "a"') == r"say \symbol{34}a\symbol{34}"
    assert escaped("one\nline") == r"one\textbackslash{}nline"


@pytest.mark.parametrize(
    ("score", "low", "high", "written"),
    [
        (0.5662, 0.549, 0.583, r"0.566 $\pm$ 0.017"),
        (0.5662, 0.540, 0.571, "0.566 [0.540, 0.571]"),  # written out, as its halves differ
        (0.5662, math.nan, math.nan, "0.566"),
        (math.nan, math.nan, math.nan, ""),
        (-0.0001, math.nan, math.nan, "0.000"),
        (-0.02, -0.05, 0.04, "$-$0.020 [$-$0.050, 0.040]"),
    ],
)
def test_numbers_have_their_intervals(score, low, high, written):
    assert number(score, low, high) == written


def test_notes_have_a_letter_each_however_often_they_are_said():
    notes = Notes()
    assert notes.mark(["few speakers", "by row"]) == r"\textsuperscript{a,b}"
    assert notes.mark(["by row"]) == r"\textsuperscript{b}"
    assert notes.mark([]) == ""
    assert notes.sentences == [r"\textsuperscript{a}~few speakers.", r"\textsuperscript{b}~by row."]
    assert notes.mark([str(number) for number in range(26)]).endswith(",z,aa,ab}")


def test_a_tabular_has_the_rules_of_booktabs_and_as_many_cells_in_each_row():
    text = tabular(
        "lr", ["Layer", "Score"], [Block([["T1", "0.1"], ["T2", "0.2"]], "one"), Block([["T1", ""]])], ["Said."]
    )
    lines = text.split("\n")
    assert [line for line in lines if line.endswith("rule")] == [r"\toprule", r"\midrule", r"\midrule", r"\bottomrule"]
    assert r"\multicolumn{2}{l}{\emph{one}} \\" in lines
    assert [line.count("&") for line in lines if line.endswith(r"\\") and "multicolumn" not in line] == [1] * 4
    assert lines.index("Said.") > lines.index(r"\end{tabular}")


@pytest.mark.parametrize("first", ["[ours]", "*mine"])
def test_the_line_before_does_not_take_a_first_cell_for_an_argument(first):
    lines = tabular("lr", [first, "Score"], [Block([["a", "0.1"], [first, "0.2"]])]).split("\n")
    assert [line for line in lines if first in line] == [rf"{{}}{first} & Score \\", rf"{{}}{first} & 0.2 \\"]
