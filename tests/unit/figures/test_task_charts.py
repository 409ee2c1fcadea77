"""Charts of tasks: performance against scores, learned weights, and what a choice of layer costs."""

from __future__ import annotations

import pandas as pd
import pytest
import vl_convert

from layerwise.figures.regret import BY_WEIGHT, LAST, SUM, regret
from layerwise.figures.scatter import scatter
from layerwise.figures.weights import weights_chart
from layerwise.tables.comparison import compare, read_comparison
from layerwise.tables.probes import collect_probes
from layerwise.tables.scores import collect_scores
from layerwise.tables.trends import read_trends, summarise_trends
from shipped_properties import PROPERTIES as SHIPPED
from shipped_properties import chosen
from synthetic_probes import write_probe
from synthetic_scores import write_experiment

BLOCKS = {"hubert": 4, "random": 4, "deep": 8}
LAYERS = {model: [f"T{i}" for i in range(blocks + 1)] for model, blocks in BLOCKS.items()}
PROPERTIES = ["intra", "phone", "word"]
METRICS = dict.fromkeys(PROPERTIES, "pwcca")
TITLES = {"hubert": "HuBERT"}
VALUES = {"T0": 0.5, "T1": 0.4, "T2": 0.2, "T3": 0.3, "T4": 0.35, "weighted": 0.18}
DEEP = {f"T{i}": 0.5 - 0.05 * i for i in range(9)} | {"weighted": 0.12}
WEIGHTS = {"T0": 0.05, "T1": 0.1, "T2": 0.15, "T3": 0.5, "T4": 0.2}


def status(name, model, layer):
    if name == "word":
        return "skipped", "word, sample 1: 141 training rows cannot carry 768 dimensions"
    return ("flagged", "40 of 48 kept") if (name, model, layer) == ("phone", "hubert", "T2") else ("ok", "")


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    path = tmp_path_factory.mktemp("tables")
    files = write_experiment(path, BLOCKS, PROPERTIES, metrics=("pwcca",), status=status)
    collect_scores(files, dict.fromkeys(PROPERTIES, ("pwcca",)), PROPERTIES, list(BLOCKS), BLOCKS, path / "scores.csv")
    summarise_trends(path / "scores.csv", 10, path / "trends.csv")
    probes = dict(
        [
            write_probe(path, "pr", "hubert", VALUES, 4, "per", weights=WEIGHTS),
            write_probe(path, "pr", "random", dict.fromkeys(VALUES), 4, "per"),
            write_probe(path, "pr", "deep", DEEP, 8, "per"),
            write_probe(path, "ic", "random", dict.fromkeys(VALUES), 4),
        ]
    )
    external = path / "external.csv"
    external.write_text(
        "task,model,layer,metric,value\npr,hubert,T1,accuracy,0.5\npr,hubert,T2,accuracy,0.6\npr,hubert,T4,accuracy,0.4\n"
    )
    collect_probes(probes, external, ["pr", "ic"], list(BLOCKS), LAYERS, path / "probes.csv")
    table = pd.read_csv(path / "probes.csv")
    table.loc[table["model"] == "random", "weight"] = float("nan")  # a sum that diverged has none
    table.to_csv(path / "probes.csv", index=False)
    compare(path / "scores.csv", path / "probes.csv", SHIPPED, 10, 1, path / "comparison.csv")
    return {name: path / f"{name}.csv" for name in ("probes", "trends", "comparison")}


@pytest.fixture
def made(tables):
    """Makes a chart, and returns its specification, its rows, and the picture."""

    def make(function, read, task="pr", **options):
        found = function(
            **{name: tables[name] for name in read}, task=task, models=list(BLOCKS), titles=TITLES, **options
        )
        spec = found.to_dict()
        rows = max(spec["datasets"].values(), key=lambda rows: len(rows) * len(rows[0]))
        return spec, pd.DataFrame(rows), vl_convert.vegalite_to_svg(spec)

    return make


def scattered(made, task="pr", **options):
    names = ("probes", "trends", "comparison")
    return made(scatter, names, task, properties=chosen(PROPERTIES), metrics=METRICS, **options)


def panels(spec):
    """By the row of panels and the title; the legend stands below them."""
    *rows, legend = spec["vconcat"]
    assert "concat" not in legend
    return {(row, panel["title"]["text"]): panel for row, each in enumerate(rows) for panel in each["concat"]}


def test_a_mark_per_layer_lies_at_its_score_and_performance(made, tables):
    _, rows, _ = scattered(made)
    scores = read_trends(tables["trends"]).set_index(["property", "model", "layer"])["mean"]
    rows = rows.set_index(["model", "layer"])
    assert set(rows.index) == {(model, layer) for model in ("hubert", "deep") for layer in LAYERS[model]}
    assert rows.loc[("hubert", "T3"), "value"] == pytest.approx(30)
    assert rows.loc[("hubert", "T3"), "mean_1"] == pytest.approx(scores["phone", "hubert", "T3"], rel=1e-5)
    assert rows.loc[("hubert", "T2"), "status_1"] == "flagged"
    assert pd.isna(rows.loc[("hubert", "T0"), "mean_0"])  # of `intra`, compared with itself
    assert rows.loc[("hubert", "T0"), "mean_1"] > 0


