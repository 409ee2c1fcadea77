"""Charts of scores over layers: what they are of, how they tell models apart, and that they can be drawn."""

import re
import xml.etree.ElementTree as ElementTree
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import vl_convert

from charts import encodings_of, rows_of, views, words_of
from layerwise.figures.heatmap import heatmap, span_of
from layerwise.figures.legend import CHANCE, MARKS, entries, line_of
from layerwise.figures.look import DASHES, ISOLATED, SHAPES, Models, rounded
from layerwise.figures.overview import overview
from layerwise.figures.rendering import draw
from layerwise.figures.trends import trends_chart
from layerwise.figures.words import FLAGGED, title_of
from layerwise.scoring.properties import property_of
from layerwise.tables.files import read_table
from layerwise.tables.scores import collect_scores
from layerwise.tables.trends import summarise_trends
from shipped_properties import PROPERTIES as SHIPPED
from shipped_properties import chosen
from synthetic_scores import record, write_experiment, write_score

TITLES = {"hubert": "HuBERT", "wav2vec2": "wav2vec 2.0"}
MODELS = ("hubert", "wav2vec2", "random")
METRICS = ["pwcca"]
SVG = "{http://www.w3.org/2000/svg}"


def some_skipped(property_name, model, layer):
    if property_name == "word" or (property_name == "phone" and model == "random"):
        return "skipped", f"{property_name}, sample 1: 141 training rows cannot carry 768 dimensions"
    if (property_name, model, layer) == ("phone", "wav2vec2", "T3"):
        return "skipped", "phone, sample 1: too few rows"
    if (property_name, model, layer) == ("phone", "hubert", "T2"):
        return "flagged", "40 of 48 dimensions kept"
    return "ok", ""


@pytest.fixture(scope="module")
def trends(tmp_path_factory):
    return make_trends(tmp_path_factory.mktemp("trends"), {"hubert": 4, "wav2vec2": 4, "random": 2})


def make_trends(folder, blocks, properties=("mel", "phone", "word"), **options):
    options = {"status": some_skipped, "metrics": METRICS, "chance": True} | options
    files = write_experiment(folder, blocks, properties, **options)
    return collected(folder, files, blocks, properties)


def collected(folder, files, blocks, properties):
    metrics = dict.fromkeys(properties, METRICS)
    collect_scores(files, metrics, list(properties), list(blocks), blocks, folder / "scores.csv")
    summarise_trends(folder / "scores.csv", 10, folder / "trends.csv")
    return folder / "trends.csv"


def of_one(trends, name, models=MODELS, titles=TITLES, **options):
    return trends_chart(trends, SHIPPED[name], "pwcca", models, titles, **options)


def heat(trends, name, models=MODELS, titles=TITLES):
    return heatmap(trends, SHIPPED[name], "pwcca", models, titles)


def of_all(trends, names, models=MODELS, titles=TITLES, **options):
    return overview(trends, chosen(names), dict.fromkeys(names, "pwcca"), models, titles, **options)


def picture(chart):
    return ElementTree.fromstring(vl_convert.vegalite_to_svg(chart.to_dict()))


def marks_of(root, kind):
    """The paths of all marks of a kind: their attributes."""
    return [
        path.attrib
        for group in root.iter(f"{SVG}g")
        if f"mark-{kind} " in group.get("class", "") and "role-mark" in group.get("class", "")
        for path in group.iter(f"{SVG}path")
    ]


def legend_of(chart):
    """The entries of its legend: label → (colour, path)."""
    (colour,) = (each for each in encodings_of(chart, "color") if each.get("field") == "entry")
    (shape,) = (each for each in encodings_of(chart, "shape") if each.get("field") == "entry")
    scale = colour["scale"]
    return dict(zip(scale["domain"], zip(scale["range"], shape["scale"]["range"], strict=True), strict=True))


def panels_of(chart):
    return chart.to_dict()["vconcat"][0]["concat"]


