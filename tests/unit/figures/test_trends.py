import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from matplotlib.image import imread

from layerwise.figures.heatmap import plot_heatmap
from layerwise.figures.overview import plot_overview
from layerwise.figures.trends import plot_trends
from layerwise.figures.words import title_of
from layerwise.scoring.properties import property_of
from layerwise.tables.files import read_table
from layerwise.tables.scores import collect_scores
from layerwise.tables.trends import summarise_trends
from shipped_properties import PROPERTIES as SHIPPED
from shipped_properties import chosen
from synthetic_scores import write_experiment

TITLES = {"hubert": "HuBERT", "wav2vec2": "wav2vec 2.0"}
METRICS = ["pwcca"]


def some_skipped(property_name, model, layer):
    if property_name == "word" or (property_name == "phone" and model == "random"):
        return "skipped", f"{property_name}, sample 1: 141 training rows cannot carry 768 dimensions"
    if (property_name, model, layer) == ("phone", "hubert", "T2"):
        return "flagged", "40 of 48 dimensions kept"
    return "ok", ""


@pytest.fixture(scope="module")
def trends(tmp_path_factory):
    return make_trends(tmp_path_factory.mktemp("trends"), {"hubert": 4, "wav2vec2": 4, "random": 2})


def make_trends(folder, blocks, **options):
    properties = ["mel", "phone", "word"]
    files = write_experiment(folder, blocks, properties, status=some_skipped, metrics=METRICS, chance=True, **options)
    collect_scores(files, dict.fromkeys(properties, METRICS), properties, list(blocks), blocks, folder / "scores.csv")
    summarise_trends(folder / "scores.csv", 10, folder / "trends.csv")
    return folder / "trends.csv"


@pytest.fixture
def draw(trends, tmp_path):
    """Calls one of the plot functions and returns its figure and the words in its SVG."""

    def run(function, *which, models=("hubert", "wav2vec2", "random"), source=trends, **options):
        svg, png = tmp_path / "plot.svg", tmp_path / "plot.png"
        figure = function(source, *map(asked, which), metrics_of(*which), models, TITLES, svg, png, **options)
        assert imread(png).ndim == 3
        texts = [element.text for element in ElementTree.parse(svg).iter("{http://www.w3.org/2000/svg}text")]
        return figure, " ".join(text for text in texts if text)

    return run


def metrics_of(which):
    """The metric of one property, or that of each."""
    return "pwcca" if isinstance(which, str) else dict.fromkeys(which, "pwcca")


def asked(which):
    """The property of a name, or those of some names."""
    return SHIPPED[which] if isinstance(which, str) else chosen(which)


def lines_of(axes, label):
    return [line for line in axes.get_lines() if line.get_label() == label]


def test_trends_draw_a_line_and_a_band_per_model_over_depth(draw, trends):
    figure, words = draw(plot_trends, "mel")
    (axes,) = figure.axes
    (line,) = lines_of(axes, "HuBERT")
    assert list(line.get_xdata()) == [0, 0.25, 0.5, 0.75, 1]
    table = read_table(trends).set_index(["property", "model", "metric", "layer"])
    assert line.get_ydata()[3] == table.loc[("mel", "hubert", "pwcca", "T3"), "mean"]
    assert list(lines_of(axes, "random")[0].get_xdata()) == [0, 0.5, 1]
    assert len(axes.collections) == 3
    assert len(lines_of(axes, "_chance")) == 3
    for expected in ("CCA-mel: acoustic content", "projection-weighted CCA", "depth", "HuBERT", "random", "chance"):
        assert expected in words
    assert "skipped" not in words
    assert "flagged" not in words


def test_models_differ_in_colour_and_in_marker(draw):
    figure, _ = draw(plot_trends, "mel")
    lines = [lines_of(figure.axes[0], name)[0] for name in ("HuBERT", "wav2vec 2.0", "random")]
    assert len({line.get_color() for line in lines}) == 3
    assert len({line.get_marker() for line in lines}) == 3


def test_twelve_models_all_look_different(tmp_path, draw):
    blocks = {f"model-{i}": 12 + 12 * (i % 2) for i in range(12)}
    figure, words = draw(plot_trends, "mel", models=list(blocks), source=make_trends(tmp_path, blocks))
    looks = {
        (line.get_color(), line.get_marker(), line.get_linestyle())
        for line in figure.axes[0].get_lines()
        if not line.get_label().startswith("_")
    }
    assert len(looks) == 12
    assert all(model in words for model in blocks)


