import base64
import re
from html.parser import HTMLParser

import pandas as pd
import pytest

from layerwise.figures import report
from layerwise.tables import comparison, findings, layer_pairs, recommendations
from layerwise.tables import models as model_table
from layerwise.tables import probes as probe_rows
from layerwise.tables.best_layers import best_layers
from layerwise.tables.files import read_table
from layerwise.tables.intervals import about
from layerwise.tables.scores import collect_scores
from layerwise.tables.trends import summarise_trends
from shipped_properties import chosen
from synthetic_probes import write_probe
from synthetic_scores import METRICS, write_experiment

BLOCKS = {"hubert": 2, "random": 2}
ASKED = chosen(["phone", "word"])
SVG = '<svg xmlns="http://www.w3.org/2000/svg"/>'


class Page(HTMLParser):
    """Collects what a browser would fetch, and the text."""

    def __init__(self, text):
        super().__init__()
        self.sources, self.words, self.open = [], [], []
        self.feed(text)
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag, attrs):
        self.sources += [value for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


def some_skipped(property_name, model, layer):
    if property_name == "word" and model == "random":
        return "skipped", "word, sample 1: 141 training rows <too few>"
    return "ok", ""


CCA = {"folds": 10, "epsilons": [(1e-10, 1e-10)], "folds_by": "row", "intervals": "corpus"}


def compared(folder, probes):
    """The tables of tasks, findings and recommendations, below the paths that a report wants them by."""
    layers = {model: [f"T{i}" for i in range(depth + 1)] for model, depth in BLOCKS.items()}
    paths = {name: folder / f"{name}.csv" for name in ("comparison", "findings", "recommendations")}
    scores, heads, models = folder / "scores.csv", folder / "probes.csv", folder / "models.csv"
    probe_rows.collect_probes(probes, None, ["intent"], list(BLOCKS), layers, heads)
    comparison.compare(scores, heads, ASKED, 10, 1, paths["comparison"])
    kinds = {"hubert": "masked unit prediction", "random": "none"}
    facts = [{"model": name, "objective": kinds[name], "size": "Base", "blocks": BLOCKS[name]} for name in BLOCKS]
    model_table.write_models(facts, models)
    findings.check_findings(scores, heads, models, "pwcca", 10, 1, paths["findings"])
    recommendations.recommend(
        *(folder / "trends.csv", folder / "best_layers.csv", heads, paths["comparison"]),
        *(ASKED, list(BLOCKS), ["random"], dict.fromkeys(ASKED, "pwcca"), "row", 1, paths["recommendations"]),
    )
    return paths


@pytest.fixture
def inputs(tmp_path):
    files = write_experiment(tmp_path / "scores", BLOCKS, ("phone", "word"), samples=1, status=some_skipped)
    collect_scores(
        files,
        dict.fromkeys(["phone", "word"], METRICS),
        ["phone", "word"],
        list(BLOCKS),
        BLOCKS,
        tmp_path / "scores.csv",
    )
    summarise_trends(tmp_path / "scores.csv", 10, tmp_path / "trends.csv")
    best_layers(tmp_path / "trends.csv", tmp_path / "scores.csv", ASKED, tmp_path / "best_layers.csv")
    (tmp_path / "samples.csv").write_text(
        "sample,span,asked,drawn,types,utterances,hours,alignments\n1,frame,5,4,,4,0.0123456,given\n"
    )
    (tmp_path / "plot.svg").write_text(SVG)
    (tmp_path / "audio.csv").write_text("")
    (tmp_path / "alignments.csv").write_text(
        "utterance_id,problem\n" + "".join(f"84-121123-{i:04d},no TextGrid\n" for i in range(report.LONGEST + 7))
    )
    pd.DataFrame({"speaker_id": ["84", "174", "84"]}).to_parquet(tmp_path / "utterances.parquet")
    return {
        **{
            "experiment": "demo <1>",
            "metrics": dict.fromkeys(("phone", "word"), "pwcca"),
            "properties": ASKED,
            "titles": {"hubert": "HuBERT"},
        },
        "configuration": {"experiment": "demo <1>", "cca": CCA},
        "pictures": {
            "overview": {"": tmp_path / "plot.svg"},
            "heatmap": {"phone": tmp_path / "plot.svg"},
            "depth": {"phone": tmp_path / "plot.svg", "word": tmp_path / "plot.svg"},
        },
        **{name: tmp_path / f"{name}.csv" for name in ("scores", "best_layers", "samples")},
        "utterances": tmp_path / "utterances.parquet",
        **compared(tmp_path, {}),
        "layer_pairs": None,
        "matrices": None,
        "problems": {"Audio": tmp_path / "audio.csv", "Alignments": tmp_path / "alignments.csv"},
        "labels": None,
        "provenance": {"hubert": "a local folder"},
        "out": tmp_path / "report.html",
    }


@pytest.fixture
def page(inputs):
    report.write_report(**inputs)
    return Page(inputs["out"].read_text())


def test_the_page_is_whole_in_itself(page):
    pictures = [source for source in page.sources if not source.startswith("#")]
    assert len(pictures) == 4
    for picture in pictures:
        head, _, data = picture.partition(",")
        assert head == "data:image/svg+xml;base64"
        assert base64.b64decode(data).decode() == SVG
    assert page.open == []


def test_pictures_stand_in_the_order_of_the_registry_with_words_beside_them(inputs, page):
    assert re.findall(r'<img.*?alt="(.+?)"', inputs["out"].read_text()) == [
        "All properties over the depth of the models",
        "CCA-phone: phonetic content over depth",
        "CCA-phone: phonetic content as layers by models",
        "CCA-word: word identity over depth",
    ]


def test_two_models_of_one_title_have_a_paragraph_each(inputs):
    report.write_report(**inputs | {"titles": dict.fromkeys(BLOCKS, "A <b> & $c$")})
    page = Page(inputs["out"].read_text())
    assert page.text.count("A <b> & $c$ For ") + page.text.count("A <b> & $c$ Its weights are random") == 2


def test_what_intervals_are_about_stands_where_they_are_shown(inputs, page):
    sentence = about("corpus", "row")
    assert page.text.count(sentence) == 4  # overview, advice, best layers of two properties
    assert "2 speakers, and folds by row put each into training and test at once" in page.text
    changed = CCA | {"folds_by": "speaker", "intervals": "speakers"}
    report.write_report(**inputs | {"configuration": {"cca": changed}})
    page = Page(inputs["out"].read_text())
    assert page.text.count(about("speakers", "speaker")) == 4
    assert "jackknife over speakers" in page.text
    assert "training and test at once" not in page.text


def test_one_speaker_is_not_warned_of(inputs):
    pd.DataFrame({"speaker_id": ["84", "84"]}).to_parquet(inputs["utterances"])
    report.write_report(**inputs)
    assert "training and test at once" not in Page(inputs["out"].read_text()).text


def test_links_inside_the_page_have_targets(inputs, page):
    targets = set(re.findall(r'id="([^"]+)"', inputs["out"].read_text()))
    assert {source[1:] for source in page.sources if source.startswith("#")} <= targets


def test_the_page_says_what_was_run_and_found(page, inputs):
    assert "demo <1>" in page.text
    assert "folds: 10" in page.text
    assert "CCA-phone: phonetic content" in page.text
    best = read_table(inputs["best_layers"])
    mean = best[(best["property"] == "phone") & (best["model"] == "hubert") & (best["metric"] == "pwcca")]["mean"].iloc[
        0
    ]
    assert f"{mean:.3f}" in page.text
    assert "1 frame 5 4 4 0.012" in page.text
    assert "word random T0-T2 word, sample 1: 141 training rows <too few>" in page.text
    assert "Nothing was flagged." in page.text
    assert "hubert a local folder" in page.text
    assert "matplotlib 3." in page.text


def test_problems_are_shown_up_to_a_limit_and_empty_files_say_so(page):
    assert "Audio None found." in page.text
    assert page.text.count("no TextGrid") == report.LONGEST
    assert "7 more rows" in page.text


def test_labels_that_were_dropped_or_changed_are_counted(inputs, tmp_path, page):
    assert "Labels that are no speech" not in page.text
    rows = ["phone,dropped,[SIL],3", "word,dropped,NA,1200", "word,dropped,,4", "word,lower case,The,12"]
    (tmp_path / "labels.csv").write_text("tier,change,label,intervals\n" + "\n".join(rows) + "\n")
    report.write_report(**inputs | {"labels": tmp_path / "labels.csv"})
    text = Page(inputs["out"].read_text()).text
    counts = "phone: dropped 3 intervals, 1 labels; word: dropped 1,204 intervals, 2 labels; "
    assert counts + "word: lower case 12 intervals, 1 labels." in text
    assert "phone dropped [SIL] 3 word dropped NA 1200 word dropped 4 word lower case The 12" in text


def test_what_comes_from_files_is_escaped(page, inputs):
    assert "<too few>" not in inputs["out"].read_text()


def test_the_same_inputs_give_the_same_bytes(inputs):
    report.write_report(**inputs)
    first = inputs["out"].read_bytes()
    report.write_report(**inputs)
    assert inputs["out"].read_bytes() == first


def test_automatic_alignments_are_said_to_be(inputs, page):
    assert "automatic" not in page.text
    scores = inputs["scores"]
    scores.write_text(scores.read_text().replace(",given,", ",automatic,"))
    report.write_report(**inputs)
    text = Page(inputs["out"].read_text()).text
    assert "The corpus came without alignments" in text
    assert "CCA-phone: phonetic content (automatic alignments)" in text


def test_a_reason_has_a_wide_cell_as_in_a_narrow_one_it_would_be_a_page_high(page, inputs):
    written = inputs["out"].read_text()
    assert '<td class="long">word, sample 1: 141 training rows' in written
    assert "<td>HuBERT</td>" in written


def test_the_page_says_which_layer_to_use_for_what(page, inputs):
    best = read_table(inputs["best_layers"]).set_index(["property", "model", "metric"])
    layer = best.loc[("phone", "hubert", "pwcca"), "layer"]
    assert f"HuBERT For phones use {layer} (" in page.text
    assert "random Its weights are random: a control" in page.text
    assert "For words, no layer can be recommended: word, sample 1: 141 training rows <too few>." in page.text


def test_cautions_stand_below_the_paragraph(page):
    assert "Cautions: phones: folds by row: rows of one recording are in training and in test" in page.text


def test_pairs_of_layers_have_a_table(inputs, tmp_path, page):
    assert "Pairs of layers" not in page.text
    layer_pairs.compare_layers(inputs["scores"], [("T1", "T2")], 10, tmp_path / "layer_pairs.csv")
    report.write_report(**inputs | {"layer_pairs": tmp_path / "layer_pairs.csv"})
    page = Page(inputs["out"].read_text())
    assert "Pairs of layers Layers that the configuration names ( compare ) in a paired test" in page.text
    table = layer_pairs.read_layer_pairs(tmp_path / "layer_pairs.csv").set_index(["question", "model", "metric"])
    row = table.loc[("phone", "hubert", "pwcca")]
    assert f"phone HuBERT pwcca T1 T2 {row['mean']:.3f} {row['other_mean']:.3f} {row['difference']:.3f}" in page.text
    assert f"{row['high']:.3f} 3 {row['verdict']}" in page.text


def test_without_tasks_findings_still_stand_and_say_why(page):
    assert "Tasks" not in page.text
    assert "1. CCA-intra of contrastive models goes high, low, high over depth;" in page.text
    assert "margin = 2 T1 and TL lie above the lowest layer between them" in page.text
    assert "not testable: 2" in page.text
    assert "no task was measured" in page.text


def test_tasks_have_their_pictures_and_their_table(inputs, tmp_path):
    values = {"T0": 0.5, "T1": 0.6, "T2": 0.7, "weighted": 0.65}
    probes = dict([write_probe(tmp_path, "intent", "hubert", values, 2)])
    inputs |= compared(tmp_path, probes)
    of_tasks = {name: {"intent": tmp_path / "plot.svg"} for name in ("task", "confusion")}
    of_tasks |= {"correlations": {"": tmp_path / "plot.svg"}}
    report.write_report(**inputs | {"pictures": inputs["pictures"] | of_tasks})
    page = Page(inputs["out"].read_text())
    assert len([source for source in page.sources if not source.startswith("#")]) == 7
    assert "Tasks Small heads were trained on frozen layers" in page.text
    assert "HuBERT intent probes phone" in page.text
    assert "3 layers (T0-T2) with both numbers, 4 are needed" in page.text
    numbers = "accuracy 70.0 %, 69.0 to 71.0; always answering 'go' (30.0 %); +5.0 points against the learned sum"
    assert f"For intent use T2 ({numbers} of all layers; from 100 test utterances, 4 labels, 10 speakers)." in page.text
    assert "Which labels are taken for which" in page.text