def test_trends_are_the_rows_of_the_table_over_depth(trends):
    chart = of_one(trends, "mel")
    rows = rows_of(chart).set_index(["model", "layer"])
    assert rows.loc["hubert", "depth"].tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert rows.loc["random", "depth"].tolist() == [0, 0.5, 1]
    table = read_table(trends).set_index(["property", "model", "metric", "layer"])
    expected = table.loc[("mel", "hubert", "pwcca", "T3")]
    for column in ("mean", "low", "high", "chance"):
        assert rows.loc[("hubert", "T3"), column] == float(f"{expected[column]:.6g}")
    assert rows.loc[("hubert", "T3"), ["kept_x", "kept_y"]].tolist() == [48, 39]
    words = words_of(chart)
    for expected in ("CCA-mel: acoustic content", "projection-weighted CCA", "depth", "HuBERT", "random", CHANCE):
        assert expected in words
    assert "skipped" not in words
    assert "flagged" not in words


def test_a_mark_says_what_is_known_of_it_and_nothing_that_is_not(tmp_path):
    """An empty cell is no zero."""
    trends = make_trends(tmp_path, {"hubert": 1}, samples=1, trials=1, chance=False)
    spec = of_one(trends, "mel", axis="layer").to_dict()
    labels = [
        path.get("aria-label")
        for path in ElementTree.fromstring(vl_convert.vegalite_to_svg(spec)).iter(f"{SVG}path")
        if "state" in (path.get("aria-label") or "")
    ]
    for expected in ("interval: none", "by chance: unknown", "dimensions kept: 48 and 39", "rows: 1,000", "state: ok"):
        assert any(expected in label for label in labels)
    assert not any("0.000" in label or "NaN" in label for label in labels)


def test_a_picture_has_a_line_a_band_and_a_chance_level_for_each_model(trends):
    root = picture(of_one(trends, "mel"))
    assert len(marks_of(root, "area")) == 3
    assert len(marks_of(root, "line")) == 6
    assert len(marks_of(root, "symbol")) == 5 + 5 + 3


def test_models_differ_in_colour_and_in_mark_also_in_the_legend(trends):
    shown = legend_of(of_one(trends, "mel"))
    models = [shown[name] for name in ("HuBERT", "wav2vec 2.0", "random")]
    assert len({colour for colour, _ in models}) == 3
    assert len({path for _, path in models}) == 3


def test_fifty_models_look_different_and_are_all_in_the_legend(tmp_path):
    names = [f"model-{i}" for i in range(50)]
    cast = Models.of(names, {})
    looks = {(cast.colours[name], cast.shapes[name], tuple(cast.dashes[name])) for name in names}
    assert len(looks) == 50
    blocks = {name: 48 if name == "model-0" else 1 for name in names}
    source = make_trends(tmp_path, blocks, ["mel"], samples=1, trials=1)
    chart = of_one(source, "mel", names, {}, axis="layer")
    shown = legend_of(chart)
    assert [name for name in shown if name in names] == names
    assert len({shown[name] for name in names}) == 50
    root = picture(chart)
    assert float(root.get("width")) < 900
    ticks = [
        text
        for text in root.iter(f"{SVG}text")
        if re.fullmatch(r"[CT]\d+", text.text or "") and text.get("opacity") != "0"
    ]
    places = sorted(float(re.search(r"translate\(([\d.]+)", text.get("transform"))[1]) for text in ticks)
    assert 5 < len(places) < 40
    assert min(b - a for a, b in pairwise(places)) > 22  # three letters


def test_dashes_are_in_the_legend():
    names = [f"model-{i}" for i in range(7 * len(DASHES))]
    marks = re.compile("|".join(map(re.escape, MARKS.values())))
    found = [marks.sub("", entry.path) for entry in entries(Models.of(names, {}), names)]
    assert len(set(found)) == len(DASHES)
    assert found[0].count("Z") == 1  # one piece
    assert min(path.count("Z") for path in found[7:]) > 2