def test_the_layer_axis_parts_conv_layers_from_blocks(draw):
    figure, words = draw(plot_trends, "mel", axis="layer")
    (axes,) = figure.axes
    convs, blocks = lines_of(axes, "HuBERT")
    assert list(convs.get_xdata()) == [1, 2, 3, 4, 5, 6, 7]
    assert list(blocks.get_xdata()) == [9, 10, 11, 12, 13]
    (boundary,) = lines_of(axes, "_boundary")
    assert list(boundary.get_xdata()) == [8, 8]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == [
        *(f"C{i}" for i in range(1, 8)),
        *(f"T{i}" for i in range(5)),
    ]
    assert "conv encoder" in words


def test_without_conv_layers_the_layer_axis_starts_at_t0(draw):
    figure, _ = draw(plot_trends, "phone", axis="layer")
    assert [tick.get_text() for tick in figure.axes[0].get_xticklabels()] == ["T0", "T1", "T2", "T3", "T4"]
    assert not lines_of(figure.axes[0], "_boundary")


def test_flagged_layers_are_hollow_and_skipped_models_are_noted(draw):
    figure, words = draw(plot_trends, "phone")
    (axes,) = figure.axes
    (hollow,) = lines_of(axes, "_flagged")
    assert list(hollow.get_xdata()) == [0.5]
    assert hollow.get_markerfacecolor() == "white"
    assert 2 not in lines_of(axes, "HuBERT")[0].get_markevery()
    assert not lines_of(axes, "random")
    assert "random skipped: phone, sample 1: 141 training rows" in words
    assert "flagged" in words


@pytest.mark.parametrize("function", [plot_trends, plot_heatmap])
def test_a_plot_without_any_score_exists_and_says_why(draw, function):
    figure, words = draw(function, "word")
    assert not figure.axes[0].get_lines()
    assert "HuBERT, wav2vec 2.0, random skipped: word, sample 1: 141 training rows" in words
    assert "CCA-word" in words


def test_an_unknown_axis_is_refused(draw):
    with pytest.raises(ValueError, match="axis is 'time'"):
        draw(plot_trends, "mel", axis="time")


def test_the_heat_map_has_a_cell_per_score(draw):
    figure, words = draw(plot_heatmap, "mel")
    (mesh,) = figure.axes[0].collections
    cells = mesh.get_array()
    assert cells.shape == (12, 3)  # C1 to C7 and T0 to T4, three models
    assert np.ma.getmaskarray(cells)[:, 2].tolist() == [False] * 10 + [True] * 2  # `random` has two blocks
    assert len(re.findall(r"\b0\.\d\d\b", words)) >= 34
    assert "wav2vec 2.0" in words
    assert "skipped" not in words


def test_the_heat_map_hatches_the_skipped_and_marks_the_flagged(draw):
    figure, words = draw(plot_heatmap, "phone")
    patches = figure.axes[0].patches
    hatched = [patch.get_xy() for patch in patches if patch.get_hatch()]
    assert hatched == [(2, 0), (2, 1), (2, 2)]
    assert len(patches) == 4  # and one frame around the flagged cell
    assert len(re.findall(r"0\.\d\d\*", words)) == 1


def test_the_overview_has_a_panel_per_property(draw):
    figure, words = draw(plot_overview, ["mel", "phone", "word"])
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "CCA-mel\nacoustic content",
        "CCA-phone\nphonetic content",
        "CCA-word\nword identity",
    ]
    assert [len(lines_of(axes, "HuBERT")) for axes in figure.axes] == [1, 1, 0]
    assert "skipped: HuBERT, wav2vec 2.0, random" in " ".join(words.split())
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()][:3] == ["HuBERT", "wav2vec 2.0", "random"]


@pytest.mark.parametrize("groups", [None, {"hubert": "Same", "wav2vec2": "Same", "random": "Same"}])
@pytest.mark.parametrize("function", [plot_trends, plot_overview])
def test_every_model_has_its_legend_entry_whatever_it_is_called(trends, tmp_path, function, groups):
    """Also where two share a title, and one has that of a mark; the program itself tells titles apart."""
    titles = {"hubert": "Same", "wav2vec2": "Same", "random": "chance level of each model"}
    which = "mel" if function is plot_trends else ["mel", "phone"]
    outs = (tmp_path / "plot.svg", tmp_path / "plot.png")
    figure = function(trends, asked(which), metrics_of(which), list(titles), titles, *outs, groups=groups)
    shown = [text.get_text() for text in figure.legends[0].get_texts()]
    assert shown.count("Same") == 2
    assert shown.count("chance level of each model") == 2
    assert len({line.get_marker() for line in figure.legends[0].get_lines() if line.get_label() == "Same"}) == 2


