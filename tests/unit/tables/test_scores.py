import json
import math

import numpy as np
import pandas as pd
import pytest

from layerwise.files.own_files import RereadError
from layerwise.scoring.metrics import METRICS as METRICS_OF_SCORES
from layerwise.scoring.properties import read_properties
from layerwise.spans import SampleSizes
from layerwise.tables import scores as tables
from layerwise.tables.best_layers import best_layers, read_best_layers
from layerwise.tables.files import alignments_of, read_table
from layerwise.tables.jackknife import MissingReplicatesError
from layerwise.tables.models import read_models
from layerwise.tables.samples import summarise_samples
from layerwise.tables.scores import MalformedScoreError, SkippedScoreError, collect_scores, read_scores
from layerwise.tables.trends import read_trends, summarise_trends, wide_tables
from shipped_properties import PROPERTIES as SHIPPED
from synthetic_scores import METRICS, record, with_jackknife, write_experiment, write_score

COUNTS = ["n_rows", "n_types", "n_speakers"]

BLOCKS = {"b-model": 4, "a-model": 2}
PROPERTIES = ["word", "mel"]  # neither models nor properties in alphabetical order: the given order must show
SIZES = SampleSizes(utterances=5, phones_per_type=2, word_types=3, words_per_type=4)


@pytest.fixture
def collect(tmp_path):
    """Collects score files into a table and returns its path."""

    def run(files, blocks=BLOCKS, properties=PROPERTIES, name="scores.csv", **options):
        out = tmp_path / name
        collect_scores(files, dict.fromkeys(properties, METRICS), properties, list(blocks), blocks, out, **options)
        return out

    return run


@pytest.fixture
def trends_of(tmp_path, collect):
    """Writes one model's `phone` layers, {layer: (values of pwcca, status)}, and returns trends.csv."""

    def run(layers, blocks=12, folds=10):
        files = [
            write_score(
                tmp_path / "scores",
                record(
                    "phone",
                    "m",
                    layer,
                    1,
                    [{"pwcca": v} for v in values],
                    status,
                    f"{status} {layer}" * (status != "ok"),
                ),
            )
            for layer, (values, status) in layers.items()
        ]
        scores = tmp_path / "scores.csv"
        collect_scores(files, dict.fromkeys(["phone"], ("pwcca",)), ["phone"], ["m"], {"m": blocks}, scores)
        summarise_trends(scores, folds, tmp_path / "trends.csv")
        return tmp_path / "trends.csv"

    return run


def best_of(trends, tmp_path):
    best_layers(trends, tmp_path / "scores.csv", SHIPPED, tmp_path / "best.csv")
    return read_table(tmp_path / "best.csv")


def test_scores_have_the_columns_and_the_order_of_the_contract(tmp_path, collect):
    out = collect(write_experiment(tmp_path, BLOCKS, PROPERTIES))
    assert out.read_text().splitlines()[0] == (
        "property,model,layer,layer_index,depth,sample,trial,metric,score,chance,low,high,n_train,n_test,dx,dy,"
        "rows_per_dimension,kept_x,kept_y,rank_x,rank_y,classes_unseen,n_rows,n_missing,n_types,n_speakers,"
        "alignments,status,reason"
    )
    table = read_table(out)
    # word: 5 + 3 layers, mel: 12 + 10 (with C1 to C7); 2 samples, 3 trials, 2 metrics
    assert len(table) == (5 + 3 + 12 + 10) * 2 * 3 * 2
    assert list(table["property"].unique()) == PROPERTIES
    assert list(table["model"].unique()) == list(BLOCKS)
    mel = table[(table["property"] == "mel") & (table["model"] == "a-model")]
    assert table["rows_per_dimension"].unique().tolist() == [pytest.approx(800 / (48 + 39))]
    assert list(mel["layer"].unique()) == [*(f"C{i}" for i in range(1, 8)), "T0", "T1", "T2"]
    assert list(mel["depth"].unique())[1:] == [0.0, 0.5, 1.0]
    assert mel.loc[mel["layer"] == "C3", "depth"].isna().all()
    first = table.iloc[:6]
    assert list(first["trial"]) == [1, 1, 2, 2, 3, 3]
    assert list(first["metric"]) == ["mean_cca", "pwcca"] * 3


def test_bytes_depend_neither_on_the_order_nor_on_the_batching_of_files(tmp_path, collect):
    files = write_experiment(tmp_path / "single", BLOCKS, PROPERTIES)
    reference = collect(files).read_bytes()
    assert collect(files[::-1], name="reversed.csv").read_bytes() == reference
    records = [json.loads(file.read_text())["records"][0] for file in files]
    batch = tmp_path / "batch.json"
    batch.write_text(json.dumps({"records": records[::-1]}))
    assert collect([batch], name="batched.csv").read_bytes() == reference


def test_each_metric_has_the_dimensions_that_it_kept_of_either_view(tmp_path, collect):
    scored = record("word", "a-model", "T1", 1, [{"pwcca": 0.5, "svcca": 0.4}])
    scored["trials"][0]["kept"] = {"pwcca": [40, 30], "svcca": [7, 5]}
    table = read_table(collect([write_score(tmp_path, scored)])).set_index("metric")
    assert table[["kept_x", "kept_y"]].to_numpy().tolist() == [[40, 30], [7, 5]]


@pytest.mark.parametrize("kept", [[40, -1], [-1, 30], [40, 1.5], [True, 30]])
def test_dimensions_that_are_no_counts_are_refused(tmp_path, collect, kept):
    scored = record("word", "a-model", "T1", 1, [{"pwcca": 0.5}])
    scored["trials"][0]["kept"] = {"pwcca": kept}
    with pytest.raises(tables.MalformedScoreError, match="two whole numbers are expected"):
        collect([write_score(tmp_path, scored)])


def test_layer_ten_comes_after_layer_nine(tmp_path, collect):
    out = collect(write_experiment(tmp_path, {"m": 12}, ["word"]), {"m": 12})
    assert list(read_table(out)["layer"].unique())[-4:] == ["T9", "T10", "T11", "T12"]


