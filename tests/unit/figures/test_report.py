import base64
import hashlib
import json
import re
from html.parser import HTMLParser

import pandas as pd
import pytest

from layerwise.figures import page_tables, registry, report
from layerwise.figures.rendering import write_charts
from layerwise.tables import comparison, findings, layer_pairs, model_pairs, recommendations
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
VOID = ("meta", "link", "input", "img", "br", "hr")


class Page(HTMLParser):
    """Collects what a browser would fetch, scripts, attributes and the text."""

    def __init__(self, text):
        super().__init__()
        self.sources, self.words, self.open, self.elements, self.scripts = [], [], [], [], []
        self.feed(text)
        self.text = " ".join(" ".join(self.words).split())
        self.data = json.loads(next(script for kind, script in self.scripts if kind == "application/json"))

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        self.sources += [value for name, value in attrs if name in ("src", "href", "action", "srcset")]
        if tag not in VOID:
            self.open.append(tag)
        if tag == "script":
            self.scripts.append((dict(attrs).get("type", ""), ""))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] == ["script"]:
            kind, code = self.scripts[-1]
            self.scripts[-1] = (kind, code + data)
        elif self.open[-1:] != ["style"]:
            self.words.append(data)

    def named(self, tag, **wanted):
        """Attributes of the elements of one tag that have these."""
        return [
            attrs
            for name, attrs in self.elements
            if name == tag and all(attrs.get(key) == value for key, value in wanted.items())
        ]


def charts_of(folder, figure, subject="", metrics=("",), rows=({"model": "hubert", "layer": "T1", "mean": 0.5},)):
    """A file of charts of one figure of the registry: by each metric the same few marks."""
    choices = {
        **{"metrics": dict.fromkeys(ASKED, "pwcca"), "metrics_of": dict.fromkeys(ASKED, METRICS)},
        **{"questions": {name: {} for name in ASKED}, "properties": {}, "names": list(ASKED)},
        **{"models": list(BLOCKS), "titles": {}, "groups": None},
    }
    about_it = registry.FIGURES[figure].plan(choices, subject)["about"]
    path = folder / f"{figure}_{subject}.json"
    specs = {
        metric: {
            "mark": "point",
            "data": {"name": f"{figure}-{metric}"},
            "datasets": {f"{figure}-{metric}": list(rows)},
        }
        for metric in metrics
    }
    write_charts(specs, about_it, path)
    return path


def some_skipped(property_name, model, layer):
    if property_name == "word" and model == "random":
        return "skipped", "word, sample 1: 141 training rows <too few>"
    return "ok", ""


CCA = {"folds": 10, "epsilons": [(1e-10, 1e-10)], "folds_by": "row", "intervals": "corpus"}


def compared(folder, probes):
    """The tables of tasks, findings and recommendations, below the paths that a report wants them by."""
    layers = {model: [f"T{i}" for i in range(depth + 1)] for model, depth in BLOCKS.items()}
    names = ("comparison", "findings", "recommendations", "model_pairs", "models")
    paths = {name: folder / f"{name}.csv" for name in names}
    scores, heads, models = folder / "scores.csv", folder / "probes.csv", folder / "models.csv"
    probe_rows.collect_probes(probes, None, ["intent"], list(BLOCKS), layers, heads)
    comparison.compare(scores, heads, ASKED, 10, 1, paths["comparison"])
    kinds = {"hubert": "masked unit prediction", "random": "none"}
    facts = [
        {"model": name, "title": "", **dict.fromkeys(model_pairs.COMPARED, ""), "objective": kinds[name]}
        | {"size": "Base", "blocks": BLOCKS[name], "width": 48, "hours": 960.0}
        for name in BLOCKS
    ]
    model_table.write_models(facts, models)
    findings.check_findings(scores, heads, models, "pwcca", 10, 1, paths["findings"])
    model_pairs.compare_models(scores, models, 10, 1, paths["model_pairs"])
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
    (tmp_path / "audio.csv").write_text("")
    (tmp_path / "alignments.csv").write_text(
        "utterance_id,problem\n" + "".join(f"84-121123-{i:04d},no TextGrid\n" for i in range(page_tables.LONGEST + 7))
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
        "groups": None,
        "charts": [
            charts_of(tmp_path, "overview"),
            *(charts_of(tmp_path, "depth", name, METRICS) for name in ("phone", "word")),
            charts_of(tmp_path, "heatmap", "phone", METRICS),
        ],
        **{name: tmp_path / f"{name}.csv" for name in ("scores", "best_layers", "samples")},
        "utterances": tmp_path / "utterances.parquet",
        **compared(tmp_path, {}),
        "layer_pairs": None,
        "matrices": None,
        "problems": {"Audio": tmp_path / "audio.csv", "Alignments": tmp_path / "alignments.csv"},
        "labels": None,
        "provenance": {"hubert": "a local folder"},
        "journal": tmp_path / "versions.yaml",
        "out": tmp_path / "report.html",
    }


