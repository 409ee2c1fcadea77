import json
import os
import subprocess
import sys

import h5py
import numpy as np
import pytest

from layerwise.files.catalogues import read_yaml
from layerwise.representations.store import RepresentationError
from layerwise.scoring import chance
from layerwise.scoring import folds as folding
from layerwise.scoring.measures.cca import cross_validate
from layerwise.scoring.measures.jackknife import LIGHTER, jackknife
from layerwise.scoring.measures.linear_map import RIDGES
from layerwise.scoring.measures.passes import fold_moments
from layerwise.scoring.metrics import METRICS, mapped, tuned
from layerwise.scoring.properties import Property, property_of
from layerwise.scoring.score import score_layers
from layerwise.scoring.settings import ScoreSettings
from synthetic_views import CHECKOUT, one_hot
from tiny_representations import DIMENSIONS, LABELS, MEL, UTTERANCES, contents, write_shards

EPSILONS = [[1e-10, 1e-10], [1e-8, 1e-8], [1e-5, 1e-5]]
SETTINGS = {"folds": 10, "trials": 3, "folds_by": "row", "standardise": True, "epsilons": EPSILONS, "seed": 1}

SHIPPED = read_yaml(CHECKOUT / "resources/properties.yaml")
FRAMES = sum(len(contents(name)["frame/T0"]) for name in UTTERANCES)
FINE_FRAMES = sum(len(contents(name)["frame/C1"]) for name in UTTERANCES)
PHONES = 30 * len(UTTERANCES)


@pytest.fixture
def score(tmp_path):
    """Scores layers of files and returns their records."""

    def run(paths, question, layers=("T1",), sample=1, beside=None, **changes):
        out = tmp_path / "scores" / "T.json"
        settings = ScoreSettings(**(SETTINGS | changes))
        question = question if isinstance(question, Property) else property_of(question, SHIPPED[question])
        score_layers(paths, question, "tiny", sample, list(layers), settings, out, **(beside or {}))
        return json.loads(out.read_text(encoding="utf-8"))["records"]

    return run


@pytest.fixture
def shard(tmp_path):
    return write_shards(tmp_path / "tiny")


def values(record, metric, of="metrics"):
    return [trial[of][metric] for trial in record["trials"]]


# --- what the numbers are -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize("standardise", [False, True])
def test_layer_0_against_itself_gives_one(tmp_path, score, dtype, standardise):
    paths = write_shards(tmp_path / dtype, dtype=dtype)
    (record,) = score(paths, "intra", ["T0"], standardise=standardise)
    assert record["status"] == "ok"
    for trial in record["trials"]:
        assert {name: trial["metrics"][name] for name in METRICS} == pytest.approx(
            dict.fromkeys(METRICS, 1.0), abs=1e-6
        )
        # A LayerNorm leaves one direction without variance.
        assert (trial["kept_x"], trial["rank_x"], trial["rank_y"]) == (DIMENSIONS, DIMENSIONS - 1, DIMENSIONS - 1)


def test_layers_are_told_apart(shard, score):
    related, noise = score(shard, "intra", ["T1", "T2"])
    assert min(values(related, "pwcca")) > 0.5
    assert np.abs(values(noise, "mean_cca")).max() < 0.15
    telling, silent = score(shard, "phone", ["T1", "T0"])
    assert min(values(telling, "pwcca")) > 0.5
    assert np.abs(values(silent, "mean_cca")).max() < 0.35


