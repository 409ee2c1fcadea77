"""Plots and the report of properties that anybody may ask: whatever their names, wherever they have no score."""

from __future__ import annotations

import warnings
import xml.etree.ElementTree as ElementTree

import pandas as pd
import pytest
import vl_convert
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from charts import words_of
from layerwise.errors import shown
from layerwise.figures.correlations import correlations
from layerwise.figures.heatmap import heatmap
from layerwise.figures.overview import overview
from layerwise.figures.report import write_report
from layerwise.figures.tasks import task_chart
from layerwise.figures.trends import trends_chart
from layerwise.figures.words import title_of
from layerwise.scoring.properties import property_of, read_properties
from layerwise.tables import matrices
from layerwise.tables.best_layers import best_layers
from layerwise.tables.comparison import compare
from layerwise.tables.findings import check_findings
from layerwise.tables.layer_pairs import compare_layers
from layerwise.tables.model_pairs import compare_models
from layerwise.tables.models import write_models
from layerwise.tables.probes import collect_probes
from layerwise.tables.recommendations import recommend
from layerwise.tables.scores import collect_scores
from layerwise.tables.trends import summarise_trends, wide_tables
from synthetic_probes import write_probe
from synthetic_scores import always_ok, record, write_experiment, write_matrix, write_score

LONG = "wie lange die Silbe währt, und was davon auf die Tonhöhe entfällt " * 3
TITLES = {
    "long": LONG[:200],
    "in one word": "Donaudampfschifffahrtsgesellschaftskapitän" * 4,
    "other letters": "Ударение слога, τόνος, χρόνος",
    "HTML": "<b>stress</b> & tone </section>",
    "mathematics": "$x$ of a_b^c, 100 % \\alpha",
    "colons": "stress: primary: of vowels (read speech)",
    "lines": "stress\nof vowels\x1b[31m",
}
MODELS = {"hubert": 3, "random": 2}


def asked(title="stress", **fields):
    entry = {"rows": "word", "target": {"label": "stress"}, "title": title} | fields
    return property_of("my-stress", entry)


@pytest.fixture
def make(tmp_path):
    """All tables of an experiment whose properties are given, with the arguments of its report."""

    def run(properties, files, pairs=(), blocks=MODELS, with_task=True, metrics=("pwcca",)):
        curves = {name: question for name, question in properties.items() if not question.is_matrix}
        of_pairs = {name: question for name, question in properties.items() if question.is_matrix}
        names = ("scores", "trends", "best", "probes", "models", "comparison", "findings", "model_pairs", "layer_pairs")
        path = {name: tmp_path / f"{name}.csv" for name in (*names, "recommendations", "samples", "layer_matrices")}
        path["jackknife"] = None
        collect_scores(files, dict.fromkeys(list(curves), metrics), list(curves), list(blocks), blocks, path["scores"])
        summarise_trends(path["scores"], 10, path["trends"])
        best_layers(path["trends"], path["scores"], curves, path["best"])
        for name in curves:
            wide_tables(path["trends"], {name: tmp_path / f"layers_{name}.csv"}, {name: "pwcca"})
        matrices.summarise_matrices(
            pairs,
            dict.fromkeys(of_pairs, metrics),
            of_pairs,
            list(blocks),
            blocks,
            10,
            "utterance",
            "corpus",
            path["layer_matrices"],
        )
        values = {f"T{i}": 0.5 + 0.1 * i for i in range(3)} | {"weighted": 0.6}
        probes = dict([write_probe(tmp_path, "ic", "hubert", values, 3)]) if with_task else {}
        layers = {model: [f"T{i}" for i in range(depth + 1)] for model, depth in blocks.items()}
        collect_probes(probes, None, ["ic"], list(blocks), layers, path["probes"])
        write_models(
            [
                dict.fromkeys(("objective", "size", "iteration", "modality", "training_data", "width", "normalise"), "")
                | {"model": model, "blocks": depth}
                for model, depth in blocks.items()
            ],
            path["models"],
        )
        compare(path["scores"], path["probes"], curves, 10, 1, path["comparison"])
        check_findings(path["scores"], path["probes"], path["models"], "pwcca", 10, 1, path["findings"])
        compare_models(path["scores"], path["models"], 10, 1, path["model_pairs"])
        compare_layers(path["scores"], [("T1", "T2")], 10, path["layer_pairs"])
        recommend(
            *(path[name] for name in ("trends", "best", "probes", "comparison")),
            *(curves, list(blocks), [], dict.fromkeys(curves, "pwcca"), "utterance", 1, path["recommendations"]),
        )
        path["samples"].write_text("sample,span,asked,drawn,types,utterances,hours,alignments\n")
        pd.DataFrame({"speaker_id": ["84", "174"]}).to_parquet(tmp_path / "utterances.parquet")
        return path | {"report": report_of(tmp_path, properties, path)}

    return run


