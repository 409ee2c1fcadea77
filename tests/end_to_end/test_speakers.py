"""Intervals that are about other speakers, from the smoke experiment's representations to its report."""

from __future__ import annotations

import pandas as pd
import pytest

from layerwise.tables.intervals import about
from layerwise.tables.jackknife import jackknife_at, read_jackknife
from layerwise.tables.layer_pairs import read_layer_pairs
from layerwise.tables.trends import read_trends

CONFIG = ["cca={folds_by: speaker, intervals: speakers}", "compare=[T1, T4]"]


@pytest.fixture(scope="module")
def run(smoke, tmp_path_factory):
    copy = smoke.copy(tmp_path_factory.mktemp("speakers"))
    return copy.snakemake("--cores", "2", "--config", *CONFIG), copy.root / "results/smoke"


def test_scores_are_taken_again_and_nothing_is_extracted(run):
    done, _ = run
    assert done.returncode == 0, done.output
    assert {"score_layers", "summarise_trends", "compare_layers", "write_report"} <= set(done.jobs)
    assert not {"extract_representations", "draw_sample", "index_utterances"} & set(done.jobs)


def test_every_table_has_the_intervals_of_the_jackknife(run):
    _, results = run
    trends = read_trends(results / "tables/trends.csv")
    phones = trends[(trends["property"] == "phone") & (trends["metric"] == "pwcca")]
    assert set(phones["interval"]) == {"speakers"}
    again = read_jackknife(results / "tables/jackknife.csv")[("random-wav2vec2-tiny", "phone", "pwcca")]
    for row in phones.itertuples():
        found = jackknife_at(again, [row.layer])
        assert len(found.groups) == row.n_speakers
        assert (row.high - row.low) / 2 > found.error.item() > 0
    pairs = read_layer_pairs(results / "tables/layer_pairs.csv").set_index(["question", "metric"])
    pair, layers = pairs.loc[("phone", "pwcca")], phones.set_index("layer")
    assert pair["difference"] == pytest.approx(layers["mean"]["T1"] - layers["mean"]["T4"])
    # Speakers move both layers alike, so that their difference is surer than either.
    assert pd.notna(pair["low"])
    assert pair["high"] - pair["low"] < (layers["high"] - layers["low"])[["T1", "T4"]].sum()


def test_the_report_says_what_intervals_are_about(run, smoke):
    _, results = run
    page, before = (
        " ".join((folder / "report.html").read_text().split()) for folder in (results, smoke.root / "results/smoke")
    )
    assert about("speakers", "speaker") in page
    assert "folds by row put each into training and test at once" not in page
    assert about("corpus", "row") in before
    assert "folds by row put each into training and test at once" in before