@pytest.mark.parametrize(("seed", "sample"), [(1, 1), (5, 3)])
@pytest.mark.parametrize(
    ("property_name", "layer", "x", "y", "rows"),
    [
        ("intra", "T1", "frame/T0", "frame/T1", FRAMES),
        ("mel", "T1", "target/mel", "frame/T1", FRAMES),
        ("mel", "C1", "target/mel_10ms", "frame/C1", FINE_FRAMES),
        ("phone", "T1", "phone/T1", "phone/label", PHONES),
    ],
)
def test_views_folds_and_trials_are_those_of_the_package(
    tmp_path, score, property_name, layer, x, y, rows, seed, sample
):
    """Which rows stand beside which, in which order of views, with which folds: put together by hand."""
    added = [contents(name) for name in UTTERANCES]
    whole = {path: np.concatenate([arrays[path] for arrays in added]) for path in (x, y)}
    view_y = one_hot(np.searchsorted(LABELS, whole[y])) if property_name == "phone" else whole[y]
    if property_name == "phone":
        keys = [np.concatenate([arrays[f"phone/{name}"] for arrays in added]) for name in ("utterance_id", "row")]
        fold = folding.segment_folds(whole[y], *keys, None, 10, seed, sample)
    else:
        fold = folding.frame_folds(np.array(UTTERANCES), np.array([len(a[y]) for a in added]), None, 10, seed, sample)
    pairs = folding.trials(10, 3, seed, sample)
    apart, renumbered = folding.merged(fold, pairs)
    if property_name == "phone":
        order = chance.permutation(keys[1], fold, property_name, seed, sample)
        unrelated = whole[x], view_y[order]
    else:
        lengths, frames = (np.array([len(a[path]) for a in added]) for path in ("frame/T0", y))
        speakers = np.array([name.split("-")[0] for name in UTTERANCES])
        places = chance.frame_rows(np.array(UTTERANCES), speakers, lengths, frames, property_name, seed, sample)
        unrelated = whole[x][places], view_y
    epsilons = [tuple(pair) for pair in EPSILONS]
    expected, by_chance = (
        cross_validate(
            fold_moments(*views, apart), renumbered, epsilons, True, "y" if property_name == "phone" else "x"
        )
        for views in ((whole[x], view_y), unrelated)
    )
    (record,) = score(write_shards(tmp_path / "tiny", sample=sample), property_name, [layer], sample, seed=seed)
    assert record["status"] == "ok"
    for found, pair, wanted, unwanted in zip(record["trials"], pairs, expected, by_chance, strict=True):
        assert (found["dev_fold"], found["test_fold"]) == pair
        assert found["metrics"] == pytest.approx(wanted.metrics, abs=1e-12)
        assert found["chance"] == pytest.approx(unwanted.metrics, abs=1e-5)
        assert found["correlations"] == pytest.approx(wanted.scores["pwcca"].correlations.tolist(), abs=1e-12)
        for name, pair_of_name in wanted.regularisers.items():
            assert tuple(found["regularisers"][name]) == pair_of_name
        assert (found["dx"], found["dy"]) == (whole[x].shape[1], view_y.shape[1])
        assert found["n_train"] + found["n_test"] + (fold == found["dev_fold"]).sum() == rows


# --- chance -------------------------------------------------------------------------------------------------------


def test_a_layer_that_tells_phones_apart_is_above_chance_and_noise_is_not(shard, score):
    telling, silent = score(shard, "phone", ["T1", "T0"])
    for metric in METRICS:
        level = np.mean(values(telling, metric, "chance"))
        assert np.mean(values(telling, metric)) > level + 0.2
        assert np.mean(values(silent, metric)) == pytest.approx(np.mean(values(silent, metric, "chance")), abs=0.15)
        assert level < 0.3


def test_the_layer_itself_by_chance_is_as_unrelated_as_any(shard, score):
    """T0 against itself scores 1; exchanged, its frames are of other utterances."""
    (record,) = score(shard, "intra", ["T0"])
    assert max(values(record, "pwcca", "chance")) < 0.2


def test_every_trial_has_a_chance_level_for_every_metric(shard, score):
    (record,) = score(shard, "mel")
    for trial in record["trials"]:
        assert set(trial["metrics"]) == set(METRICS) == set(trial["chance"]) == set(trial["kept"])
        assert set(trial["regularisers"]) == {*tuned(), *mapped()}