def test_floats_survive_the_round_trip(tmp_path, collect):
    value = 0.1 + 0.2  # 0.30000000000000004
    file = write_score(tmp_path, record("word", "a-model", "T1", 1, [{"pwcca": value}]))
    out = collect([file])
    assert "0.30000000000000004" in out.read_text()
    assert read_table(out)["score"][0] == value


def test_a_skipped_record_gets_a_row_per_metric_without_a_score(tmp_path, collect):
    file = write_score(tmp_path, record("word", "a-model", "T1", 1, [], "skipped", "word, sample 1: too few rows"))
    lines = collect([file]).read_text().splitlines()[1:]
    reason = '"word, sample 1: too few rows"'
    assert lines == [
        f"word,a-model,T1,1,0.5,1,,{metric},,,,,,,,,,,,,,,1000,0,39,18,given,skipped,{reason}"
        for metric in ("mean_cca", "pwcca")
    ]


def test_metrics_are_those_of_the_files(tmp_path, collect):
    file = write_score(tmp_path, record("word", "a-model", "T1", 1, [{"pwcca": 0.5, "cka": 0.1}]))
    assert list(read_table(collect([file]))["metric"]) == ["cka", "pwcca"]


def test_the_chance_level_stands_beside_the_score(tmp_path, collect):
    scored = record(
        "word", "a-model", "T1", 1, [{"pwcca": 0.5}, {"pwcca": 0.6}], chance=[{"pwcca": 0.1}, {"pwcca": 0.2}]
    )
    table = read_scores(collect([write_score(tmp_path, scored)]))
    assert table[["metric", "score", "chance"]].to_numpy().tolist() == [["pwcca", 0.5, 0.1], ["pwcca", 0.6, 0.2]]


def test_a_score_file_of_an_older_version_is_to_be_made_again(tmp_path, collect):
    scored = record("word", "a-model", "T1", 1, [{"pwcca": 0.5, "pwcca_chance": 0.1}])
    del scored["trials"][0]["chance"]
    with pytest.raises(MalformedScoreError, match="a record lacks 'chance'; delete the file to score again"):
        collect([write_score(tmp_path, scored)])


def test_strict_lists_every_reason_and_writes_nothing(tmp_path, collect):
    files = [
        write_score(tmp_path, record("word", "a-model", f"T{i}", 1, [], "skipped", "141 training rows"))
        for i in range(3)
    ]
    files.append(write_score(tmp_path, record("mel", "b-model", "C1", 2, [], "skipped", "NaN in the layer")))
    with pytest.raises(SkippedScoreError) as error:
        collect(files, strict=True)
    assert str(error.value).splitlines()[1:] == [
        "  word, a-model, T0-T2: 141 training rows",
        "  mel, b-model, C1: NaN in the layer",
    ]
    assert not (tmp_path / "scores.csv").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"records": [{"proper', "not a score file"),
        ("", "not a score file"),
        ("[]", "not a score file"),
        ("{}", "it has no list of records"),
        ('{"records": {"property": "word"}}', "it has no list of records"),
        ('{"records": [{"property": "word"}]}', "lacks 'model'"),
        (json.dumps({"records": [record("word", "other", "T1", 1, [])]}), "word of other is not part"),
        (json.dumps({"records": [record("word", "a-model", "L1", 1, [])]}), "'L1' is not a layer's name"),
        (json.dumps({"records": [record("word", "a-model", "T1", 1, [])]}), "is ok but has no trials"),
        (
            json.dumps({"records": [record("word", "a-model", "T1", 1, [{"cka": math.nan}])]}),
            "cka of T1, trial 1, is nan",
        ),
        (json.dumps({"records": [record("word", "a-model", "T1", 1, [{"cka": 0.1}], "fine")]}), "status 'fine'"),
    ],
)
def test_a_malformed_file_is_named(tmp_path, collect, text, message):
    file = tmp_path / "T1.json"
    file.write_text(text)
    with pytest.raises(MalformedScoreError, match=message) as error:
        collect([file])
    assert str(file) in str(error.value)
    assert not (tmp_path / "scores.csv").exists()


CORRELATIONS = [name for name in METRICS_OF_SCORES if name not in ("cka", "r2")]


@pytest.mark.parametrize("of", ["metrics", "chance"])
@pytest.mark.parametrize(
    ("metric", "range_in_words", "impossible"),
    [
        *((name, "from -1 to 1", [-1.001, 1.001, 5.0, 2147483648]) for name in CORRELATIONS),
        ("cka", "from 0 to 1", [-0.001, -1, 2]),
        ("r2", "of at most 1", [1.001, 5]),
    ],
)
def test_a_score_that_cannot_be_is_refused(tmp_path, collect, metric, range_in_words, impossible, of):
    scored = record("word", "a-model", "T1", 1, [{metric: 0.5}], chance=[{metric: 0.5}])
    least = max(METRICS_OF_SCORES[metric].least, -12.5)
    for score in (least, least - 1e-7, 0.5, 1, 1 + 1e-7):
        scored["trials"][0][of] = {metric: score}
        collect([write_score(tmp_path, scored)])
    by_chance = " by chance" if of == "chance" else ""
    message = f"{metric} of T1, trial 1,{by_chance} is .*; a number {range_in_words} is expected"
    for score in impossible:
        scored["trials"][0][of] = {metric: score}
        with pytest.raises(MalformedScoreError, match=message):
            collect([write_score(tmp_path, scored)])


def test_rounding_of_float32_is_forgiven_and_no_more(tmp_path, collect):
    for score, is_fine in ((1 + 9e-7, True), (-1 - 9e-7, True), (1 + 2e-6, False), (-1 - 2e-6, False)):
        scored = record("word", "a-model", "T1", 1, [{"pwcca": 0.5}])
        scored["trials"][0]["metrics"]["pwcca"] = score
        file = write_score(tmp_path, scored)
        if is_fine:
            collect([file])
        else:
            with pytest.raises(MalformedScoreError, match="a number from -1 to 1 is expected"):
                collect([file])


