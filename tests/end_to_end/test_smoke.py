"""What the smoke experiment made: contents, not just files."""

from __future__ import annotations

import csv
import json
import re
import shutil
import statistics
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import h5py
import numpy as np
import pandas as pd
import pytest
import yaml
from PIL import Image
from threadpoolctl import threadpool_limits

from layerwise.experiment.configuration.experiment import read_experiment
from layerwise.representations.extract import extract
from layerwise.representations.store import fact
from layerwise.scoring.metrics import METRICS as ALL_METRICS
from layerwise.scoring.score import score_layers
from layerwise.scoring.settings import ScoreSettings
from layerwise.tables.best_layers import best_layers
from layerwise.tables.scores import collect_scores
from layerwise.tables.trends import summarise_trends, wide_tables
from shipped_properties import PROPERTIES

MODEL = "random-wav2vec2-tiny"
CONVS, BLOCKS = [f"C{i}" for i in range(1, 8)], [f"T{i}" for i in range(5)]
FINE = CONVS[:6]  # averaged to 10 ms
METRICS = {"mean_cca", "pwcca", "pwcca_published"}
TRIALS = {1, 2}
COLUMNS = (
    "property,model,layer,layer_index,depth,sample,trial,metric,score,chance,low,high,n_train,n_test,dx,dy,"
    "rows_per_dimension,kept_x,kept_y,rank_x,rank_y,classes_unseen,n_rows,n_missing,n_types,n_speakers,alignments,status,reason"
)
DRAWN = [f"{name}_{kind}" for name in ("mel", "phone") for kind in ("depth", "layer", "heatmap")] + ["overview"]
PAIRS = ["mel_pairs", "phone_pairs"]  # there is one model
PLOTS = [*DRAWN, *PAIRS]


@pytest.fixture(scope="module")
def results(smoke):
    return smoke / "results/smoke"