@pytest.mark.parametrize(
    "title",
    [
        *("$x$ and $\\oops$", "$\\frac{1}$", "$", "_private", "R&D <v2>", "100 % {0} \\n", "'\"HuBERT\"'"),
        *("語音 😀", "\u05e9\u05dc\u05d5\u05dd", r"\x1b[2J", "x" * 200),
    ],
)
@pytest.mark.filterwarnings("ignore:Glyph", "ignore:constrained_layout not applied")
def test_titles_are_shown_as_they_are(trends, tmp_path, title):
    svg = tmp_path / "plot.svg"
    for function, which in (
        (plot_trends, "mel"),
        (plot_overview, ["mel"]),
        (plot_heatmap, "mel"),
    ):
        function(trends, asked(which), metrics_of(which), ["hubert"], {"hubert": title}, svg, tmp_path / "plot.png")
        assert title in [element.text for element in ElementTree.parse(svg).iter() if element.text]


def test_the_legend_of_the_overview_fits_long_titles(trends, tmp_path):
    titles = {name: f"{title}, {'trained for long ' * 2}" for name, title in TITLES.items()}
    outs = [tmp_path / f"overview.{kind}" for kind in ("svg", "png")]
    figure = plot_overview(trends, asked(["mel", "phone"]), metrics_of(["mel", "phone"]), list(titles), titles, *outs)
    (legend,) = figure.legends
    box = legend.get_window_extent()
    assert box.x0 >= 0
    assert box.x1 <= figure.bbox.width


@pytest.mark.parametrize(
    ("function", "which"),
    [(plot_trends, "phone"), (plot_heatmap, "phone"), (plot_overview, ["mel", "phone"])],
)
def test_pictures_have_the_same_bytes_each_time(trends, tmp_path, function, which):
    written = []
    for name in ("one", "two"):
        files = [tmp_path / f"{name}.svg", tmp_path / f"{name}.png"]
        function(trends, asked(which), metrics_of(which), ["hubert", "random"], TITLES, *files)
        written.append([file.read_bytes() for file in files])
    assert written[0] == written[1]


def test_properties_without_a_title_and_unknown_metrics_keep_their_names():
    assert title_of(property_of("mine", {"rows": "frame", "target": {"acoustics": "f0"}}), "pwcca") == "CCA-mine"
    assert title_of(SHIPPED["phone"], "rsa") == "rsa-phone: phonetic content"


def test_models_of_a_group_share_a_colour_and_stand_together_in_the_legend(draw):
    groups = {"hubert": "masked unit prediction", "wav2vec2": "masked contrastive", "random": "masked unit prediction"}
    figure, _ = draw(plot_trends, "mel", groups=groups)
    looks = {label: lines_of(figure.axes[0], label)[0] for label in ("HuBERT", "wav2vec 2.0", "random")}
    assert looks["HuBERT"].get_color() == looks["random"].get_color() != looks["wav2vec 2.0"].get_color()
    assert len({line.get_marker() for line in looks.values()}) == 3
    shown = [text.get_text() for text in figure.legends[0].get_texts()]
    assert shown[:5] == ["masked unit prediction:", "HuBERT", "random", "masked contrastive:", "wav2vec 2.0"]
    figure, words = draw(plot_overview, ["mel", "word"], groups=groups)
    assert "masked contrastive:" in words


def test_titles_of_what_needs_alignments_say_that_they_are_automatic(draw, tmp_path):
    given = draw(plot_trends, "phone")[1]
    assert "automatic" not in given
    source = make_trends(tmp_path, {"hubert": 2}, alignments="automatic")
    for function in (plot_trends, plot_heatmap):
        for name in ("phone", "word"):
            assert "(automatic alignments)" in draw(function, name, models=["hubert"], source=source)[1]
        assert "automatic" not in draw(function, "mel", models=["hubert"], source=source)[1]
    figure, _ = draw(plot_overview, ["mel", "phone"], models=["hubert"], source=source)
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "CCA-mel\nacoustic content",
        "CCA-phone\nphonetic content\n(automatic alignments)",
    ]