@pytest.mark.parametrize("shape", SHAPES)
def test_symbols_of_the_legend_are_areas_that_go_one_way_round(shape):
    """A line through a mark that goes the other way round would cut a hole into it."""

    def turn(path):
        points = [tuple(map(float, pair.split(",")[-2:])) for pair in re.findall(r"[ML]([-\d.,]+)", path)]
        return sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(points, points[1:] + points[:1], strict=True))

    assert turn(line_of([1, 0])) > 0
    if shape != "circle":
        assert turn(MARKS[shape]) > 0


def test_the_legend_has_full_colours(trends):
    for chart in (of_one(trends, "mel"), of_all(trends, ["mel", "phone"])):
        symbols = [
            path.attrib
            for group in picture(chart).iter(f"{SVG}g")
            if "role-legend-symbol" in group.get("class", "")
            for path in group.iter(f"{SVG}path")
        ]
        assert len(symbols) >= 4
        assert all(float(each.get("opacity", 1)) == 1 for each in symbols)
        assert all(float(each.get("fill-opacity", 1)) == 1 for each in symbols)


def test_the_layer_axis_parts_conv_layers_from_blocks(trends):
    chart = of_one(trends, "mel", axis="layer")
    x = next(each for each in encodings_of(chart, "x") if each.get("field") == "layer")
    convs, blocks = [f"C{i}" for i in range(1, 8)], [f"T{i}" for i in range(5)]
    assert x["scale"]["domain"] == [*convs, " ", *blocks]
    rows = rows_of(chart)
    assert dict(rows[rows["model"] == "hubert"].groupby("run")["layer"].agg(list)) == {"C1": convs, "T0": blocks}
    assert {"conv encoder", "transformer"} <= set(re.findall("conv encoder|transformer", words_of(chart)))
    assert len(marks_of(picture(chart), "line")) == 12


def test_without_conv_layers_the_layer_axis_starts_at_t0(trends):
    chart = of_one(trends, "phone", axis="layer")
    x = next(each for each in encodings_of(chart, "x") if each.get("field") == "layer")
    assert x["scale"]["domain"] == ["T0", "T1", "T2", "T3", "T4"]
    assert "conv encoder" not in words_of(chart)


@pytest.mark.parametrize("axis", ["depth", "layer"])
def test_no_line_crosses_a_skipped_layer_and_one_left_alone_has_its_interval(trends, axis):
    chart = of_one(trends, "phone", axis=axis)
    rows = rows_of(chart)
    assert rows[rows["model"] == "wav2vec2"].groupby("run", sort=False)["layer"].agg(list).to_dict() == {
        "T0": ["T0", "T1", "T2"],
        "T4": ["T4"],
    }
    root = picture(chart)
    lines = [path for path in marks_of(root, "line") if path["stroke"] == "#D55E00"]
    assert sorted(path["d"].count("L") for path in lines) in ([0, 2], [2])
    of_intervals = [
        line.attrib
        for line in root.iter(f"{SVG}line")
        if line.get("stroke") == "#D55E00" and line.get("y2", "0") != "0"
    ]
    assert len(of_intervals) == 1


def test_flagged_layers_are_hollow_and_skipped_models_are_noted(trends):
    chart = of_one(trends, "phone")
    hollow = [path for path in marks_of(picture(chart), "symbol") if path["fill"] == "white"]
    assert len(hollow) == 1
    assert "depth: " not in hollow[0]["aria-label"]
    assert "layer: T2" in hollow[0]["aria-label"]
    assert "state: flagged: 40 of 48 dimensions kept" in hollow[0]["aria-label"]
    assert "random" not in rows_of(chart)["model"].tolist()
    words = words_of(chart)
    assert "random skipped: phone, sample 1: 141 training rows" in words
    assert FLAGGED in words
    assert "random" not in legend_of(chart)