def report_of(folder, properties, path):
    cca = {"folds": 10, "folds_by": "utterance", "intervals": "corpus"}
    write_report(
        experiment="odd",
        configuration={"experiment": "odd", "cca": cca},
        metrics=dict.fromkeys(properties, "pwcca"),
        properties=properties,
        titles={},
        groups=None,
        charts=[],
        models=path["models"],
        scores=path["scores"],
        best_layers=path["best"],
        utterances=folder / "utterances.parquet",
        samples=path["samples"],
        comparison=path["comparison"],
        findings=path["findings"],
        recommendations=path["recommendations"],
        model_pairs=path["model_pairs"],
        layer_pairs=path["layer_pairs"],
        matrices=path["layer_matrices"],
        problems={},
        labels=None,
        provenance={},
        journal=folder / "versions.yaml",
        out=folder / "report.html",
    )
    return (folder / "report.html").read_text(encoding="utf-8")


def drawn(path, question):
    """The SVG of every chart of one property, and the words in it."""
    rest = (list(MODELS), {})
    charts = [
        trends_chart(path["trends"], question, "pwcca", *rest, axis="depth"),
        trends_chart(path["trends"], question, "pwcca", *rest, axis="layer"),
        heatmap(path["trends"], question, "pwcca", *rest),
        overview(path["trends"], {question.name: question}, {question.name: "pwcca"}, *rest),
    ]
    for chart in charts:
        root = ElementTree.fromstring(vl_convert.vegalite_to_svg(chart.to_dict()))
        texts = root.iter("{http://www.w3.org/2000/svg}text")
        yield root, " ".join(" ".join(text.itertext()) for text in texts)


@pytest.mark.parametrize("title", TITLES.values(), ids=TITLES)
def test_any_title_is_shown_whole_in_every_figure_and_in_the_report(make, tmp_path, title):
    question = asked(title)
    path = make({"my-stress": question}, write_experiment(tmp_path / "s", MODELS, ["my-stress"], metrics=("pwcca",)))
    words = shown(title, 1000).split()
    for root, text in drawn(path, question):
        assert "".join(words) in text.replace("\n", "").replace(" ", "")
        assert "CCA-my-stress" in text
        assert float(root.get("width")) < 950
    assert "<b>stress" not in path["report"]
    assert "\x1b" not in path["report"]


@given(title=st.text(min_size=1, max_size=200), called=st.text(max_size=200))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_words_are_one_line_that_steers_nothing(title, called):
    words = title_of(asked(title, called=called), "pwcca")
    assert words.startswith("CCA-my-stress")
    assert len(words.splitlines()) == 1
    assert not any(ord(character) < 32 for character in words)


def test_a_property_that_is_skipped_everywhere_has_its_reason_everywhere(make, tmp_path):
    question = property_of("speaker", {"rows": "utterance", "target": {"label": "speaker_id"}, "called": "the speaker"})

    def status(property_name, model, layer):
        return "skipped", "0 of 247 labels occur more than once"

    files = write_experiment(tmp_path / "s", MODELS, ["speaker"], metrics=("pwcca",), status=status)
    path = make({"speaker": question}, files)
    for _, text in drawn(path, question):
        assert "skipped" in text
    reason = "For the speaker, no layer can be recommended: 0 of 247 labels occur more than once."
    assert path["report"].count(reason) == 2
    table = pd.read_csv(tmp_path / "layers_speaker.csv")
    assert list(table.columns) == ["layer", "alignments", "hubert", "random"]
    assert len(table) == 4
    best = pd.read_csv(path["best"], keep_default_na=False)
    assert set(best["reason"]) == {"0 of 247 labels occur more than once"}