@pytest.mark.parametrize("score", [True, "0.5", None, math.inf])
def test_a_score_that_is_no_number_is_refused(tmp_path, collect, score):
    scored = record("word", "a-model", "T1", 1, [{"pwcca": 0.5}])
    scored["trials"][0]["metrics"]["pwcca"] = score
    with pytest.raises(MalformedScoreError, match="not a number"):
        collect([write_score(tmp_path, scored)])


@pytest.mark.parametrize("place", ["record", "trial", "kept"])
def test_counts_are_from_0_to_a_million_millions(tmp_path, collect, place):
    for count, is_fine in ((0, True), (10**12, True), (-1, False), (10**12 + 1, False)):
        scored = record("word", "a-model", "T1", 1, [{"pwcca": 0.5}])
        if place == "record":
            scored["n_rows"] = count
        elif place == "trial":
            scored["trials"][0]["n_test"] = count
        else:
            scored["trials"][0]["kept"]["pwcca"] = [count, count]
        file = write_score(tmp_path, scored)
        if is_fine:
            collect([file])
        else:
            with pytest.raises(MalformedScoreError, match=r"whole numbers? "):
                collect([file])


@pytest.mark.parametrize("sample", [1.5, -1, True, "1"])
def test_a_sample_that_is_no_whole_number_is_refused(tmp_path, collect, sample):
    file = write_score(tmp_path, record("word", "a-model", "T1", 1, [{"pwcca": 0.5}]) | {"sample": sample})
    with pytest.raises(MalformedScoreError, match=r"sample .* is no whole number"):
        collect([file])


def test_a_property_that_the_experiment_lacks_is_refused(tmp_path, collect):
    file = write_score(tmp_path, record("phone", "a-model", "T1", 1, [{"pwcca": 0.5}]))
    with pytest.raises(MalformedScoreError, match="phone of a-model is not part of this experiment"):
        collect([file])


@pytest.mark.parametrize("name", ["alignments", "reason"])
def test_what_is_said_of_a_record_is_text(tmp_path, collect, name):
    file = write_score(tmp_path, record("word", "a-model", "T1", 1, [{"pwcca": 0.5}]) | {name: 1})
    with pytest.raises(MalformedScoreError, match="alignments and reason are no text"):
        collect([file])


def test_only_blocks_have_a_depth_and_a_largest_index(tmp_path, collect):
    file = write_score(tmp_path, record("mel", "a-model", "C7", 1, [{"pwcca": 0.5}]))
    assert read_scores(collect([file]))["depth"].isna().all()


def test_tables_that_are_read_again_lack_no_column_and_have_no_row_twice(tmp_path, trends_of):
    trends = trends_of({"T1": ([0.5, 0.6], "ok"), "T2": ([0.5, 0.7], "ok")})
    best_layers(trends, tmp_path / "scores.csv", SHIPPED, tmp_path / "best.csv")
    for path, read, column in (
        (tmp_path / "scores.csv", read_scores, "n_train"),
        (trends, read_trends, "interval"),
        (tmp_path / "best.csv", read_best_layers, "shared_luck"),
    ):
        table = pd.read_csv(path, dtype=str)
        pd.concat([table, table.iloc[:1]]).to_csv(path, index=False)
        with pytest.raises(RereadError, match="two rows of phone, m"):
            read(path)
        table.drop(columns=column).to_csv(path, index=False)
        with pytest.raises(RereadError, match=f"it lacks the column {column}"):
            read(path)


def test_models_are_read_with_the_facts_that_are_asked_for(tmp_path):
    path = tmp_path / "models.csv"
    path.write_text("model,objective,size,blocks,year\na,contrastive,,1,2020\nb,,Base,9999,2021\n")
    table = read_models(path, ["year"])
    assert table["blocks"].tolist() == [1, 9999]
    assert table[["objective", "size"]].to_numpy().tolist() == [["contrastive", ""], ["", "Base"]]
    with pytest.raises(RereadError, match="it lacks the column hours, units"):
        read_models(path, ["hours", "year", "units"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model,objective,size,blocks\na,x,y,12\nb,x,y,10000\n", "blocks is not from 1 to 9999"),
        ("model,objective,size,blocks\na,x,y,12\na,x,y,12\n", "two rows of a"),
        ("model,size,blocks\na,y,12\n", "lacks the column objective"),
        ("model,objective,size\na,x,y\n", "lacks the column blocks"),
    ],
)
def test_models_that_cannot_be_are_refused(tmp_path, text, message):
    path = tmp_path / "models.csv"
    path.write_text(text)
    with pytest.raises(RereadError, match=message):
        read_models(path)


@pytest.mark.parametrize("scores", [[{"pwcca": 0.5}], []])
def test_a_layer_that_the_model_does_not_have_is_refused(tmp_path, collect, scores):
    record_of = record("word", "a-model", "T500", 1, scores, "ok" if scores else "skipped")
    with pytest.raises(MalformedScoreError, match=r"it has the layer T500, and a-model has \d+ blocks"):
        collect([write_score(tmp_path, record_of)])


def test_the_same_record_in_two_files_is_refused(tmp_path, collect):
    one = write_score(tmp_path, record("word", "a-model", "T1", 1, [{"pwcca": 0.5}]))
    two = tmp_path / "T1-T2.json"
    two.write_text(one.read_text())
    with pytest.raises(MalformedScoreError, match=r"T1-T2\.json: holds .* and so does .*T1\.json"):
        collect([one, two])


def test_the_interval_is_the_corrected_resampled_t(trends_of):
    (row,) = read_table(trends_of({"T6": ([0.4, 0.5, 0.6], "ok")})).to_dict("records")
    assert row["mean"] == pytest.approx(0.5)
    assert row["std"] == pytest.approx(0.1)
    assert row["n"] == 3
    # t(0.975, 2 degrees of freedom) = 4.302652730; n_test/n_train = 1/8; 0.1 * sqrt(1/3 + 1/8) = 0.0677003
    half = 4.302652730 * 0.1 * math.sqrt(1 / 3 + 1 / 8)
    assert row["low"] == pytest.approx(0.5 - half, abs=1e-9)
    assert row["high"] == pytest.approx(0.5 + half, abs=1e-9)
    assert half == pytest.approx(0.2912910, abs=1e-7)