@pytest.mark.parametrize("function", [of_one, heat])
def test_a_chart_without_any_score_says_why(trends, function):
    words = words_of(function(trends, "word"))
    assert "HuBERT, wav2vec 2.0, random skipped: word, sample 1: 141 training rows" in words
    assert "CCA-word" in words


def test_an_unknown_axis_is_refused(trends):
    with pytest.raises(ValueError, match="axis is 'time'"):
        of_one(trends, "mel", axis="time")


@pytest.mark.parametrize("function", [of_one, heat, lambda path, name, *rest: of_all(path, [name], *rest)])
@pytest.mark.parametrize("convs", [False, True])
def test_one_model_and_one_layer_are_enough(tmp_path, function, convs):
    name, layer = ("mel", "C3") if convs else ("phone", "T2")
    files = [write_score(tmp_path / "s", record(name, "m", layer, 1, [{"pwcca": 0.5}, {"pwcca": 0.6}]))]
    path = collected(tmp_path, files, {"m": 4}, [name])
    words = words_of(function(path, name, ["m"], {}))
    assert "CCA-" in words
    if function is heat:
        assert "0.55" in words


def test_a_reader_chooses_and_isolates(trends):
    for chart in (of_one(trends, "mel"), heat(trends, "mel"), of_all(trends, ["mel", "phone"])):
        spec = chart.to_dict()
        assert [each["name"] for each in spec["params"]] == ["chosen", ISOLATED]
        spec["params"][0]["value"] = ["random"]
        root = ElementTree.fromstring(vl_convert.vegalite_to_svg(spec))
        labels = [path.get("aria-label", "") for path in root.iter(f"{SVG}path")]
        assert any("model: random" in label for label in labels)
        assert not any("model: HuBERT" in label for label in labels)
    spec = of_one(trends, "mel").to_dict()
    spec["params"][1]["value"] = "hubert"
    marks = marks_of(ElementTree.fromstring(vl_convert.vegalite_to_svg(spec)), "symbol")
    assert {float(path.get("opacity", 1)) for path in marks if "HuBERT" in path["aria-label"]} == {1}
    assert max(float(path.get("opacity", 1)) for path in marks if "HuBERT" not in path["aria-label"]) < 0.2


def test_the_heat_map_has_a_cell_per_score(trends):
    chart = heat(trends, "mel")
    assert len(rows_of(chart)) == 12 + 12 + 10  # C1 to C7 and T0 to T4; `random` has two blocks
    y = encodings_of(chart, "y")[0]
    assert y["sort"] == [f"T{i}" for i in range(4, -1, -1)] + [f"C{i}" for i in range(7, 0, -1)]
    words = words_of(chart)
    assert len(re.findall(r"\b0\.\d\d\b", words)) >= 34
    assert "wav2vec 2.0" in words
    assert "skipped" not in words


def test_the_heat_map_crosses_the_skipped_and_marks_the_flagged(trends):
    words = words_of(heat(trends, "phone"))
    assert words.split().count("×") == 3 + 1 + 2  # three layers of one model, one of another; and both reasons
    assert len(re.findall(r"0\.\d\d\*", words)) == 1
    assert f"* {FLAGGED}" in words


