"""Heat maps of layers by layers of another model."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.image import imread

from layerwise.figures.matrices import plot_matrices
from layerwise.scoring.properties import property_of
from layerwise.tables.matrices import read_matrices, summarise_matrices
from synthetic_scores import always_ok, write_matrix

TITLES = {"hubert": "HuBERT", "other": "Other 2.0"}


def pairs_of(title="likeness to every layer"):
    entry = {"rows": "frame", "target": {"model": "other", "layer": "all"}, "title": title}
    return property_of("pairs", entry)


@pytest.fixture
def draw(tmp_path):
    """Draws the pairs of models with so many blocks; returns the figure, the words in its SVG, and the table."""

    def run(
        blocks, other_blocks=4, status=always_ok, title="likeness to every layer", alignments="given", metric="pwcca"
    ):
        question = pairs_of(title)
        files = write_matrix(tmp_path / "scores", "pairs", blocks, other_blocks, 1, 2, status, alignments)
        table, svg, png = tmp_path / "layer_matrices.csv", tmp_path / "plot.svg", tmp_path / "plot.png"
        summarise_matrices(
            files, {"pairs": ["pwcca"]}, {"pairs": question}, list(blocks), blocks, 10, "utterance", "corpus", table
        )
        figure = plot_matrices(table, question, metric, list(blocks), TITLES, svg, png)
        assert imread(png).ndim == 3
        texts = [element.text for element in ElementTree.parse(svg).iter("{http://www.w3.org/2000/svg}text")]
        return figure, " ".join(text for text in texts if text), read_matrices(table)

    return run


def panels_of(figure):
    return [axes for axes in figure.axes if axes.get_visible() and axes.get_ylabel() == "layer"]


def values_of(axes):
    (mesh,) = [each for each in axes.collections if each.get_array() is not None]
    return np.ma.filled(mesh.get_array().astype(float), np.nan)


def test_each_model_has_a_panel_on_one_scale(draw):
    figure, words, table = draw({"hubert": 2, "wav2vec2": 4})
    panels = panels_of(figure)
    assert [axes.get_title(loc="left") for axes in panels] == ["HuBERT", "wav2vec2"]
    assert {axes.get_xlabel() for axes in panels} == {"layer of Other 2.0"}
    expected = table.set_index(["model", "layer", "other_layer"])["mean"]
    found = values_of(panels[0])
    assert found.shape == (3, 5)
    assert found[1, 2] == expected["hubert", "T1", "T2"]
    assert len({(mesh.norm.vmin, mesh.norm.vmax) for axes in panels for mesh in axes.collections}) == 1
    assert "CCA-pairs: likeness to every layer" in words
    assert "projection-weighted CCA" in words  # beside the bar of colours


@pytest.mark.parametrize(("blocks", "named", "written"), [(12, 13, True), (24, 13, False), (48, 13, False)])
def test_layers_are_named_as_far_as_there_is_room(draw, blocks, named, written):
    figure, words, _ = draw({"hubert": blocks}, blocks)
    (axes,) = panels_of(figure)
    for axis in (axes.xaxis, axes.yaxis):
        assert [label.get_text() for label in axis.get_ticklabels()] == [
            f"T{i}" for i in range(0, blocks + 1, -(-(blocks + 1) // 16))
        ]
        assert len(axis.get_ticklabels()) == named
    assert (".88" in words) == written
    assert figure.get_figwidth() < 16


@pytest.mark.parametrize("models", [1, 3, 4, 7])
def test_panels_of_many_models_stand_three_abreast(draw, models):
    figure, words, _ = draw({f"model-{number}": 2 for number in range(models)})
    assert len(panels_of(figure)) == models
    assert all(f"model-{number}" in words for number in range(models))


def test_skipped_and_flagged_pairs_are_marked(draw):
    def status(property_name, model, layers):
        return {"T1 T1": ("flagged", "kept 3 of 48"), "T2 T0": ("skipped", "too few")}.get(layers, ("ok", ""))

    figure, words, _ = draw({"hubert": 2}, status=status)
    (axes,) = panels_of(figure)
    assert np.isnan(values_of(axes)).sum() == 1
    assert np.isnan(values_of(axes)[2, 0])
    assert "skipped" in words
    assert "* flagged" in words
    assert "*" in [text.get_text()[-1] for text in axes.texts]


def test_where_all_was_skipped_the_reason_stands_instead(draw):
    _, words, _ = draw({"hubert": 2, "wav2vec2": 2}, status=lambda *_: ("skipped", "nobody speaks twice"))
    assert "HuBERT, wav2vec2 skipped: nobody speaks twice" in words
    assert "CCA-pairs" in words


def test_a_model_that_was_skipped_has_no_panel(draw):
    def status(property_name, model, layers):
        return ("skipped", "too few") if model == "wav2vec2" else ("ok", "")

    figure, _, _ = draw({"hubert": 2, "wav2vec2": 2}, status=status)
    assert len(panels_of(figure)) == 1


def test_a_metric_that_nothing_has_says_so(draw):
    assert "No layer has a score of svcca." in draw({"hubert": 2}, metric="svcca")[1]


def test_one_layer_beside_one_layer(draw):
    figure, _, _ = draw({"hubert": 1}, 1)
    assert values_of(panels_of(figure)[0]).shape == (2, 2)


def test_long_titles_are_broken_into_lines(draw):
    figure, _, _ = draw({"hubert": 2}, title="every layer of another model, " * 6)
    assert figure.get_suptitle().count("\n") > 2
    box = figure._suptitle.get_window_extent(FigureCanvasAgg(figure).get_renderer())
    assert 0 <= box.x0 < box.x1 <= figure.bbox.width


def test_pictures_have_the_same_bytes_each_time(draw, tmp_path):
    written = []
    for _ in range(2):
        draw({"hubert": 3})
        written.append([(tmp_path / f"plot.{kind}").read_bytes() for kind in ("svg", "png")])
    assert written[0] == written[1]