def test_fewer_folds_widen_the_interval(trends_of):
    row = read_table(trends_of({"T6": ([0.4, 0.5, 0.6], "ok")}, folds=4)).iloc[0]
    assert row["high"] - row["mean"] == pytest.approx(4.302652730 * 0.1 * math.sqrt(1 / 3 + 1 / 2), abs=1e-9)


def test_one_score_has_no_interval(trends_of):
    row = read_table(trends_of({"T6": ([0.4], "ok")})).iloc[0]
    assert (row["mean"], row["n"]) == (0.4, 1)
    assert row[["std", "low", "high"]].isna().all()
    assert row["interval"] == ""


def test_trends_of_skipped_and_flagged_layers(trends_of):
    table = read_table(trends_of({"T1": ([], "skipped"), "T2": ([0.5, 0.6], "flagged")})).set_index("layer")
    assert list(table["status"]) == ["skipped", "flagged"]
    assert list(table["reason"]) == ["skipped T1", "flagged T2"]
    assert list(table["n"]) == [0, 2]
    assert math.isnan(table.loc["T1", "mean"])
    assert table.loc["T2", "mean"] == pytest.approx(0.55)


def test_one_skipped_sample_of_two_leaves_a_mean_and_a_reason(tmp_path, collect):
    files = [
        write_score(tmp_path, record("word", "a-model", "T1", 1, [{"mean_cca": 0.2, "pwcca": 0.5}])),
        write_score(tmp_path, record("word", "a-model", "T1", 2, [], "skipped", "word, sample 2: NaN")),
    ]
    summarise_trends(collect(files), 10, tmp_path / "trends.csv")
    row = read_table(tmp_path / "trends.csv").set_index("metric").loc["pwcca"]
    assert (row["n"], row["mean"], row["status"], row["reason"]) == (1, 0.5, "ok", "word, sample 2: NaN")


def test_one_flagged_sample_flags_the_layer(tmp_path, collect):
    files = [
        write_score(tmp_path, record("word", "a-model", "T1", sample, [{"pwcca": 0.5}], status, reason))
        for sample, status, reason in ((1, "ok", ""), (2, "flagged", "few rows"), (3, "flagged", "NaN"))
    ]
    summarise_trends(collect(files), 10, tmp_path / "trends.csv")
    (row,) = read_trends(tmp_path / "trends.csv").to_dict("records")
    assert (row["status"], row["n"], row["reason"]) == ("flagged", 3, "few rows; NaN")


def test_rows_per_dimension_are_the_mean_over_trials(tmp_path, collect):
    scored = record("word", "a-model", "T1", 1, [{"pwcca": 0.5}, {"pwcca": 0.6}])
    scored["trials"][0] |= {"n_train": 300, "dx": 20, "dy": 10}
    scored["trials"][1] |= {"n_train": 600, "dx": 20, "dy": 10}
    scores = collect([write_score(tmp_path, scored)])
    assert read_scores(scores)["rows_per_dimension"].tolist() == [10, 20]
    summarise_trends(scores, 10, tmp_path / "trends.csv")
    assert read_trends(tmp_path / "trends.csv")["rows_per_dimension"].tolist() == [15]


def test_counts_are_those_of_the_smallest_sample(tmp_path, collect):
    files = []
    for sample, rows, types, speakers in ((1, 900, 38, 17), (2, 1000, 39, 16), (3, 800, 39, 18)):
        scored = record("word", "a-model", "T1", sample, [{"mean_cca": 0.2, "pwcca": 0.5}] * 3)
        scored |= {"n_rows": rows, "n_types": types, "n_speakers": speakers}
        files.append(write_score(tmp_path, scored))
    files.append(write_score(tmp_path, record("word", "a-model", "T2", 1, [], "skipped", "NaN")))
    scores = read_scores(collect(files))
    second = scores.query("layer == 'T1' and sample == 2")
    assert second[COUNTS].drop_duplicates().to_numpy().tolist() == [[1000, 39, 16]]
    trends, best = tmp_path / "trends.csv", tmp_path / "best.csv"
    summarise_trends(tmp_path / "scores.csv", 10, trends)
    rows = read_trends(trends).set_index(["layer", "metric"])[COUNTS]
    assert rows.loc[("T1", "pwcca")].tolist() == [800, 38, 16]
    assert rows.loc[("T2", "pwcca")].tolist() == [1000, 39, 18]  # a skipped layer has rows too
    best_layers(trends, tmp_path / "scores.csv", SHIPPED, best)
    row = read_best_layers(best).set_index("metric").loc["pwcca"]
    assert (row["layer"], row["n_rows"], row["n_types"], row["n_speakers"]) == ("T1", 800, 38, 16)
    assert "800,38,16" in best.read_text()  # whole numbers, not 800.0


@pytest.mark.parametrize("wrong", [-1, 2.5, True, None, "many"])
def test_a_count_that_is_none_is_refused(tmp_path, collect, wrong):
    broken = record("word", "a-model", "T1", 1, [{"pwcca": 0.5}]) | {"n_speakers": wrong}
    with pytest.raises(MalformedScoreError, match="n_speakers of T1 is"):
        collect([write_score(tmp_path, broken)])


@pytest.mark.parametrize("wrong", ["-5", "2.5"])
def test_a_count_of_a_table_is_whole_when_read_again(trends_of, wrong):
    trends = trends_of({"T1": ([0.5, 0.6], "ok"), "T2": ([], "skipped")})
    table = pd.read_csv(trends, dtype=str)
    table.loc[0, "n_rows"] = wrong
    table.to_csv(trends, index=False)
    with pytest.raises(RereadError, match="no whole number from 0 in column n_rows"):
        read_trends(trends)