def read(path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture(scope="module")
def scores(results):
    return read(results / "tables/scores.csv")


def records(results) -> list[dict]:
    files = sorted((results / "scores").rglob("*.json"))
    return [record for path in files for record in json.loads(path.read_text())["records"]]


# Tables


def test_scores_have_the_columns_of_the_design(results):
    assert (results / "tables/scores.csv").read_text().splitlines()[0] == COLUMNS


def test_scores_hold_every_layer_trial_and_metric_once(scores):
    found = [(r["property"], r["model"], r["layer"], int(r["sample"]), int(r["trial"]), r["metric"]) for r in scores]
    layers = {"mel": CONVS + BLOCKS, "phone": BLOCKS}
    assert len(found) == len(set(found))
    assert set(found) >= {
        (name, MODEL, layer, 1, trial, metric)
        for name in layers
        for layer in layers[name]
        for trial in TRIALS
        for metric in METRICS
    }
    assert {key[:3] for key in found} == {(name, MODEL, layer) for name in layers for layer in layers[name]}
    assert {key[4] for key in found} == TRIALS


def test_scores_are_correlations(scores):
    values = [float(row["score"]) for row in scores]
    assert all(abs(value) <= 1 + 1e-9 for value in values)  # not NaN either; 1 is met up to rounding
    assert len(set(values)) > len(values) / 2
    assert {row["status"] for row in scores} <= {"ok", "flagged"}
    assert {row["alignments"] for row in scores} == {"given"}


def test_early_conv_blocks_know_more_of_the_spectrum_than_late_blocks(scores):
    """Even at random: the first block is a filterbank, and what follows forgets."""
    of = {
        layer: statistics.mean(
            float(row["score"])
            for row in scores
            if (row["property"], row["layer"], row["metric"]) == ("mel", layer, "pwcca")
        )
        for layer in ("C1", "T4")
    }
    assert of["C1"] > of["T4"] + 0.1


def test_depth_is_the_share_of_blocks(scores):
    depths = {(row["layer"], row["layer_index"], row["depth"]) for row in scores}
    expected = {(f"T{i}", str(i), str(i / 4)) for i in range(5)} | {(f"C{i}", str(i), "") for i in range(1, 8)}
    assert depths == expected


def test_rows_are_counted(scores, results):
    with h5py.File(results / f"representations/{MODEL}/0.h5") as file:
        frames, fine, phones = (len(file[f"1/{name}"]) for name in ("frame/T0", "frame/C1", "phone/T0"))
    for row in scores:
        total = phones if row["property"] == "phone" else fine if row["layer"] in FINE else frames
        train, test = int(row["n_train"]), int(row["n_test"])
        # Ten folds: eight train, one tests.
        assert train == pytest.approx(0.8 * total, rel=0.06)
        assert test == pytest.approx(0.1 * total, rel=0.25)
        width = 32 if row["layer"].startswith("C") else 48
        assert (int(row["dx"]), int(row["dy"])) == ((width, 39) if row["property"] == "phone" else (80, width))
        assert 0 < int(row["kept_x"]) <= int(row["dx"])
        assert 0 < int(row["kept_y"]) <= int(row["dy"])


def test_table_says_what_the_score_files_say(scores, results):
    from_files = {
        (r["property"], r["model"], r["layer"], str(r["sample"]), str(trial["trial"]), metric): (
            score,
            trial["chance"][metric],
            r["status"],
        )
        for r in records(results)
        for trial in r["trials"]
        for metric, score in trial["metrics"].items()
    }
    keys = ("property", "model", "layer", "sample", "trial", "metric")
    assert {
        tuple(row[k] for k in keys): (float(row["score"]), float(row["chance"]), row["status"]) for row in scores
    } == from_files


def test_score_files_tell_how_they_were_measured(results):
    for record in records(results):
        pairs = [(trial["dev_fold"], trial["test_fold"]) for trial in record["trials"]]
        assert len({fold for pair in pairs for fold in pair}) == 4  # disjoint
        for trial in record["trials"]:
            assert set(trial["regularisers"]) >= METRICS
            assert len(trial["correlations"]) == min(trial["rank_x"], trial["rank_y"])
            assert trial["metrics"]["mean_cca"] == pytest.approx(np.mean(trial["correlations"]), abs=1e-12)
            assert trial["classes"] == (39 if record["property"] == "phone" else 0)


def test_trends_are_means_of_scores(scores, results):
    trends = read(results / "tables/trends.csv")
    keys = ("property", "model", "layer", "metric")
    groups: dict[tuple, list[float]] = {}
    for row in scores:
        groups.setdefault(tuple(row[key] for key in keys), []).append(float(row["score"]))
    assert [tuple(row[key] for key in keys) for row in trends] == list(groups)
    for row in trends:
        values = groups[tuple(row[key] for key in keys)]
        assert int(row["n"]) == len(values) == 2
        assert float(row["mean"]) == pytest.approx(statistics.mean(values), abs=1e-12)
        assert float(row["std"]) == pytest.approx(statistics.stdev(values), abs=1e-12)
        assert float(row["low"]) < float(row["mean"]) < float(row["high"])


def test_best_layer_is_the_highest_block(results):
    trends = read(results / "tables/trends.csv")
    best = {(row["property"], row["metric"]): row["layer"] for row in read(results / "tables/best_layers.csv")}
    assert {key[0] for key in best} == {"mel", "phone"}
    for (name, metric), layer in best.items():
        candidates = {
            row["layer"]: float(row["mean"])
            for row in trends
            if (row["property"], row["metric"], row["status"]) == (name, metric, "ok") and row["layer"] in BLOCKS[1:]
        }
        assert layer == max(candidates, key=candidates.get)


def test_wide_tables_show_the_metric(results):
    trends = read(results / "tables/trends.csv")
    for name, layers in (("mel", CONVS + BLOCKS), ("phone", BLOCKS)):
        wide = read(results / f"tables/layers_{name}.csv")
        assert [row["layer"] for row in wide] == layers
        means = {r["layer"]: r["mean"] for r in trends if (r["property"], r["metric"]) == (name, "pwcca")}
        assert {row["layer"]: row[MODEL] for row in wide} == means


def test_samples_are_counted(results):
    rows = {row["span"]: row for row in read(results / "tables/samples.csv")}
    assert {span: int(row["asked"]) for span, row in rows.items()} == {
        "frame": 30,
        "phone": 39 * 30,
        "word": 20 * 10,
        "utterance": 18 * 20,
    }
    for span, name in (("frame", "utterances"), ("phone", "phones"), ("utterance", "whole_utterances")):
        assert int(rows[span]["drawn"]) == len(pd.read_parquet(results / f"samples/1/{name}.parquet"))
    assert int(rows["phone"]["types"]) == 39


# Representations


@pytest.fixture(scope="module")
def representations(results):
    with h5py.File(results / f"representations/{MODEL}/0.h5", locking=False) as file:  # as scores open it
        yield file


def test_representations_are_complete_and_say_what_they_are(representations):
    attributes = {name: fact(representations, name) for name in representations.attrs}
    assert attributes["complete"]
    assert attributes["model"] == MODEL
    assert attributes["stride_seconds"] == 0.02
    assert attributes["corpus"] == "demo/dev-clean"
    assert attributes["seed"] == 1
    assert {"revision", "layerwise_version"} <= set(attributes)


def test_frames_have_the_layout_of_the_design(representations, results):
    frames, target = representations["1/frame"], representations["1/target"]
    sample = pd.read_parquet(results / "samples/1/utterances.parquet")
    assert list(frames["utterance_id"].asstr()[:]) == list(sample["utterance_id"])
    assert list(frames["speaker_id"].asstr()[:]) == list(sample["speaker_id"].astype(str))
    for layers, suffix, samples_per_row in ((FINE, "_10ms", 160), (CONVS[6:] + BLOCKS, "", 320)):
        offsets = frames[f"offsets{suffix}"][:]
        # 25 ms are seen, so the last whole frame begins 400 samples before the end.
        assert list(np.diff(offsets)) == [1 + (n - 400) // samples_per_row for n in sample["num_samples"]]
        assert target[f"mel{suffix}"].shape == (offsets[-1], 80)
        for layer in layers:
            assert frames[layer].shape == (offsets[-1], 32 if layer.startswith("C") else 48)
            assert frames[layer].dtype == np.float16
            assert frames[layer].attrs["definition"]
            assert frames[layer].chunks[1] == frames[layer].shape[1]
            assert np.isfinite(frames[layer][:]).all()


@pytest.mark.parametrize(("span", "name"), [("phone", "phones"), ("word", "words")])
def test_segments_have_the_layout_of_the_design(representations, results, span, name):
    table = pd.read_parquet(results / f"samples/1/{name}.parquet")
    group = representations[f"1/{span}"]
    rows = group["row"][:]
    assert rows.dtype == np.int64
    assert sorted(rows) == list(range(len(table)))
    ids = group["utterance_id"].asstr()[:]
    assert sorted(zip(ids, rows, strict=True)) == list(zip(ids, rows, strict=True))
    drawn = table.iloc[rows]
    assert list(group["label"].asstr()[:]) == list(drawn["label"])
    assert list(ids) == list(drawn["utterance_id"])
    assert list(group["start"][:]) == list(drawn["start"])
    assert sorted(layer for layer in group if layer.startswith("T") or layer.startswith("C")) == BLOCKS
    for layer in BLOCKS:
        assert group[layer].shape == (len(table), 48)
        assert group[layer].attrs["definition"]


def test_without_tasks_tables_say_what_can_be_said(results):
    assert read(results / "tables/probes.csv") == read(results / "tables/comparison.csv") == []
    findings = read(results / "tables/findings.csv")
    assert [row["finding"] for row in findings] == ["1", "2", "3", "4", "5", "6"]
    assert {row["verdict"] for row in findings} == {"not testable"}
    assert all(row["reason"] for row in findings)
    advice = read(results / "tables/recommendations.csv")
    best = {
        row["property"]: row["layer"] for row in read(results / "tables/best_layers.csv") if row["metric"] == "pwcca"
    }
    assert {row["question"]: row["layer"] for row in advice} == {name: best[name] for name in ("mel", "phone")}
    assert all("random weights" in row["caution"] for row in advice)


# Plots and report


@pytest.mark.parametrize("name", DRAWN)
def test_png_is_a_picture_of_something(results, name):
    pixels = np.asarray(Image.open(results / f"plots/{name}.png").convert("RGB"), dtype=int)
    height, width, _ = pixels.shape
    assert min(height, width) > 200
    assert len(np.unique(pixels.sum(axis=2))) > 50


@pytest.mark.parametrize("name", PAIRS)
def test_one_model_has_no_other_to_be_compared_with(results, name):
    assert "There is one model: nothing to compare." in (results / f"plots/{name}.svg").read_text()
    assert Image.open(results / f"plots/{name}.png").size[0] > 200


@pytest.mark.parametrize("name", DRAWN)
def test_svg_draws_the_scores(results, name):
    root = ElementTree.parse(results / f"plots/{name}.svg").getroot()
    words = " ".join("".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text"))
    properties = ["mel", "phone"] if name == "overview" else [name.split("_")[0]]
    for word in properties:
        assert f"CCA-{word}" in words
    if name.endswith("heatmap"):
        wide = read(results / f"tables/layers_{properties[0]}.csv")
        for row in wide:
            assert f"{float(row[MODEL]):.2f}" in words
            assert row["layer"] in words.split()
        return
    # The colour of the first model: a line in every panel, with as many points as there are layers.
    layers = len(BLOCKS) + (len(CONVS) if name == "mel_layer" else 0)
    lines = [path for path in root.iter() if path.get("stroke", "").lower() == "#0072b2" and path.get("fill") is None]
    assert sum(len(re.findall(r"[ML]", line.get("d", ""))) for line in lines) >= layers * len(properties)


class Links(HTMLParser):
    """What a page refers to, and its words."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.text = ""

    def handle_starttag(self, tag, attributes) -> None:
        self.found += [value for name, value in attributes if name in ("src", "href", "srcset", "data", "poster")]

    def handle_data(self, data) -> None:
        self.text += data


def test_report_is_whole_in_itself(results):
    page = (results / "report.html").read_text()
    links = Links()
    links.feed(page)
    charts = json.loads(re.search('<script type="application/json" id="page-data">(.*?)</script>', page)[1])["charts"]
    assert len(charts) == len(PLOTS)
    assert {link.split(":")[0] if not link.startswith("#") else "#" for link in links.found} <= {"data", "#"}
    styles = "".join(re.findall("<style>(.*?)</style>", page, flags=re.DOTALL))
    assert not re.search(r"@import|url\((?!['\"]?(data:|#))", styles)


def test_report_draws_the_numbers_of_the_table(results, scores, browser):
    browser.open(results / "report.html", "question=phone&metric=mean_cca")
    drawn = {mark["datum"]["layer"]: mark["datum"]["mean"] for mark in browser.marks("depth/phone")}
    of = [row for row in scores if (row["property"], row["metric"]) == ("phone", "mean_cca")]
    expected = {layer: statistics.mean(float(row["score"]) for row in of if row["layer"] == layer) for layer in BLOCKS}
    assert drawn == pytest.approx(expected, rel=1e-5)
    assert browser.console("WARNING", "SEVERE") == []
    assert browser.requests() == [(results / "report.html").as_uri()]


def test_report_tells_of_the_experiment(results):
    links = Links()
    links.feed((results / "report.html").read_text())
    for word in ("smoke", "wav2vec 2.0 tiny (random weights)", "CCA-mel", "CCA-phone", "phones_per_type: 30", "1170"):
        assert word in links.text
    best = next(
        row
        for row in read(results / "tables/best_layers.csv")
        if (row["property"], row["metric"]) == ("phone", "pwcca")
    )
    assert f"{float(best['mean']):.3f}" in links.text


# Logs, benchmarks, and doing it again


def test_logs_and_benchmarks_mirror_each_other_and_the_rules(results, smoke):
    logs = {path.relative_to(results / "logs").with_suffix("") for path in (results / "logs").rglob("*.log")}
    times = {
        path.relative_to(results / "benchmarks").with_suffix("") for path in (results / "benchmarks").rglob("*.tsv")
    }
    assert logs == times
    scripts = {path.stem for path in (smoke / "workflow/scripts").glob("*.py")} - {"plot_figures"}
    scripts |= {"plot_experiment", "plot_property", "tabulate_enough"}  # rules that share a script
    unused = {name for name in scripts if name.startswith("fetch_")}  # all is here, known, aligned, cut and ranked
    unused |= {"choose_sizes", "write_no_intervals"}  # sizes are numbers, and there are alignments
    unused |= {"describe_model", "align_utterances", "cut_recordings", "rank_words"}
    unused |= {"make_practice_speech", "cluster_frames", "pretrain_model", "write_model_card"}  # beside it
    unused |= {"unpack_task", "unpack_split", "index_task", "train_probes", "join_probes"}  # no task is probed
    unused |= {
        "read_segments",
        "measure_acoustics",
        "take_speakers",
        "look_up_targets",
        "locate_intervals",
    }  # no question needs them
    unused |= {"draw_paper", "write_paper"}  # made when asked for
    unused |= {"compare_layers", "tabulate_matrices"}  # no pair of layers is named, and no other model
    assert {path.parts[0] for path in logs} == scripts - unused
    made = {path.relative_to(results / "scores").with_suffix("") for path in (results / "scores").rglob("*.json")}
    assert {path.relative_to("score_layers") for path in logs if path.parts[0] == "score_layers"} == made


def test_nothing_half_made_is_left(results):
    assert [path for path in results.rglob("*") if path.name.startswith(".") and "tmp" in path.name] == []


@pytest.fixture(scope="module")
def score(smoke):
    """Scores representations as the experiment's jobs do, on one thread: the records' file of a property."""
    config = read_experiment(yaml.safe_load((smoke / "results/smoke/configuration.yaml").read_text())).config
    settings = ScoreSettings(seed=config["samples"]["seed"], **{key: config["cca"][key] for key in SETTINGS})

    def start(name: str, representations: list, folder) -> Path:
        out = folder / f"{name}.json"
        layers = CONVS + BLOCKS if name == "mel" else BLOCKS
        with threadpool_limits(1):
            score_layers(representations, PROPERTIES[name], MODEL, 1, layers, settings, out, alignments="given")
        return out

    return start


SETTINGS = ("folds", "trials", "folds_by", "standardise", "epsilons")
JOBS = {"mel": "C1-T4", "phone": "T0-T4"}  # property → layers of its only job


def test_scoring_again_gives_the_same_bytes(results, score, tmp_path):
    files = [score(name, [results / f"representations/{MODEL}/0.h5"], tmp_path) for name in JOBS]
    for path, (name, layers) in zip(files, JOBS.items(), strict=True):
        assert path.read_bytes() == (results / f"scores/{name}/{MODEL}/1/{layers}.json").read_bytes()
    new = {name: tmp_path / f"{name}.csv" for name in ("scores", "trends", "best_layers", "layers_mel", "layers_phone")}
    collect_scores(files, dict.fromkeys([*JOBS], ALL_METRICS), [*JOBS], [MODEL], {MODEL: 4}, new["scores"])
    summarise_trends(new["scores"], 10, new["trends"])
    best_layers(new["trends"], new["scores"], PROPERTIES, new["best_layers"])
    for name in JOBS:
        wide_tables(new["trends"], {name: new[f"layers_{name}"]}, {name: "pwcca"})
    for name, path in new.items():
        assert path.read_bytes() == (results / f"tables/{name}.csv").read_bytes()


def test_scores_do_not_depend_on_the_shards(smoke, results, score, tmp_path):
    shutil.unpack_archive(smoke / "resources/demo/demo-dev-clean.tar.gz", tmp_path / "audio")
    checkpoint = smoke / f"resources/models/{MODEL}"
    shards = [tmp_path / f"{shard}.h5" for shard in range(3)]
    for shard, path in enumerate(shards):
        extract(
            checkpoint,
            {1: results / "samples/1"},
            results / "corpus/utterances.parquet",
            tmp_path / "audio",
            path,
            layers=CONVS + BLOCKS,
            stride_seconds=0.02,
            dtype="float16",
            device="cpu",
            shard=shard,
            shards=3,
        )
    compared = 0
    for name, layers in JOBS.items():
        parts = json.loads(score(name, shards, tmp_path).read_text())["records"]
        whole = json.loads((results / f"scores/{name}/{MODEL}/1/{layers}.json").read_text())["records"]
        assert [record["layer"] for record in parts] == [record["layer"] for record in whole]
        for one, other in zip(parts, whole, strict=True):
            for trial, expected in zip(one["trials"], other["trials"], strict=True):
                # Sums of moments are taken in another order; the published metric's signs may turn with the last digit.
                stable = [key for key in expected["metrics"] if not key.startswith("pwcca_published")]
                compared += len(stable)
                assert [trial["metrics"][key] for key in stable] == pytest.approx(
                    [expected["metrics"][key] for key in stable], rel=0, abs=1e-9
                )
    assert compared > 50