def test_numbers_are_in_cells_while_there_is_room(tmp_path):
    names = [f"model-{i}" for i in range(50)]
    path = make_trends(tmp_path, dict.fromkeys(names, 1), ["phone"], samples=1, trials=1, status=lambda *_: ("ok", ""))
    few, many = (heat(path, "phone", names[:number], {}) for number in (12, 50))
    assert len(re.findall(r"\b0\.\d\d\b", words_of(few))) >= 24
    assert len(re.findall(r"\b0\.\d\d\b", words_of(many))) < 12  # those of the legend
    assert float(picture(many).get("width")) < 1200


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)] if colour[0] == "#" else None
    parts = parts or [int(part) / 255 for part in re.findall(r"\d+", colour)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_numbers_can_be_read_on_every_colour_and_the_darkest_is_the_best(tmp_path):
    records = [record("phone", "m", f"T{i}", 1, [{"pwcca": i / 60}] * 2) for i in range(61)]
    path = collected(tmp_path, [write_score(tmp_path / "s", each) for each in records], {"m": 60}, ["phone"])
    root = picture(heat(path, "phone", ["m"], {}))
    cells = [each["fill"] for each in marks_of(root, "rect") if each["fill"] != "none"]
    inks = [text.get("fill") for text in root.iter(f"{SVG}text") if re.fullmatch(r"\d\.\d\d", text.text or "")][:61]
    assert len(cells) == 61
    shades = [luminance(cell) for cell in cells]
    assert shades == sorted(shades, reverse=True)
    for shade, ink in zip(shades, inks, strict=True):
        other = 1.0 if ink == "white" else 0.0
        low, high = sorted((shade, other))
        assert (high + 0.05) / (low + 0.05) >= 4.5  # what WCAG 2.2 asks for


def test_equal_scores_have_one_colour_also_where_they_differ_by_noise():
    noise = pd.DataFrame({"mean": [0.5, 0.5 + 1e-9], "low": [0.5, 0.5], "high": [0.5, 0.5]})
    low, high = span_of(noise)
    assert high - low == pytest.approx(0.02)
    assert low < 0.5 < high
    uncertain = pd.DataFrame({"mean": [0.5, 0.52], "low": [0.4, 0.42], "high": [0.6, 0.62]})
    assert span_of(uncertain) == pytest.approx((0.41, 0.61))
    clear = pd.DataFrame({"mean": [0.1, 0.9], "low": [0.0, 0.8], "high": [0.2, 1.0]})
    assert span_of(clear) == (0.1, 0.9)
    assert span_of(clear.assign(low=None, high=None).astype(float)) == (0.1, 0.9)


def test_the_overview_has_a_panel_per_property(trends):
    chart = of_all(trends, ["mel", "phone", "word"])
    panels = panels_of(chart)
    assert [panel["title"]["text"] for panel in panels] == [
        ["CCA-mel", "acoustic content"],
        ["CCA-phone", "phonetic content"],
        ["CCA-word", "word identity"],
    ]
    domains = [
        next(
            view["encoding"]["color"]["scale"]["domain"] for view in views(panel) if "color" in view.get("encoding", {})
        )
        for panel in panels[:2]
    ]
    assert domains == 2 * [["HuBERT", "wav2vec 2.0", "random"]]  # all panels have one scale, whatever was skipped
    words = words_of(chart)
    assert "skipped: HuBERT, wav2vec 2.0, random" in " ".join(words.split())
    assert list(legend_of(chart))[:3] == ["HuBERT", "wav2vec 2.0", "random"]


@pytest.mark.parametrize("groups", [None, {"hubert": "Same", "wav2vec2": "Same", "random": "Same"}])
def test_every_model_has_its_legend_entry_whatever_it_is_called(trends, groups):
    """Also where two share a title, and one has that of a mark; the program itself tells titles apart."""
    titles = {"hubert": "Same", "wav2vec2": "Same", "random": CHANCE}
    for chart in (
        of_one(trends, "mel", list(titles), titles, groups=groups),
        of_all(trends, ["mel"], list(titles), titles, groups=groups),
    ):
        shown = legend_of(chart)
        assert {"Same (hubert)", "Same (wav2vec2)"} <= set(shown)
        assert [label.strip() for label in shown].count(CHANCE) == 2
        assert words_of(chart).count(CHANCE) == 2
        assert ("Same:" in shown) == bool(groups)


@pytest.mark.parametrize(
    "title",
    [
        *("$x$ and $\\oops$", "$\\frac{1}$", "$", "_private", "R&D <v2>", "100 % {0} \\n", "'\"HuBERT\"'"),
        *("語音 😀", "\u05e9\u05dc\u05d5\u05dd", r"\x1b[2J"),
    ],
)
def test_titles_are_shown_as_they_are(trends, title):
    for chart in (
        of_one(trends, "mel", ["hubert"], {"hubert": title}),
        of_all(trends, ["mel"], ["hubert"], {"hubert": title}),
        heat(trends, "mel", ["hubert"], {"hubert": title}),
    ):
        texts = ["".join(element.itertext()) for element in picture(chart).iter(f"{SVG}text")]
        assert title in texts


def test_pictures_with_long_titles_stay_narrow(trends):
    titles = dict.fromkeys(MODELS, "trained for long " * 20)
    for chart, most in (
        (of_one(trends, "mel", titles=titles), 980),
        (of_all(trends, ["mel", "phone"], titles=titles), 700),
        (heat(trends, "mel", titles=titles), 800),
    ):
        assert float(picture(chart).get("width")) < most


@pytest.mark.parametrize("make", [lambda path: of_one(path, "phone"), lambda path: heat(path, "phone"), None])
def test_pictures_have_the_same_bytes_each_time(trends, tmp_path, make):
    written = []
    for name in ("one", "two"):
        files = [tmp_path / f"{name}.svg", tmp_path / f"{name}.png"]
        chart = of_all(trends, ["mel", "phone"]) if make is None else make(trends)
        draw(chart.to_dict(), *files)
        written.append([file.read_bytes() for file in files])
    assert written[0] == written[1]
    assert written[0][1].startswith(b"\x89PNG")


def test_properties_without_a_title_and_unknown_metrics_keep_their_names():
    assert title_of(property_of("mine", {"rows": "frame", "target": {"acoustics": "f0"}}), "pwcca") == "CCA-mine"
    assert title_of(SHIPPED["phone"], "rsa") == "rsa-phone: phonetic content"


def test_models_of_a_group_share_a_colour_and_stand_together_in_the_legend(trends):
    groups = {"hubert": "masked unit prediction", "wav2vec2": "masked contrastive", "random": "masked unit prediction"}
    shown = legend_of(of_one(trends, "mel", groups=groups))
    assert shown["HuBERT"][0] == shown["random"][0] != shown["wav2vec 2.0"][0]
    assert len({shown[label][1] for label in ("HuBERT", "wav2vec 2.0", "random")}) == 3
    assert list(shown)[:5] == ["masked unit prediction:", "HuBERT", "random", "masked contrastive:", "wav2vec 2.0"]
    assert "masked contrastive:" in words_of(of_all(trends, ["mel", "word"], groups=groups))


def test_titles_of_what_needs_alignments_say_that_they_are_automatic(trends, tmp_path):
    assert "automatic" not in words_of(of_one(trends, "phone"))
    source = make_trends(tmp_path, {"hubert": 2}, alignments="automatic")
    for function in (of_one, heat):
        for name in ("phone", "word"):
            assert "(automatic alignments)" in " ".join(words_of(function(source, name, ["hubert"])).split())
        assert "automatic" not in words_of(function(source, "mel", ["hubert"]))
    assert [panel["title"]["text"] for panel in panels_of(of_all(source, ["mel", "phone"], ["hubert"]))] == [
        ["CCA-mel", "acoustic content"],
        ["CCA-phone", "phonetic content", "(automatic alignments)"],
    ]


def test_numbers_of_charts_are_short_and_empty_ones_stay_empty():
    table = pd.DataFrame({"a": [0.123456789, -1234567.0, 0.0, None], "n": [1, 2, 3, 4], "name": list("abcd")})
    found = rounded(table)
    assert found["a"].tolist()[:3] == [0.123457, -1234570.0, 0.0]
    assert np.isnan(found["a"].iloc[3])
    assert found["n"].tolist() == [1, 2, 3, 4]