def test_panels_of_a_task_and_of_what_was_measured_elsewhere(made, tables):
    spec, _, picture = scattered(made)
    found = panels(spec)
    elsewhere = "CCA-phone (measured elsewhere)"
    assert set(found) == {(0, "CCA-intra"), (0, "CCA-phone"), (1, "CCA-intra (measured elsewhere)"), (1, elsewhere)}
    table = read_comparison(tables["comparison"]).set_index(["source", "model", "property"])["spearman"]
    ends = sorted(table["probes", model, "phone"] for model in ("hubert", "deep"))
    expected = f"Spearman {ends[0]:.2f} to {ends[1]:.2f} in 2 models".replace("-", "−")
    assert found[0, "CCA-phone"]["title"]["subtitle"] == expected
    assert found[1, elsewhere]["title"]["subtitle"] == "nothing to correlate"
    assert "phone error rate, % (reversed)" in picture
    y = found[0, "CCA-phone"]["layer"][0]["encoding"]["y"]
    assert y["scale"]["reverse"] is True
    assert "No layer has both numbers: CCA-word" in " ".join(spec["title"]["subtitle"])


def test_a_single_model_has_its_correlation_with_the_interval(tables):
    names = {name: tables[name] for name in ("probes", "trends", "comparison")}
    chart = scatter(
        **names, task="pr", properties=chosen(["phone"]), metrics=METRICS, models=["deep"], titles={}
    ).to_dict()
    table = read_comparison(tables["comparison"]).set_index(["source", "model", "property"])
    row = table.loc[("probes", "deep", "phone")]
    numbers = f"{row['spearman']:.2f} ({row['spearman_low']:.2f} to {row['spearman_high']:.2f})"
    assert panels(chart)[0, "CCA-phone"]["title"]["subtitle"] == f"Spearman {numbers}".replace("-", "−")


def test_the_isolated_model_says_its_correlation_in_every_panel(made):
    spec, _, _ = scattered(made)
    spec["params"] = [each | {"value": "deep"} if each["name"] == "isolated" else each for each in spec["params"]]
    picture = vl_convert.vegalite_to_svg(spec)
    assert picture.count(">Spearman") == 2 + 2  # above the two panels, and in their corners


def test_learned_weights_are_multiples_of_an_equal_one(made):
    spec, rows, picture = made(weights_chart, ["probes"])
    times = rows.set_index(["model", "layer"])["times"]
    assert times["hubert", "T3"] == pytest.approx(5 * 0.5)
    assert times["deep"].tolist() == pytest.approx([1.0] * 9)
    assert rows.set_index("model").loc["hubert", "sum"].tolist() == pytest.approx([0.18] * 5)
    assert "random without weights: it diverged" in picture
    assert {each["name"] for each in spec["params"]} == {"chosen", "isolated"}


def test_learned_weights_over_layers_stand_in_the_order_of_layers(made):
    spec, _, _ = made(weights_chart, ["probes"], axis="layer")
    orders = [each["encoding"]["x"]["scale"]["domain"] for each in spec["layer"][1]["layer"]]
    assert orders == [LAYERS["deep"]] * 2


def costs(made, **options):
    return made(regret, ("comparison", "probes"), names=PROPERTIES, metrics=METRICS, **options)


def test_a_choice_of_layer_costs_what_the_table_says(made, tables):
    spec, rows, picture = costs(made)
    cells = rows[rows["source"] == "probes"].set_index(["model", "way"])
    known = read_comparison(tables["comparison"]).set_index(["source", "model", "property", "metric"])
    row = known.loc[("probes", "deep", "phone", "pwcca")]
    assert cells.loc[("deep", "CCA-phone"), "layer"] == row["recommended"]
    assert cells.loc[("deep", "CCA-phone"), "points"] == pytest.approx(100 * row["regret"])
    assert cells.loc[("deep", "CCA-phone"), "ties"] == row["within_interval"]
    assert cells.loc[("hubert", BY_WEIGHT), ["layer", "points"]].tolist() == ["T3", pytest.approx(10)]
    assert cells.loc[("hubert", LAST), ["layer", "points", "ties"]].tolist() == ["T4", pytest.approx(15), "no"]
    assert cells.loc[("hubert", SUM), ["layer", "points", "ties"]].tolist() == ["all", pytest.approx(-2), ""]
    assert cells.loc[("deep", LAST), ["layer", "points", "ties"]].tolist() == ["T8", 0, "yes"]
    assert "CCA-intra" not in set(rows["way"])  # which ranks no layers
    assert "15.0 T4" in picture
    assert "random without a choice: it diverged" in picture
    assert "measured elsewhere" in picture
    assert len(spec["vconcat"]) == 2


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (scattered, "No head of ic on a single layer has a result."),
        (lambda made, task: made(weights_chart, ["probes"], task), "random without weights: it diverged"),
        (costs, "random without a choice: it diverged"),
    ],
)
def test_without_any_result_a_chart_says_so(made, make, words):
    _, _, picture = make(made, task="ic")
    assert words in picture