def test_the_best_layer_its_runner_up_and_its_ties(trends_of, tmp_path):
    spread = [-0.01, 0, 0.01]
    # half width 4.3027 * 0.01 * sqrt(1/3 + 1/8) = 0.0291: T10 is within it, T2 is not
    layers = {"T0": 0.9, "T2": 0.66, "T5": 0.70, "T9": 0.69, "T10": 0.68}
    trends = trends_of({layer: ([mean + s for s in spread], "ok") for layer, mean in layers.items()})
    (row,) = best_of(trends, tmp_path).to_dict("records")
    assert (row["layer"], row["runner_up"], row["tied"]) == ("T5", "T9", "T9 T10")
    assert row["mean"] == pytest.approx(0.7)
    assert row["depth"] == pytest.approx(5 / 12)
    assert row["low"] == pytest.approx(0.7 - 0.02912910, abs=1e-7)
    assert np.isnan(row["chance"])  # these scores come without one


def test_the_luck_of_ranked_layers_and_what_the_best_one_was_measured_on(trends_of, tmp_path):
    """Draws of (1, 2, 3) and (1, 3, 2): half of the variance is shared. Neither T0 nor a flagged layer counts."""
    layers = {"T0": [0.1, 0.9, 0.5], "T1": [0.51, 0.52, 0.53], "T2": [0.61, 0.63, 0.62]}
    trends = trends_of(
        {layer: (values, "ok") for layer, values in layers.items()} | {"T3": ([0.9, 0.1, 0.2], "flagged")}
    )
    (row,) = best_of(trends, tmp_path).to_dict("records")
    assert row["layer"] == "T2"
    assert row["shared_luck"] == pytest.approx(0.5)
    assert (row["kept_x"], row["kept_y"], row["classes_unseen"]) == (48, 39, 0)
    (row,) = best_of(trends_of({"T1": ([0.5, 0.6], "ok")}), tmp_path).to_dict("records")
    assert np.isnan(row["shared_luck"])


def test_layers_just_outside_of_the_ties_are_named(trends_of, tmp_path):
    """The best one is known to 0.1: T2 lies within, T1 outside by less than as much again, T3 by more."""
    trends = trends_of(
        {name: ([level], "ok") for name, level in {"T1": 0.45, "T2": 0.55, "T3": 0.35, "T4": 0.6}.items()}
    )
    table = read_trends(trends)
    table.assign(low=table["mean"] - 0.1, high=table["mean"] + 0.1).to_csv(trends, index=False)
    (row,) = best_of(trends, tmp_path).to_dict("records")
    assert (row["layer"], row["tied"], row["nearly_tied"]) == ("T4", "T2", "T1")


def test_the_first_block_can_be_the_best_one(trends_of, tmp_path):
    (row,) = best_of(trends_of({"T1": ([0.6], "ok"), "T2": ([0.6], "ok")}), tmp_path).to_dict("records")
    assert (row["layer"], row["runner_up"], row["tied"]) == ("T1", "T2", "")


def test_the_best_layer_has_the_most_of_its_own_counts(tmp_path, collect):
    files = []
    for layer, level, kept in (("T1", 0.5, [90, 80]), ("T2", 0.7, [40, 30])):
        scored = record("word", "a-model", layer, 1, [{"pwcca": level}, {"pwcca": level + 0.01}])
        scored["trials"][0]["kept"]["pwcca"] = kept
        scored["trials"][1]["kept"]["pwcca"] = [kept[0] - 5, kept[1] + 5]
        scored["trials"][1]["classes_unseen"] = 3
        files.append(write_score(tmp_path, scored))
    summarise_trends(collect(files), 10, tmp_path / "trends.csv")
    (row,) = best_of(tmp_path / "trends.csv", tmp_path).to_dict("records")
    assert (row["layer"], row["kept_x"], row["kept_y"], row["classes_unseen"]) == ("T2", 40, 35, 3)
    assert ",40,35,3," in (tmp_path / "best.csv").read_text()  # whole numbers


def test_luck_is_of_the_draws_that_all_ranked_layers_have(trends_of, tmp_path):
    trends = trends_of({"T1": ([0.51, 0.52, 0.53], "ok"), "T2": ([0.61, 0.63, 0.62, 0.9], "ok")})
    (row,) = best_of(trends, tmp_path).to_dict("records")
    assert row["shared_luck"] == pytest.approx(0.5)


def test_a_question_without_scores_has_neither_luck_nor_counts(trends_of, tmp_path):
    trends = trends_of({"T1": ([0.71, 0.72, 0.73], "ok"), "T2": ([0.61, 0.63, 0.62], "ok")})
    scores = tmp_path / "scores.csv"
    scores.write_text(scores.read_text().replace("pwcca", "cka"))
    (row,) = best_of(trends, tmp_path).to_dict("records")
    assert row["layer"] == "T1"
    assert np.isnan([row["shared_luck"], row["kept_x"], row["kept_y"], row["classes_unseen"]]).all()


def test_models_and_properties_keep_their_order_in_the_best_layers(tmp_path, collect):
    summarise_trends(collect(write_experiment(tmp_path, BLOCKS, PROPERTIES)), 10, tmp_path / "trends.csv")
    found = best_of(tmp_path / "trends.csv", tmp_path)
    assert list(zip(found["property"], found["model"], found["metric"], strict=True)) == [
        (name, model, metric) for name in PROPERTIES for model in BLOCKS for metric in METRICS
    ]
    assert found["shared_luck"].notna().all()


def test_a_matrix_of_scores_is_in_order_of_depth_sample_and_trial():
    rows = [(layer, sample, trial) for layer in ("T10", "T9") for sample in (10, 2) for trial in (2, 1)]
    table = pd.DataFrame(rows, columns=["layer", "sample", "trial"])
    table["score"] = table["sample"] + table["trial"] / 10 + (table["layer"] == "T9") / 100
    table.loc[table["layer"] == "T10", "score"] = table["score"].where(table["trial"] == 1)
    found = tables.score_matrix(table)
    assert list(found.index) == ["T9", "T10"]
    assert list(found.columns) == [(2, 1), (2, 2), (10, 1), (10, 2)]
    assert found.loc["T9"].tolist() == pytest.approx([2.11, 2.21, 10.11, 10.21])
    assert found.loc["T10"].isna().tolist() == [False, True, False, True]