# --- shards -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("folds_by", ["row", "utterance"])
@pytest.mark.parametrize(("property_name", "layer"), [("intra", "T1"), ("mel", "C1"), ("phone", "T1")])
def test_shards_give_what_one_file_gives(tmp_path, score, property_name, layer, folds_by):
    (whole,) = score(write_shards(tmp_path / "one", dtype="float32"), property_name, [layer], folds_by=folds_by)
    paths = write_shards(tmp_path / "five", shards=5, dtype="float32")
    (parts,) = score(paths, property_name, [layer], folds_by=folds_by)
    for one, several in zip(whole["trials"], parts["trials"], strict=True):
        for metric in ("mean_cca", "pwcca", "svcca", "cka"):
            assert several["metrics"][metric] == pytest.approx(one["metrics"][metric], abs=1e-9)
        assert several["chance"]["pwcca"] == pytest.approx(one["chance"]["pwcca"], abs=1e-9)
        assert several["correlations"] == pytest.approx(one["correlations"], abs=1e-9)
        assert several["regularisers"]["pwcca"] == one["regularisers"]["pwcca"]
        assert several["n_train"] == one["n_train"]


@pytest.mark.parametrize("property_name", ["intra", "phone"])
def test_the_order_of_shards_does_not_matter(tmp_path, score, property_name):
    paths = write_shards(tmp_path / "tiny", shards=5)
    assert score(paths, property_name) == score([paths[k] for k in (3, 0, 4, 2, 1)], property_name)


def test_a_label_that_one_shard_lacks_keeps_its_column(tmp_path, score):
    def last_speaker_alone_says_eh(utterance, arrays):
        if not utterance.startswith("422-"):
            arrays["phone/label"][arrays["phone/label"] == "EH"] = "AA"

    (whole,), (parts,) = (
        score(write_shards(tmp_path / f"{n}", n, dtype="float32", change=last_speaker_alone_says_eh), "phone")
        for n in (1, 4)
    )
    assert whole["trials"][0]["dy"] == parts["trials"][0]["dy"] == len(LABELS)
    assert values(parts, "pwcca") == pytest.approx(values(whole, "pwcca"), abs=1e-9)


def test_a_shard_may_have_no_segments(tmp_path, score):
    def silent(utterance, arrays):
        if utterance.startswith("422-"):
            for path in arrays:
                if path.startswith("phone/"):
                    arrays[path] = arrays[path][:0]

    (record,) = score(write_shards(tmp_path / "tiny", 4, change=silent), "phone")
    assert record["status"] == "ok"
    trial = record["trials"][0]
    assert trial["n_train"] + 2 * trial["n_test"] == pytest.approx(PHONES * 3 / 4, abs=6)


# --- folds --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("property_name", ["intra", "phone"])
def test_folds_by_utterance_keep_an_utterance_together(shard, score, property_name):
    span = "phone" if property_name == "phone" else "frame"
    sizes = np.array([len(contents(name)[f"{span}/T1"]) for name in UTTERANCES])
    groups = np.array(UTTERANCES)
    fold = folding.frame_folds(groups, sizes, groups, 10, 1, 1)
    (record,) = score(shard, property_name, folds_by="utterance")
    counts = np.bincount(fold)
    assert [trial["n_test"] for trial in record["trials"]] == [counts[t["test_fold"]] for t in record["trials"]]
    (by_row,) = score(shard, property_name)
    assert values(record, "pwcca") != values(by_row, "pwcca")


@pytest.mark.parametrize("property_name", ["mel", "phone"])
def test_folds_by_speaker_are_the_speakers(shard, score, property_name):
    (record,) = score(shard, property_name, folds_by="speaker", folds=4, trials=2)
    span = "phone" if property_name == "phone" else "frame"
    rows = {name: len(contents(name)[f"{span}/T1"]) for name in UTTERANCES}
    per_speaker = {s: sum(n for u, n in rows.items() if u.startswith(f"{s}-")) for s in (84, 174, 251, 422)}
    assert {trial["n_test"] for trial in record["trials"]} <= set(per_speaker.values())
    assert all(trial["n_train"] < sum(per_speaker.values()) - trial["n_test"] for trial in record["trials"])


@pytest.mark.parametrize("property_name", ["intra", "phone"])
def test_fewer_speakers_than_folds_are_refused(shard, score, property_name):
    (record,) = score(shard, property_name, folds_by="speaker")
    assert record["status"] == "skipped"
    assert "4 groups (cca.folds_by) cannot fill 10 folds (cca.folds)" in record["reason"]