@pytest.mark.parametrize("ranked", [True, False])
def test_a_property_of_one_model_or_one_layer_alone(make, tmp_path, ranked):
    question = property_of("like", {"rows": "frame", "target": {"model": "random", "layer": "same"}, "ranked": ranked})
    scores = [{"pwcca": 0.5}, {"pwcca": 0.52}]
    files = [write_score(tmp_path / "s", record("like", "hubert", "T2", 1, scores))]
    path = make({"like": question}, files)
    for _, text in drawn(path, question):
        assert "hubert" in text
        assert "random" not in text
    assert pd.read_csv(tmp_path / "layers_like.csv").columns.tolist() == ["layer", "alignments", "hubert"]
    best = pd.read_csv(path["best"], keep_default_na=False)
    assert best["layer"].tolist() == ["T2"] * ranked
    advice = pd.read_csv(path["recommendations"], keep_default_na=False)
    assert advice["question"].tolist() == ["like"] * ranked + ["ic"]
    assert ("For like use T2" in path["report"]) == ranked
    comparison = pd.read_csv(path["comparison"], keep_default_na=False).set_index("property")
    assert (comparison.loc["like", "recommended"] == "T2") == ranked


@pytest.mark.parametrize("with_task", [True, False])
def test_a_property_without_any_layer_breaks_nothing(make, tmp_path, with_task):
    question = property_of("inter", {"rows": "frame", "target": {"model": "hubert", "layer": "same"}})
    path = make({"inter": question}, [], with_task=with_task)
    for _, text in drawn(path, question):
        assert "No layer has a score of pwcca." in text or "no scores" in text
    assert pd.read_csv(tmp_path / "layers_inter.csv").columns.tolist() == ["layer", "alignments"]
    assert "CCA-inter" in path["report"]


@pytest.mark.parametrize("with_task", [True, False])
def test_an_experiment_of_pairs_of_layers_alone(make, tmp_path, with_task):
    entry = {
        "rows": "frame",
        "target": {"model": "hubert", "layer": "all"},
        "title": "every layer",
        "tells": "What is alike.",
    }
    properties = read_properties({"pairs": entry})

    def status(property_name, model, layers):
        return ("skipped", "too few frames") if layers == "T1 T1" else always_ok(property_name, model, layers)

    path = make(properties, [], write_matrix(tmp_path / "s", "pairs", MODELS, 3, status=status), with_task=with_task)
    assert len(pd.read_csv(path["scores"])) == 0
    assert len(pd.read_csv(path["layer_matrices"])) == 4 * 4 + 3 * 4
    assert "CCA-pairs: every layer" in path["report"]
    assert "What is alike." in path["report"]
    assert "too few frames" in path["report"]
    if not with_task:
        assert "Nothing was ranked." in path["report"]


def test_tasks_are_drawn_without_any_trend(make):
    path = make({}, [])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert "head on one layer" in words_of(
            task_chart(path["probes"], path["trends"], "ic", [], {}, list(MODELS), {})
        )
        assert "learned weights" in words_of(correlations(path["comparison"], [], {}, list(MODELS), {}))


def test_the_report_says_what_each_question_asks_and_how_much_had_no_target(make, tmp_path):
    entry = {
        "rows": "word",
        "target": {"vectors": "glove.txt"},
        "tells": "What words mean.",
        "source": "A paper",
        "folds_by": "row",
    }
    question = property_of("meaning", entry)
    scores = [{"pwcca": 0.5}, {"pwcca": 0.52}]
    files = [
        write_score(tmp_path / "s", record("meaning", "hubert", "T1", sample, scores) | {"n_missing": missing})
        for sample, missing in ((1, 250), (2, 0))
    ]
    path = make({"meaning": question}, files)
    for words in (
        "What words mean.",
        "each word as the mean over the word",
        "the vector of its label in glove.txt",
        "A paper",
        "rows are parted into folds one by one",
        "250 of 1,250 rows of a sample set (20.0%) have no target and are left out.",
        "the same recordings train and test",
    ):
        assert words in path["report"]
    trends = pd.read_csv(path["trends"])
    assert trends["n_missing"].tolist() == [250]
    assert trends["n_rows"].tolist() == [1000]


def test_titles_say_automatic_alignments_only_where_they_count():
    rows = {"phone": True, "word": True, "utterance": False, "frame": False}
    for name, counts in rows.items():
        question = property_of("mine", {"rows": name, "target": {"label": "speaker_id"}})
        assert ("automatic" in title_of(question, "pwcca", "automatic")) == counts
    own = property_of("mine", {"rows": {"segments": "a.csv", "table": "a"}, "target": {"label": "label"}})
    assert "automatic" not in title_of(own, "pwcca", "automatic")