def test_flagged_and_skipped_layers_are_not_ranked(trends_of, tmp_path):
    trends = trends_of({"T1": ([0.5, 0.51], "ok"), "T2": ([0.9, 0.91], "flagged"), "T3": ([], "skipped")})
    (row,) = best_of(trends, tmp_path).to_dict("records")
    assert (row["layer"], row["runner_up"], row["tied"]) == ("T1", "", "")


def test_a_model_without_a_layer_to_rank_says_why(trends_of, tmp_path):
    trends = trends_of({"T0": ([0.5], "ok"), "T1": ([0.9], "flagged"), "T2": ([], "skipped")})
    (row,) = best_of(trends, tmp_path).to_dict("records")
    assert (row["layer"], row["reason"]) == ("", "flagged T1; skipped T2")
    (row,) = best_of(trends_of({"T0": ([0.5], "ok")}), tmp_path).to_dict("records")
    assert (row["layer"], row["reason"]) == ("", "no transformer block was scored")


def test_a_layer_without_a_reason_adds_none(tmp_path, collect):
    files = [
        write_score(tmp_path, record("word", "a-model", "T1", 1, [{"pwcca": 0.5}], "flagged", "")),
        write_score(tmp_path, record("word", "a-model", "T2", 1, [{"pwcca": 0.5}], "flagged", "NaN")),
    ]
    summarise_trends(collect(files), 10, tmp_path / "trends.csv")
    (row,) = best_of(tmp_path / "trends.csv", tmp_path).to_dict("records")
    assert (row["layer"], row["reason"]) == ("", "NaN")


def test_neither_intra_nor_conv_layers_are_ranked(tmp_path):
    files = write_experiment(tmp_path, {"m": 4}, ("intra", "mel"), metrics=("pwcca",), chance=True)
    files.append(write_score(tmp_path, record("mel", "m", "C8", 1, [{"pwcca": 0.99}])))
    collect_scores(
        files, dict.fromkeys(["intra", "mel"], ("pwcca",)), ["intra", "mel"], ["m"], {"m": 4}, tmp_path / "scores.csv"
    )
    summarise_trends(tmp_path / "scores.csv", 10, tmp_path / "trends.csv")
    (row,) = best_of(tmp_path / "trends.csv", tmp_path).to_dict("records")
    # of depths 0.25, 0.5, 0.75 and 1 the second is nearest to the peak of the made-up curve
    assert (row["property"], row["metric"], row["layer"]) == ("mel", "pwcca", "T2")
    assert row["chance"] == pytest.approx(0.128)  # 0.12 + 0.004 times the trial, on average
    assert row["rows_per_dimension"] == pytest.approx(800 / (48 + 39))


def test_the_wide_table_holds_means_in_order_of_depth(tmp_path, collect):
    def status(property_name, model, layer):
        return ("skipped", "NaN") if model == "a-model" and layer == "T1" else ("ok", "")

    summarise_trends(
        collect(write_experiment(tmp_path, BLOCKS, PROPERTIES, status=status)), 10, tmp_path / "trends.csv"
    )
    wide_tables(tmp_path / "trends.csv", {"word": tmp_path / "layers_word.csv"}, {"word": "pwcca"})
    table = read_table(tmp_path / "layers_word.csv")
    assert list(table.columns) == ["layer", "alignments", "b-model", "a-model"]
    assert set(table["alignments"]) == {"given"}
    assert list(table["layer"]) == ["T0", "T1", "T2", "T3", "T4"]
    assert list(table["a-model"].isna()) == [False, True, False, True, True]
    trends = read_table(tmp_path / "trends.csv").set_index(["property", "model", "layer", "metric"])
    assert table["b-model"][3] == trends.loc[("word", "b-model", "T3", "pwcca"), "mean"]


def test_samples_count_what_was_drawn(tmp_path):
    folder = tmp_path / "samples" / "2"
    folder.mkdir(parents=True)
    pd.DataFrame({"utterance_id": ["u1", "u2"], "duration": [9.0, 27.0]}).to_parquet(folder / "utterances.parquet")
    intervals = {"utterance_id": ["u1", "u1", "u3"], "label": ["AA", "B", "AA"], "start": [0, 1, 2], "end": [1, 3, 5.5]}
    pd.DataFrame(intervals).to_parquet(folder / "phones.parquet")
    pd.DataFrame(intervals).iloc[:0].to_parquet(folder / "words.parquet")
    files = [folder / f"{name}.parquet" for name in ("words", "phones", "utterances")]
    out = tmp_path / "samples.csv"
    summarise_samples(files, SIZES, out=out)
    assert out.read_text().splitlines() == [
        "sample,span,asked,drawn,types,utterances,hours,alignments",
        "2,frame,5,2,,2,0.01,given",
        f"2,phone,78,3,2,2,{6.5 / 3600!r},given",
        "2,word,12,0,0,0,0.0,given",
    ]
    summarise_samples(files, SIZES, out, alignments="automatic")
    assert set(read_table(out)["alignments"]) == {"automatic"}
    for phone_types, asked in ((None, 2 * 2), (40, 40 * 2)):  # AA and B were found
        summarise_samples(files, SIZES, out, phone_types)
        assert out.read_text().splitlines()[2].startswith(f"2,phone,{asked},3,2,")


def test_layers_of_the_wide_table_are_in_order_of_depth_beyond_ten(trends_of, tmp_path):
    trends = trends_of({layer: ([0.5], "ok") for layer in ("T10", "T9", "T2")})
    wide_tables(trends, {"phone": tmp_path / "wide.csv"}, {"phone": "pwcca"})
    assert read_table(tmp_path / "wide.csv")["layer"].tolist() == ["T2", "T9", "T10"]