@pytest.fixture
def page(inputs):
    report.write_report(**inputs)
    return Page(inputs["out"].read_text())


def test_the_page_is_whole_in_itself(page):
    assert [source for source in page.sources if not source.startswith("#")] == ["data:,"]
    assert page.open == []


def test_the_policy_lets_no_script_run_but_those_of_the_page_and_nothing_be_fetched(page):
    (meta,) = page.named("meta", **{"http-equiv": "Content-Security-Policy"})
    rules = dict(rule.split(" ", 1) for rule in meta["content"].split("; "))
    assert rules["default-src"] == "'none'"
    assert {rule for rule in rules if rule.endswith("-src")} == {"default-src", "script-src", "style-src", "img-src"}
    codes = [code for kind, code in page.scripts if not kind]
    hashes = [base64.b64encode(hashlib.sha256(code.encode()).digest()).decode() for code in codes]
    assert rules["script-src"].split() == [f"'sha256-{each}'" for each in hashes]
    assert not any(name.startswith("on") for _, attrs in page.elements for name in attrs)


def test_charts_stand_in_the_order_of_their_files_with_words_beside_them(page):
    assert [(chart["figure"], chart["subject"], chart["alt"]) for chart in page.data["charts"]] == [
        ("overview", "", "All properties over the depth of the models"),
        ("depth", "phone", "CCA-phone: phonetic content over depth"),
        ("depth", "word", "CCA-word: word identity over depth"),
        ("heatmap", "phone", "CCA-phone: phonetic content as layers by models"),
    ]
    (drawn,) = page.named("figure", **{"data-figure": "overview"})  # those of questions stand in the explorer
    assert drawn["data-subject"] == ""
    assert registry.FIGURES["overview"].caption in page.text


def test_a_question_offers_the_metrics_of_its_charts(page):
    phone, word = page.data["questions"]
    assert (phone["name"], phone["title"], phone["shown"]) == ("phone", "CCA-phone: phonetic content", "pwcca")
    assert word["metrics"] == list(METRICS)
    assert page.data["metrics"]["pwcca"] == "projection-weighted CCA"
    assert [option["value"] for option in page.named("option")][:2] == ["phone", "word"]


def test_each_model_can_be_chosen_and_isolated(page):
    assert [box["value"] for box in page.named("input", type="checkbox", name="model")] == list(BLOCKS)
    assert [button["data-isolate"] for button in page.named("button") if "data-isolate" in button] == list(BLOCKS)
    assert [model["title"] for model in page.data["models"]] == ["HuBERT", "random"]


def test_a_figure_of_a_new_kind_of_subject_has_a_place(inputs, tmp_path):
    path = charts_of(tmp_path, "correlations")
    path.write_text(path.read_text().replace('"of":"tasks"', '"of":"weather"'))
    report.write_report(**inputs | {"charts": [*inputs["charts"], path]})
    page = Page(inputs["out"].read_text())
    assert page.named("section", id="of-weather")
    assert len(page.named("figure", **{"data-figure": "correlations"})) == 1


def test_tables_have_names_and_what_has_none_has_no_scripts_to_name_it(page):
    names = [attrs["id"] for attrs in page.named("table")]
    assert len(set(names)) == len(names)
    assert {"table-best-phone", "table-recommendations", "table-model-pairs", "table-samples"} <= set(names)
    assert page.named("noscript")


def test_two_models_of_one_title_have_a_card_each(inputs):
    report.write_report(**inputs | {"titles": dict.fromkeys(BLOCKS, "A <b> & $c$")})
    page = Page(inputs["out"].read_text())
    assert "A <b> & $c$ (hubert) For " in page.text
    assert "A <b> & $c$ (random) Its weights are random" in page.text


def test_a_card_says_what_a_model_is_and_where_it_is_best(page, inputs):
    assert "objective masked unit prediction size Base blocks 2 width 48" in page.text
    assert "hours 960 hours" in page.text
    best = (
        read_table(inputs["best_layers"]).set_index(["property", "model", "metric"]).loc[("phone", "hubert", "pwcca")]
    )
    numbers = " ".join(f"{best[name]:.3f}" for name in ("mean", "low", "high"))
    card = page.text[page.text.index("What it is, and its best layers") :]
    assert re.search(rf"CCA-phone {best['layer']} (T\d )?pwcca {numbers}", card)


def test_pairs_of_models_have_a_table(page, inputs):
    table = read_table(inputs["model_pairs"], text=["other", "differ"]).set_index(["property", "metric"])
    difference = table.loc[("phone", "pwcca"), "difference"]
    assert "Pairs of models Blocks at the same depth of both." in page.text
    assert f"HuBERT random {table['differ'].iloc[0]} phone pwcca" in page.text
    assert f"{difference:.3f}" in page.text


