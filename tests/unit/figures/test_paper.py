"""Figures as wide as a column, and the tables and the sentence of an article."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from PIL import Image

from layerwise.experiment.configuration.schema import schema_of
from layerwise.figures.paper import draw_paper
from layerwise.figures.paper_tables import TIED, Chosen, write_paper
from layerwise.figures.registry import FIGURES
from layerwise.files.own_files import RereadError
from layerwise.tables.latex import escaped
from made_experiment import Asked, write_tables

KINDS = [name for name, figure in FIGURES.items() if figure.in_column]
TITLES = {"a_b": "A_B & co", "hubert": "HuBERT Base", "random-hubert": "random weights (HuBERT Base)"}
SVG = "{http://www.w3.org/2000/svg}"


def some_skipped(name, model, layer):
    if (name, model) == ("mel", "hubert"):
        return "skipped", "mel, sample 1: too few rows (50 % of them)"
    return ("flagged", "40 of 48 dimensions kept") if (model, layer) == ("hubert", "T3") else ("ok", "")


@pytest.fixture(scope="module")
def experiment(tmp_path_factory):
    """What was asked, and the paths of its tables."""
    asked = Asked({"a_b": 4, "hubert": 12, "random-hubert": 4}, TITLES, status=some_skipped)
    return asked, write_tables(asked, tmp_path_factory.mktemp("experiment"))


@pytest.fixture
def drawn(experiment, tmp_path):
    """The bytes of a picture."""

    def run(kind, width_cm=8.0, format="pdf", models=("hubert", "a_b"), question="phone"):
        asked, tables = experiment
        choices = {
            **{"metrics": asked.shown, "metrics_of": {name: [metric] for name, metric in asked.shown.items()}},
            **{"questions": asked.entries, "models": list(models), "titles": TITLES, "groups": None},
        }
        out = tmp_path / f"out.{format}"
        draw_paper(
            {kind: FIGURES[kind].plan(choices, question)}, {"trends": tables["trends"]}, width_cm, format, {kind: out}
        )
        return out.read_bytes()

    return run


def test_kinds_of_the_configuration_are_those_that_fit():
    kinds = schema_of("config.schema.yaml")["properties"]["figures"]["properties"]["kinds"]
    assert kinds["items"]["enum"] == KINDS


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("width_cm", [5, 8, 17.2])
def test_pictures_are_as_wide_as_they_should_be(drawn, kind, width_cm):
    pdf = drawn(kind, width_cm)
    width = float(re.search(rb"/MediaBox ?\[ ?0 0 ([\d.]+)", pdf)[1])
    assert width == pytest.approx(width_cm / 2.54 * 72, abs=0.01)
    assert f'width="{width_cm:.4f}cm"' in drawn(kind, width_cm, "svg").decode().split(">")[0]
    png = Image.open(io.BytesIO(drawn(kind, width_cm, "png")))
    assert png.width == pytest.approx(width_cm / 2.54 * 600, abs=1)
    assert png.info["dpi"][0] == pytest.approx(600, abs=1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("width_cm", [8, 17])
def test_text_has_seven_or_eight_points_whatever_the_width(drawn, kind, width_cm):
    root = ElementTree.fromstring(drawn(kind, width_cm, "svg"))
    points = width_cm / 2.54 * 72 / float(root.get("viewBox").split()[2])
    sizes = {float(re.match(r"[\d.]+", text.get("font-size"))[0]) * points for text in root.iter(f"{SVG}text")}
    assert min(sizes) > 6.5
    assert 7 < max(sizes) < 8.2


@pytest.mark.parametrize("kind", KINDS)
def test_text_of_a_pdf_stays_text(drawn, kind):
    pdf = drawn(kind)
    assert b"/FontFile" in pdf
    assert b"/Subtype /Image" not in pdf


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("models", [["hubert"], ["a_b"], list(TITLES)], ids=len)
def test_nothing_sticks_out(drawn, kind, models):
    """The legend, with its long words, lies inside: the outermost pixels are white."""
    picture = np.asarray(Image.open(io.BytesIO(drawn(kind, 8, "png", models))).convert("L"))
    for edge in (picture[:, :5], picture[:, -5:], picture[:5], picture[-5:]):
        assert edge.min() == 255


def test_only_the_chosen_models_are_drawn_and_nothing_is_said_above(drawn):
    words = drawn("depth", format="svg", models=["a_b"]).decode()
    assert "A_B &amp; co" in words
    assert "HuBERT" not in words
    assert "phonetic content" not in words


def test_without_scores_the_picture_says_so(drawn):
    assert "too few rows" in drawn("depth", format="svg", models=["hubert"], question="mel").decode()


# Tables


def written(experiment, tmp_path, **other_tables):
    asked, tables = experiment
    tables = tables | other_tables
    names = ["phone", "mel", "abx-within"]
    chosen = Chosen(
        **{"experiment": "mine", "corpus": "timit/test", "alignments": "automatic", "samples": 2, "seed": 7},
        models=["hubert", "a_b"],
        titles=TITLES,
        questions={name: asked.questions[name] for name in names},
        metrics={name: asked.shown[name] for name in names},
    )
    figure = FIGURES["depth"]
    (tmp_path / "versions.yaml").write_text("checkout: {commit: 0123abc, changed: false}\n")
    out = {name: tmp_path / name for name in ("best_layers", "recommendations", "figures", "sentence")}
    out |= {f"layers_{name}": tmp_path / f"layers_{name}" for name in names}
    write_paper(
        *(tables["trends"], tables["best_layers"], tables["recommendations"], asked.curves, chosen),
        figures={"phone_depth.pdf": {"question": "phone", "alt": figure.alt, "caption": figure.caption}},
        width_cm=8.5,
        about=dict.fromkeys(names, "Intervals are about draws."),
        journal=tmp_path / "versions.yaml",
        out=out,
    )
    return {name: path.read_text() for name, path in out.items()}


@pytest.fixture
def texts(experiment, tmp_path):
    return written(experiment, tmp_path)


def test_tables_of_two_runs_are_refused(experiment, tmp_path):
    lines = experiment[1]["trends"].read_text().split("\n")
    (tmp_path / "trends.csv").write_text("\n".join(line for line in lines if not line.startswith("phone,a_b,T2,")))
    with pytest.raises(RereadError, match=r"trends\.csv .* no row of phone, a_b, T2, which .*best_layers"):
        written(experiment, tmp_path, trends=tmp_path / "trends.csv")
    assert not (tmp_path / "sentence").exists()


def cells(text, first):
    """The rows of a table that begin with a cell, as lists of cells."""
    rows = [line.removesuffix(r" \\").split(" & ") for line in text.split("\n") if line.endswith(r"\\")]
    return [row for row in rows if row[0] == first]


def test_scores_by_layer_have_intervals_the_best_is_bold_and_ties_are_marked(texts):
    (first, second) = (cells(texts["layers_phone"], layer)[0] for layer in ("T2", "T3"))
    assert re.fullmatch(r"\\textbf\{0\.\d{3} \$\\pm\$ 0\.\d{3}\}", first[2])
    assert second[2].endswith(TIED)
    assert cells(texts["layers_phone"], "T9")[0][2] == ""  # a layer that the model does not have
    assert cells(texts["layers_phone"], "Layer") == [["Layer", "HuBERT Base", r"A\_B \& co"]]
    assert r"too few rows (50 \% of them)" in texts["layers_mel"]
    assert "lower is better" in texts["layers_abx-within"]


def test_best_blocks_are_listed_by_question(texts):
    rows = cells(texts["best_layers"], r"A\_B \& co")
    assert [row[1] for row in rows] == ["T2", "T2", "T4"]
    assert rows[0][3] == "T3"
    missing = cells(texts["best_layers"], "HuBERT Base")[1]
    assert missing[1:] == [r"none\textsuperscript{a}", "", "", ""]
    assert r"\textsuperscript{a}~mel, sample 1: too few rows" in texts["best_layers"]


def test_recommendations_say_what_they_rest_on(texts, experiment):
    """Rows, types, speakers and the seed stand beside each, and cautions below."""
    row = cells(texts["recommendations"], "phone")[1]
    assert row[5:] == [r"1\,000", "39", "18", "1"]
    assert row[2].startswith(r"T2\textsuperscript")
    assert "folds by row" in texts["recommendations"]
    assert "random" not in texts["recommendations"]  # of a model that was not chosen


def test_figures_have_captions(texts):
    assert r"\includegraphics[width=8.5cm]{phone_depth.pdf}" in texts["figures"]
    assert r"\caption{CCA-phone: phonetic content (automatic alignments) over depth." in texts["figures"]
    assert r"95 \% interval" in texts["figures"]


def test_the_sentence_names_all_that_one_has_to_know(texts):
    said = texts["sentence"]
    for words in (
        "They were measured with layerwise ",
        "commit 0123abc, in experiment mine",
        "corpus timit/test, automatic alignments, 2 sample sets, seed 7",
        "HuBERT Base none",
    ):
        assert words in said
    assert re.search(r"CCA-phone: .* \(PWCCA\) are: HuBERT Base T\d+ \(0\.\d{3} ± 0\.\d{3}, chance 0\.\d{3}", said)
    assert said.count("\n") == said.count(") are: ") + 1  # a line for each question, and one for all


# A text of nothing but what LaTeX may stumble on, in every place where names and reasons of others end up.
HOSTILE = r"""<&%$#_{}~^\|"'`…–±×²> é"""