def test_seed_and_sample_choose_the_folds(tmp_path, score):
    (first,) = score(write_shards(tmp_path / "1"), "intra")
    (seed,) = score(write_shards(tmp_path / "1"), "intra", seed=2)
    (sample,) = score(write_shards(tmp_path / "2", sample=2), "intra", sample=2)
    assert values(first, "pwcca") != values(seed, "pwcca") != values(sample, "pwcca") != values(first, "pwcca")


# --- skipped and flagged ------------------------------------------------------------------------------------------


def test_too_few_rows_are_skipped_with_the_numbers(tmp_path, score):
    def widened(utterance, arrays):
        arrays["phone/T1"] = np.random.default_rng(0).normal(size=(30, 600))

    records = score(write_shards(tmp_path / "tiny", change=widened), "phone", ["T0", "T1"])
    train = records[0]["trials"][0]["n_train"]
    assert (records[1]["status"], records[1]["trials"]) == ("skipped", [])
    assert records[1]["reason"] == (
        f"phone, sample 1: {train} training rows for 600 + 5 dimensions: more rows than dimensions are needed "
        f"({PHONES} rows of 600 and 5 dimensions, 5 types)"
    )


def test_a_fold_without_rows_is_skipped(tmp_path, score):
    def nearly_silent(utterance, arrays):
        for path in arrays:
            if path.startswith("phone/"):
                arrays[path] = arrays[path][: 2 * utterance.endswith("-0000")]

    (record,) = score(write_shards(tmp_path / "tiny", change=nearly_silent), "phone")
    assert (record["status"], record["trials"]) == ("skipped", [])
    assert "rows per fold: [" in record["reason"]
    assert "(8 rows of 12 and" in record["reason"]


def test_a_layer_of_nans_is_skipped_and_the_others_are_scored(tmp_path, score):
    def broken(utterance, arrays):
        if utterance == UTTERANCES[0]:
            arrays["frame/T1"][5] = np.nan

    records = score(write_shards(tmp_path / "tiny", change=broken), "intra", ["T0", "T1", "T2"])
    assert [record["status"] for record in records] == ["ok", "skipped", "ok"]
    assert records[1]["reason"] == (
        f"intra, sample 1: view y holds NaN or infinity, first in row 5 of {FRAMES} "
        f"({FRAMES} rows of 12 and 12 dimensions)"
    )


def test_a_constant_layer_is_skipped(tmp_path, score):
    def flat(utterance, arrays):
        arrays["phone/T1"][:] = 3

    (record,) = score(write_shards(tmp_path / "tiny", change=flat), "phone")
    assert record["status"] == "skipped"
    assert "view x: all 12 dimensions are constant" in record["reason"]
    assert f"({PHONES} rows of 12 and 5 dimensions, 5 types)" in record["reason"]


def test_a_single_class_is_skipped(tmp_path, score):
    def monotonous(utterance, arrays):
        arrays["phone/label"][:] = "AA"

    (record,) = score(write_shards(tmp_path / "tiny", change=monotonous), "phone")
    assert record["status"] == "skipped"
    assert "1 types" in record["reason"]


def test_no_segments_at_all_are_skipped(tmp_path, score):
    def silent(utterance, arrays):
        for path in arrays:
            if path.startswith("phone/"):
                arrays[path] = arrays[path][:0]

    (record,) = score(write_shards(tmp_path / "tiny", shards=2, change=silent), "phone")
    assert record["status"] == "skipped"
    assert record["reason"] == "phone, sample 1: there are no rows (0 rows of 12 and 0 dimensions, 0 types)"


@pytest.mark.parametrize(("small", "status"), [(1, "ok"), (2, "flagged")])
def test_a_fit_of_less_than_nine_tenths_of_the_dimensions_is_flagged(tmp_path, score, small, status):
    """Eleven of twelve dimensions are enough, ten are not; unstandardised, the regulariser cuts the small ones."""

    def shrunk(utterance, arrays):
        arrays["frame/T1"][:, :small] *= 1e-3

    changed = write_shards(tmp_path / "tiny", dtype="float32", change=shrunk)
    (record,) = score(changed, "intra", standardise=False, epsilons=[[1e-4, 1e-4]])
    assert record["status"] == status
    assert {trial["kept_y"] for trial in record["trials"]} == {12 - small}
    assert record["reason"] == ("pwcca, trial 1: kept 12 of 12 and 10 of 12 dimensions" if status == "flagged" else "")
    (whole,) = score(changed, "intra", standardise=True, epsilons=[[1e-4, 1e-4]])
    assert (whole["status"], whole["trials"][0]["kept_y"]) == ("ok", 12)