def test_the_run_can_be_cited_and_made_again(inputs, tmp_path, page):
    assert "not known: it ran from no git checkout" in page.text
    assert f"snakemake --cores 4 --config from={tmp_path / 'configuration.yaml'}" in page.text
    assert "Comparative Layer-Wise Analysis of Self-Supervised Speech Models" in page.text
    run = "command: snakemake --cores 8 --configfile <mine>.yaml\ncheckout: {commit: 59dc0e4, changed: true}\n"
    inputs["journal"].write_text(run)
    report.write_report(**inputs)
    text = Page(inputs["out"].read_text()).text
    assert "snakemake --cores 8" not in text  # a report is the same, whatever it was asked for with
    assert "59dc0e4 (with changes that are not committed)" in text


def test_models_of_one_colour_have_other_marks_in_the_list(page):
    listed = page.data["models"]
    assert len({(each["colour"], each["mark"]) for each in listed}) == len(listed)
    assert [attrs["d"] for attrs in page.named("path")][: len(listed)] == [each["mark"] for each in listed]


def test_the_page_knows_which_questions_are_ranked(page):
    assert all(each["ranked"] for each in page.data["questions"])


def test_what_intervals_are_about_stands_where_they_are_shown(inputs, page):
    sentence = about("corpus", "row")
    assert page.text.count(sentence) == 6  # overview, advice, best layers
    assert "2 speakers, and folds by row put each into training and test at once" in page.text
    changed = CCA | {"folds_by": "speaker", "intervals": "speakers"}
    report.write_report(**inputs | {"configuration": {"cca": changed}})
    page = Page(inputs["out"].read_text())
    assert page.text.count(about("speakers", "speaker")) == 6
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
    assert "altair 6." in page.text


def test_problems_are_shown_up_to_a_limit_and_empty_files_say_so(page):
    assert "Audio None found." in page.text
    assert page.text.count("no TextGrid") == page_tables.LONGEST
    assert "7 more rows" in page.text


def test_sizes_that_were_chosen_are_said(inputs, page):
    assert "Sizes that this corpus allows" not in page.text
    report.write_report(**inputs | {"chosen_sizes": "utterances: 390, word_types: 101"})
    text = Page(inputs["out"].read_text()).text
    assert "Sizes that this corpus allows" in text
    assert ": utterances: 390, word_types: 101." in text


def test_types_that_are_left_out_are_counted(inputs, tmp_path, page):
    assert "Types that are left out" not in page.text
    rare = tmp_path / "rare_types.csv"
    rare.write_text("span,label,n\nphone,ZH,1\nphone,NA,2\nword,zebra,1\n")
    report.write_report(**inputs | {"rare": rare})
    text = Page(inputs["out"].read_text()).text
    assert "2 phone types with 3 segments; 1 word types with 1 segments." in text
    assert "phone ZH 1 phone NA 2 word zebra 1" in text
    rare.write_text("span,label,n\n")
    report.write_report(**inputs | {"rare": rare})
    assert "Types that are left out" not in Page(inputs["out"].read_text()).text


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


def test_alignments_that_were_made_here_are_said_to_be(inputs, page):
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
    assert f"HuBERT phone pwcca {layer} " in page.text  # in the table
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


def test_findings_about_what_was_not_asked_have_no_place_on_the_page(page):
    assert "Tasks" not in page.text
    assert "The paper's findings" not in page.text
    assert "not testable" not in page.text


def test_tasks_have_their_pictures_and_their_table(inputs, tmp_path):
    values = {"T0": 0.5, "T1": 0.6, "T2": 0.7, "weighted": 0.65}
    probes = dict([write_probe(tmp_path, "intent", "hubert", values, 2)])
    inputs |= compared(tmp_path, probes)
    of_tasks = [charts_of(tmp_path, name, "intent") for name in ("task", "confusion")]
    of_tasks.append(charts_of(tmp_path, "correlations"))
    report.write_report(**inputs | {"charts": [*inputs["charts"], *of_tasks]})
    page = Page(inputs["out"].read_text())
    assert [attrs["data-figure"] for attrs in page.named("figure", **{"data-subject": "intent"})] == [
        "task",
        "confusion",
    ]
    assert "Tasks Small heads were trained on frozen layers" in page.text
    assert "HuBERT intent probes phone" in page.text
    assert "5. The best single layer about equals the learned weighted sum of all layers." in page.text
    assert "1. CCA-intra of contrastive models" not in page.text
    assert "relative = 0.05 The task's metric of the two differs" in page.text
    assert "3 layers (T0-T2) with both numbers, 4 are needed" in page.text
    numbers = "accuracy 70.0 %, 69.0 to 71.0; always answering 'go' (30.0 %); +5.0 points against the learned sum"
    assert f"For intent use T2 ({numbers} of all layers; from 100 test utterances, 4 labels, 10 speakers)." in page.text
    assert "intent: which labels are taken for which" in page.text