def test_no_samples_give_a_table_without_rows(tmp_path):
    summarise_samples([], SIZES, tmp_path / "samples.csv")
    assert (tmp_path / "samples.csv").read_text() == "sample,span,asked,drawn,types,utterances,hours,alignments\n"


def test_samples_are_in_the_order_of_their_numbers_and_spans(tmp_path):
    files = []
    for sample in (10, 2):
        folder = tmp_path / str(sample)
        folder.mkdir()
        pd.DataFrame({"utterance_id": ["u1"], "duration": [9.0]}).to_parquet(folder / "utterances.parquet")
        intervals = pd.DataFrame({"utterance_id": ["u1"], "label": ["AA"], "start": [0], "end": [1.5]})
        for name in ("words", "phones"):
            intervals.to_parquet(folder / f"{name}.parquet")
        files += [folder / f"{name}.parquet" for name in ("words", "utterances", "phones")]
    summarise_samples(files, SIZES, tmp_path / "samples.csv")
    table = read_table(tmp_path / "samples.csv")
    assert list(zip(table["sample"], table["span"], strict=True)) == [
        (sample, span) for sample in (2, 10) for span in ("frame", "phone", "word")
    ]


@pytest.mark.parametrize("made", ["given", "automatic"])
def test_a_table_says_how_its_alignments_were_made(made):
    assert alignments_of(pd.DataFrame({"alignments": [made, made, made]})) == made
    assert alignments_of(pd.DataFrame({"alignments": [made]})) == made
    assert alignments_of(pd.DataFrame({"alignments": []})) == "given"


def test_automatic_alignments_are_marked_in_every_row_of_every_table(tmp_path):
    def status(property_name, model, layer):
        return ("skipped", "NaN") if layer == "T1" else ("ok", "")

    files = write_experiment(tmp_path, BLOCKS, PROPERTIES, status=status, alignments="automatic")
    paths = {name: tmp_path / f"{name}.csv" for name in ("scores", "trends", "best", "wide")}
    collect_scores(files, dict.fromkeys(PROPERTIES, METRICS), PROPERTIES, list(BLOCKS), BLOCKS, paths["scores"])
    summarise_trends(paths["scores"], 10, paths["trends"])
    best_layers(paths["trends"], paths["scores"], SHIPPED, paths["best"])
    wide_tables(paths["trends"], {"word": paths["wide"]}, {"word": "pwcca"})
    for name, path in paths.items():
        table = read_table(path)
        assert len(table) > 3
        assert set(table["alignments"]) == {"automatic"}, name


def test_a_model_called_null_keeps_its_name(tmp_path, collect):
    file = write_score(tmp_path, record("word", "null", "T1", 1, [{"pwcca": 0.5}]))
    assert read_table(collect([file], {"null": 2}))["model"][0] == "null"


# Intervals of speakers


def over_speakers(tmp_path, share):
    """Trends of one model whose layers T1 and T2 have a jackknife over a and b, and scores of chance."""
    values = {"a": [0.5, 0.62], "b": [0.54, 0.6]}
    files = [
        write_score(
            tmp_path / "scores",
            with_jackknife(
                record(
                    "phone",
                    "m",
                    layer,
                    1,
                    [{"pwcca": 0.5}, {"pwcca": 0.6}],
                    chance=[{"pwcca": 0.1}, {"pwcca": 0.2}],
                ),
                share,
                values,
            ),
        )
        for layer in ("T1", "T2")
    ]
    paths = {name: tmp_path / f"{name}.csv" for name in ("scores", "jackknife", "trends")}
    collect_scores(
        files,
        dict.fromkeys(["phone"], ("pwcca",)),
        ["phone"],
        ["m"],
        {"m": 4},
        paths["scores"],
        jackknife=paths["jackknife"],
    )
    summarise_trends(paths["scores"], 10, paths["trends"], paths["jackknife"])
    return paths


def test_an_interval_of_speakers_is_the_jackknifes_and_says_so(tmp_path):
    paths = over_speakers(tmp_path, {"a": [0.5, 0.5], "b": [0.5, 0.5]})
    trends = read_trends(paths["trends"]).set_index(["layer", "metric"])
    row = trends.loc[("T1", "pwcca")]
    # θ(a) = 0.56, θ(b) = 0.57, one degree of freedom
    lost = 0.5
    error = math.sqrt((2 - lost) ** 2 / 2 * 2 * 0.005**2) / lost
    assert (row["interval"], row["mean"]) == ("speakers", pytest.approx(0.55))
    assert [row["low"], row["high"]] == pytest.approx([0.55 - 12.7062047 * error, 0.55 + 12.7062047 * error])
    assert row["std"] == pytest.approx(0.1 / math.sqrt(2))
    # that of the chance level is about the corpus: t(1) · 0.1 / √2 · √(1/2 + 1/8)
    half = 12.7062047 * 0.1 / math.sqrt(2) * math.sqrt(1 / 2 + 1 / 8)
    assert [row["chance_low"], row["chance_high"]] == pytest.approx([0.15 - half, 0.15 + half])


def test_where_one_group_was_tested_there_is_no_interval_and_a_reason(tmp_path):
    paths = over_speakers(tmp_path, {"a": [1.0, 1.0], "b": [0.0, 0.0]})
    row = read_trends(paths["trends"]).set_index(["layer", "metric"]).loc[("T1", "pwcca")]
    assert np.isnan([row["low"], row["high"]]).all()
    assert (row["interval"], row["reason"]) == ("", "no interval: one group of speakers was tested")