def test_a_layer_of_few_directions_is_flagged(tmp_path, score):
    """Twelve dimensions that say the same six things: nothing was cut, and yet the score is not one of twelve."""

    def repeated(utterance, arrays):
        arrays["frame/T1"][:, 6:] = arrays["frame/T1"][:, :6]
        arrays["phone/T1"][:, 6:] = arrays["phone/T1"][:, :6]

    paths = write_shards(tmp_path / "tiny", dtype="float32", change=repeated)
    for name in ("intra", "phone"):
        (record,) = score(paths, name)
        assert record["status"] == "flagged"
        assert record["reason"] == "trial 1: the layer has variance in 6 directions of 12 dimensions"


def test_fewer_held_out_rows_than_directions_are_flagged(tmp_path, score):
    def terse(utterance, arrays):
        for path in arrays:
            if path.startswith("phone/"):
                arrays[path] = arrays[path][:4]

    changed = write_shards(tmp_path / "tiny", change=terse)
    (record,) = score(changed, "phone", folds_by="utterance", folds=24, trials=3)
    assert record["status"] == "flagged", record["reason"]
    assert record["reason"] == "trial 1: 4 held-out rows for 4 directions"


def test_a_chance_level_that_is_refused_says_so(tmp_path, score):
    """An utterance of one value, which is trained on, and whose place by chance is a held-out fold of its own."""
    names, speakers = np.array(UTTERANCES), np.array([name.split("-")[0] for name in UTTERANCES])
    frames = np.array([len(contents(name)["frame/T1"]) for name in UTTERANCES])
    fold = folding.frame_folds(names, frames, names, 24, 1, 1)[np.cumsum(frames) - frames]
    held_out = np.isin(fold, folding.trials(24, 3, 1, 1))
    source = chance.exchange(names, speakers, frames, "mel", 1, 1)
    silent = UTTERANCES[source[held_out & ~held_out[source]][0]]

    def quiet(utterance, arrays):
        if utterance == silent:
            arrays["target/mel"][:] = 0.5

    (record,) = score(write_shards(tmp_path / "tiny", change=quiet), "mel", folds_by="utterance", folds=24)
    assert record["status"] == "skipped"
    assert record["reason"].startswith("mel, sample 1: chance level: view x: all 5 dimensions are constant over")


@pytest.mark.parametrize("held_out", [0, 1])
def test_a_class_that_training_lacks_is_counted(tmp_path, score, held_out):
    """By utterance, with a label that one utterance alone has, which is in the dev or in the test fold."""
    groups = np.array(UTTERANCES)
    fold = dict(zip(groups, folding.frame_folds(groups, np.full(24, 30), groups, 10, 1, 1)[::30], strict=True))
    owner = next(name for name in UTTERANCES if fold[name] == folding.trials(10, 3, 1, 1)[0][held_out])

    def only_there(utterance, arrays):
        if utterance == owner:
            arrays["phone/label"][:3] = "ZH"

    (record,) = score(write_shards(tmp_path / "tiny", change=only_there), "phone", folds_by="utterance")
    assert [trial["classes"] for trial in record["trials"]] == [6, 6, 6]
    assert [trial["classes_unseen"] for trial in record["trials"]] == [1, 0, 0]
    assert [trial["kept_y"] for trial in record["trials"]] == [5, 6, 6]


# --- the contract -------------------------------------------------------------------------------------------------