def typesets(*packages: str) -> bool:
    """Whether there is a LaTeX with these packages."""
    if not (shutil.which("pdflatex") and shutil.which("kpsewhich")):
        return False
    return all(subprocess.run(["kpsewhich", f"{name}.sty"], capture_output=True).stdout for name in packages)


@pytest.mark.skipif(not typesets("booktabs", "graphicx"), reason="needs pdflatex with booktabs and graphicx")
@pytest.mark.parametrize("encoding", ["", r"\usepackage[T1]{fontenc}"], ids=["OT1", "T1"])
def test_latex_takes_what_is_written(texts, drawn, tmp_path, encoding):
    (tmp_path / "phone_depth.pdf").write_bytes(drawn("depth"))
    written = "\n\n".join(text for name, text in texts.items() if name != "sentence")
    said = f"{written}\n\n{escaped(HOSTILE)}\n\n\\begin{{tabular}}{{l}}{escaped(HOSTILE)}\\end{{tabular}}"
    packages = rf"{encoding}\usepackage{{booktabs,graphicx}}"
    (tmp_path / "article.tex").write_text(
        f"\\documentclass{{article}}{packages}\n\\begin{{document}}\n{said}\n\\end{{document}}\n"
    )
    run = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "article.tex"], cwd=tmp_path, capture_output=True, text=True
    )
    assert run.returncode == 0, "\n".join(line for line in run.stdout.split("\n") if line.startswith("!"))
    assert (tmp_path / "article.pdf").stat().st_size > 0