def test_a_skipped_layer_needs_no_jackknife_and_a_single_score_has_an_interval_of_speakers(tmp_path):
    scored = with_jackknife(
        record("phone", "m", "T1", 1, [{"pwcca": 0.5}]), {"a": [0.5], "b": [0.5]}, {"a": [0.5], "b": [0.54]}
    )
    files = [
        write_score(tmp_path / "scores", scored),
        write_score(tmp_path / "scores", record("phone", "m", "T2", 1, [], "skipped", "NaN")),
    ]
    scores, jackknife = tmp_path / "scores.csv", tmp_path / "jackknife.csv"
    collect_scores(files, dict.fromkeys(["phone"], ("pwcca",)), ["phone"], ["m"], {"m": 4}, scores, jackknife=jackknife)
    summarise_trends(scores, 10, tmp_path / "trends.csv", jackknife)
    one, skipped = read_trends(tmp_path / "trends.csv").to_dict("records")
    assert (one["interval"], one["n"], one["low"] < 0.5 < one["high"]) == ("speakers", 1, True)
    assert (skipped["interval"], skipped["n"], skipped["reason"]) == ("", 0, "NaN")


def test_the_rows_of_the_jackknife_are_in_the_order_of_the_scores(tmp_path):
    share, values = {"b": [0.5], "a": [0.5]}, {"b": [0.5], "a": [0.54]}
    files = [
        write_score(tmp_path / "scores", with_jackknife(record(name, model, layer, 1, [{"pwcca": 0.5}]), share, values))
        for name in ("mel", "word")
        for model in ("a-model", "b-model")
        for layer in ("T2", "T1")
    ]
    jackknife = tmp_path / "jackknife.csv"
    collect_scores(
        files,
        dict.fromkeys(PROPERTIES, ("pwcca",)),
        PROPERTIES,
        list(BLOCKS),
        BLOCKS,
        tmp_path / "scores.csv",
        jackknife=jackknife,
    )
    table = pd.read_csv(jackknife)
    assert list(zip(table["property"], table["model"], table["layer"], table["group"], strict=True)) == [
        (name, model, layer, group)
        for name in PROPERTIES
        for model in BLOCKS
        for layer in ("T1", "T2")
        for group in ("a", "b")
    ]


def test_a_layer_that_the_jackknife_lacks_is_refused(tmp_path):
    paths = over_speakers(tmp_path, {"a": [0.5, 0.5], "b": [0.5, 0.5]})
    table = pd.read_csv(paths["jackknife"])
    table[table["layer"] != "T2"].to_csv(paths["jackknife"], index=False)
    with pytest.raises(MissingReplicatesError, match="lacks some of m phone pwcca, T2"):
        summarise_trends(paths["scores"], 10, paths["trends"], paths["jackknife"])


def test_a_score_without_its_jackknife_is_refused(tmp_path):
    file = write_score(tmp_path, record("phone", "m", "T1", 1, [{"pwcca": 0.5}]))
    with pytest.raises(MalformedScoreError, match="a record lacks 'jackknife'"):
        collect_scores(
            [file],
            dict.fromkeys(["phone"], ("pwcca",)),
            ["phone"],
            ["m"],
            {"m": 4},
            tmp_path / "s.csv",
            jackknife=tmp_path / "j.csv",
        )


def test_another_word_for_an_interval_is_refused(trends_of):
    trends = trends_of({"T1": ([0.5, 0.6], "ok")})
    assert read_trends(trends)["interval"].tolist() == ["corpus"]
    trends.write_text(trends.read_text().replace("corpus", "anything"))
    with pytest.raises(RereadError, match="'anything' in column interval"):
        read_trends(trends)


def test_properties_with_folds_of_their_own_have_no_jackknife(tmp_path):
    share, values = {"a": [0.5, 0.4], "b": [0.5, 0.6]}, {"a": [0.5, 0.62], "b": [0.54, 0.6]}
    scores = [{"pwcca": 0.5}, {"pwcca": 0.6}]
    own = write_score(tmp_path, record("speaker", "m", "T1", 1, scores))
    other = write_score(tmp_path, with_jackknife(record("phone", "m", "T1", 1, scores), share, values))
    out, jackknife = tmp_path / "scores.csv", tmp_path / "jackknife.csv"
    arguments = ([own, other], {"speaker": ["pwcca"], "phone": ["pwcca"]}, ["speaker", "phone"], ["m"], {"m": 4}, out)
    with pytest.raises(MalformedScoreError, match="lacks 'jackknife'"):
        collect_scores(*arguments, jackknife=jackknife)
    collect_scores(*arguments, jackknife=jackknife, own_folds=["speaker"])
    summarise_trends(out, 10, tmp_path / "trends.csv", jackknife)
    trends = read_trends(tmp_path / "trends.csv").set_index("property")
    assert trends["interval"].to_dict() == {"speaker": "corpus", "phone": "speakers"}
    assert trends["low"].notna().all()


def test_rows_without_a_target_are_counted(tmp_path, collect):
    def missing(sample, count):
        made = record("word", "a-model", "T1", sample, [{"pwcca": 0.5}, {"pwcca": 0.6}])
        return write_score(tmp_path, made | {"n_missing": count})

    path = collect([missing(1, 3), missing(2, 7)])
    assert read_scores(path)["n_missing"].tolist() == [3, 3, 7, 7]
    summarise_trends(path, 10, tmp_path / "trends.csv")
    assert read_trends(tmp_path / "trends.csv")["n_missing"].tolist() == [7]
    with pytest.raises(MalformedScoreError, match="n_missing of T1 is -1"):
        collect([missing(1, -1)])


def test_layers_are_ranked_by_what_properties_say(tmp_path, collect):
    path = collect(write_experiment(tmp_path, BLOCKS, PROPERTIES))
    summarise_trends(path, 10, tmp_path / "trends.csv")
    entry = {"rows": "word", "target": {"label": "label"}}
    for ranked in ({"word"}, {"word", "mel"}, set()):
        properties = read_properties({name: entry | {"ranked": name in ranked} for name in PROPERTIES})
        best_layers(tmp_path / "trends.csv", path, properties, tmp_path / "best.csv")
        assert set(read_best_layers(tmp_path / "best.csv")["property"]) == ranked
    with pytest.raises(RereadError, match="'mel' in column property"):
        best_layers(tmp_path / "trends.csv", path, read_properties({"word": entry}), tmp_path / "best.csv")