def test_records_hold_what_the_tables_need(shard, tmp_path):
    out = tmp_path / "a" / "b" / "T1-T2.json"
    score_layers(
        shard,
        property_of("phone", SHIPPED["phone"]),
        "tiny",
        1,
        ["T1", "T0"],
        ScoreSettings(**SETTINGS),
        out,
        alignments="automatic",
    )
    written = json.loads(out.read_text(encoding="utf-8"))
    assert list(written) == ["records"]
    assert [record["layer"] for record in written["records"]] == ["T1", "T0"]
    assert list(out.parent.iterdir()) == [out]
    record = written["records"][0]
    facts = {key: value for key, value in record.items() if key != "trials"}
    assert facts == {
        "property": "phone",
        "model": "tiny",
        "layer": "T1",
        "sample": 1,
        "alignments": "automatic",
        "n_rows": PHONES,
        "n_missing": 0,
        "n_types": 5,
        "n_speakers": 4,
        "status": "ok",
        "reason": "",
    }
    assert [trial["trial"] for trial in record["trials"]] == [1, 2, 3]
    for trial in record["trials"]:
        assert all(trial["regularisers"][name] in EPSILONS for name in tuned())
        assert all(trial["regularisers"][name][0] in RIDGES for name in mapped())
        sizes = {name: trial[name] for name in ("dx", "dy", "kept_x", "kept_y", "rank_x", "rank_y")}
        assert sizes == {"dx": 12, "dy": 5, "kept_x": 12, "kept_y": 5, "rank_x": 12, "rank_y": 4}
        assert (trial["classes"], trial["classes_unseen"], len(trial["correlations"])) == (5, 0, 4)
        assert trial["n_train"] + 2 * trial["n_test"] == pytest.approx(PHONES, abs=20)
        assert np.mean(trial["correlations"]) == pytest.approx(trial["metrics"]["mean_cca"])
    assert len({(trial["dev_fold"], trial["test_fold"]) for trial in record["trials"]}) == 3


def test_speakers_without_rows_do_not_count(tmp_path, score):
    def silent(utterance, arrays):
        if utterance.startswith("422-"):
            for path in arrays:
                if path.startswith(("phone/", "frame/", "target/")) and not path.startswith("frame/utterance"):
                    arrays[path] = arrays[path][: path == "frame/speaker_id"]

    paths = write_shards(tmp_path / "tiny", 4, change=silent)
    for property_name, layer, types in (("mel", "T1", 0), ("mel", "C1", 0), ("phone", "T1", 5)):
        (record,) = score(paths, property_name, [layer])
        path = f"{'phone' if types else 'frame'}/{layer}"
        rows = sum(len(contents(name)[path]) for name in UTTERANCES if not name.startswith("422-"))
        assert (record["n_rows"], record["n_types"], record["n_speakers"]) == (rows, types, 3)


def test_frames_have_no_classes(shard, score):
    (record,) = score(shard, "mel")
    assert {(trial["classes"], trial["classes_unseen"], trial["dx"]) for trial in record["trials"]} == {(0, 0, MEL)}


def test_the_same_scores_are_the_same_bytes(shard, tmp_path):
    for name in "ab":
        mel = property_of("mel", SHIPPED["mel"])
        score_layers(shard, mel, "tiny", 1, ["C1", "T1"], ScoreSettings(**SETTINGS), tmp_path / f"{name}.json")
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_a_layer_that_is_not_there_is_refused(shard, score, tmp_path):
    with pytest.raises(RepresentationError, match=r"no /1/frame/T7; in /1/frame there is .*T0"):
        score(shard, "intra", ["T7"])
    assert not (tmp_path / "scores").exists() or not list((tmp_path / "scores").iterdir())


@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        ("layerwise", ("torch", "transformers", "librosa", "pandas", "h5py")),
        ("layerwise.scoring.measures.cca", ("torch", "transformers", "librosa", "pandas", "altair")),
        (
            "layerwise.scoring.score",
            ("torch", "transformers", "librosa", "pandas", "altair", "scipy", "snakemake"),
        ),
    ],
)
def test_score_jobs_start_fast(module, forbidden):
    program = f"import sys, {module}; print(sorted(set({forbidden!r}) & set(sys.modules)), {module!r} in sys.modules)"
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT / "workflow")}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "[] True\n"


# --- a jackknife over speakers --------------------------------------------------------------------------------------

OVER_SPEAKERS = {"folds_by": "speaker", "intervals": "speakers", "folds": 4, "trials": 2}


@pytest.mark.parametrize("property_name", ["mel", "phone"])
def test_a_jackknife_leaves_scores_as_they_are_and_has_every_speaker(shard, score, property_name):
    (plain,) = score(shard, property_name, **OVER_SPEAKERS | {"intervals": "corpus"})
    (record,) = score(shard, property_name, **OVER_SPEAKERS)
    assert "jackknife" not in plain
    for name in METRICS:
        assert values(record, name) == pytest.approx(values(plain, name), abs=1e-6)
        assert values(record, name, "chance") == pytest.approx(values(plain, name, "chance"), abs=1e-6)
    assert list(record["jackknife"]) == ["174", "251", "422", "84"]
    for again in record["jackknife"].values():
        assert set(again["metrics"]) == set(METRICS)
        assert again["weight"] == LIGHTER
        assert len(again["share"]) == 2
    shares = np.array([again["share"] for again in record["jackknife"].values()])
    assert sorted(shares.sum(axis=0)) == [1, 1]  # four folds of a speaker each
    assert set(shares.ravel()) == {0, 1}


def test_the_jackknife_of_a_job_is_that_of_the_package(shard, score):
    (record,) = score(shard, "phone", **OVER_SPEAKERS)
    added = [contents(name) for name in UTTERANCES]
    x, label, speaker = (
        np.concatenate([each[f"phone/{name}"] for each in added]) for name in ("T1", "label", "speaker_id")
    )
    member = np.searchsorted(["174", "251", "422", "84"], speaker)
    fold = folding.segment_folds(label, label, np.arange(len(label)), speaker, 4, 1, 1)
    fold, pairs = folding.merged(fold, folding.trials(4, 2, 1, 1))
    y = one_hot(np.searchsorted(LABELS, label))
    trials = cross_validate(fold_moments(x, y, fold), pairs, [tuple(pair) for pair in EPSILONS], True)
    fold_of = np.array([fold[member == number][0] for number in range(4)])
    expected = jackknife(fold_moments(x, y, member), fold_of, trials, True)
    for name in ("pwcca", "mean_cca", "cka"):
        found = np.array([again["metrics"][name] for again in record["jackknife"].values()])
        assert found == pytest.approx(np.array([trial.metrics[name] for trial in expected]).T, abs=1e-6)


def test_bundles_lie_in_one_fold_and_are_the_same_for_every_sample_and_property(tmp_path, score, monkeypatch):
    """Three bundles of four speakers."""
    monkeypatch.setattr(folding, "MOST_GROUPS", 3)
    groups = folding.speaker_groups(["84", "174", "251", "422"], 3, 1)
    sizes = {name: 30 * 6 * list(groups.values()).count(name) for name in groups.values()}
    for sample in (1, 2):
        paths = write_shards(tmp_path / str(sample), sample=sample)
        for name in ("mel", "phone"):
            (record,) = score(paths, name, sample=sample, **OVER_SPEAKERS | {"folds": 3, "trials": 1})
            assert list(record["jackknife"]) == ["bundle-1", "bundle-2", "bundle-3"]
            assert {share for again in record["jackknife"].values() for share in again["share"]} == {0, 1}
        (tested,) = [name for name, again in record["jackknife"].items() if again["share"] == [1]]
        assert record["trials"][0]["n_test"] == sizes[tested]


def test_a_speaker_of_another_sample_is_a_group_that_adds_nothing(tmp_path, score):
    (path,) = write_shards(tmp_path / "tiny")
    with h5py.File(path, "a") as file:
        file["2/frame/speaker_id"] = np.array([b"84", b"999"])
    (record,) = score([path], "mel", **OVER_SPEAKERS)
    absent = record["jackknife"].pop("999")
    assert absent["share"] == [0, 0]
    assert absent["metrics"]["pwcca"] == pytest.approx(values(record, "pwcca"), abs=0)


def test_several_layers_say_how_far_they_are(shard, score, progress):
    score(shard, "phone", layers=("T0", "T1"))
    assert progress() == ["scoring: 1 of 2 layers (50 %)"]
