"""The six findings on planted trends: each verdict of each claim, and the rules that all of them follow."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from layerwise.tables import claims, criteria, curves, findings
from layerwise.tables import models as model_table
from layerwise.tables.claims import CONTRADICTED, NOT_TESTABLE, SUPPORTED, Model
from layerwise.tables.comparison import Outcome
from layerwise.tables.criteria import CRITERIA
from layerwise.tables.curves import Curve, Number
from layerwise.tables.probes import collect_probes
from layerwise.tables.scores import collect_scores
from synthetic_probes import write_probe
from synthetic_scores import record, write_score

RULES = criteria.read_criteria(CRITERIA)
LAYERS = [f"T{i}" for i in range(1, 13)]


def curve(levels, half=0.01, first=1, seed=1, reason=""):
    """T1… (or T0…) with independent noise; a level None is a missing layer."""
    known = {f"T{i}": level for i, level in enumerate(levels, start=first) if level is not None}
    values = np.array(list(known.values()), dtype=float)
    draws = values + half / 1.96 * np.random.default_rng(seed).standard_normal((curves.DRAWS, len(values)))
    return Curve(list(known), values, values - half, values + half, None if math.isnan(half) else draws, reason)


def bump(peak, layers=12, top=0.8, slope=0.05):
    """A trend with its maximum at one block."""
    return [top - slope * abs(i - peak) for i in range(1, layers + 1)]


def model(trends=None, outcomes=(), name="m", objective="masked contrastive", size="Base", blocks=12):
    return Model(name, objective, size, blocks, trends or {}, outcomes)


def outcome(single, weighted=math.nan, half=0.01, weights=None, task="intent", metric="accuracy"):
    learned = curve(weights, half=0.0) if weights is not None else curves.empty("no learned weights")
    total = Number(weighted, weighted - half, weighted + half)
    return Outcome(task, "probes", metric, "m", single, total, learned, "T12")


def verdicts(rows):
    return {(row["claim"], row["model"], row["other"], row["property"], row["task"]): row["verdict"] for row in rows}


# 1


VALLEY = [0.9, 0.8, 0.7, 0.6, 0.5, 0.5, 0.55, 0.6, 0.7, 0.8, 0.85, 0.9]
FALL = [0.95 - 0.05 * i for i in range(12)]


@pytest.mark.parametrize(
    ("levels", "half", "expected"),
    [
        (VALLEY, 0.01, SUPPORTED),
        (FALL, 0.01, CONTRADICTED),  # TL below all others
        (FALL[::-1], 0.01, CONTRADICTED),  # T1 below all others
        ([1 - level for level in VALLEY], 0.01, CONTRADICTED),
        ([0.5] * 12, 0.01, NOT_TESTABLE),
        (VALLEY, 0.21, NOT_TESTABLE),  # 0.4 is no more than 2 s
        (VALLEY, 0.19, SUPPORTED),
        ([*FALL[:-1], FALL[-2] + 0.01], 0.01, NOT_TESTABLE),  # a rise of 1 s at the top
        ([*FALL[:-1], FALL[-2] + 0.03], 0.01, SUPPORTED),  # of 3 s
        ([*VALLEY[:5], None, *VALLEY[6:]], 0.01, NOT_TESTABLE),
        (VALLEY, math.nan, NOT_TESTABLE),
        ([], 0.01, NOT_TESTABLE),
    ],
)
def test_valley(levels, half, expected):
    found = claims.valley(curve(levels, half), LAYERS, 2)
    assert found.verdict == expected
    assert expected == SUPPORTED or found.reason


def test_a_valley_says_what_is_behind_it():
    numbers = claims.valley(curve(VALLEY), LAYERS, 2).numbers
    assert numbers == {
        **{"first": 0.9, "lowest": 0.5, "lowest_layer": "T5", "last": 0.9},
        **{"s_first": pytest.approx(0.01), "s_last": pytest.approx(0.01)},
    }


def test_of_two_layers_the_interval_of_the_higher_one_counts():
    for layer, end, verdict in (("T12", "low", NOT_TESTABLE), ("T12", "high", SUPPORTED), ("T5", "low", SUPPORTED)):
        given = curve(VALLEY)
        getattr(given, end)[given.layers.index(layer)] += {"low": -0.3, "high": 0.3}[end]
        found = claims.valley(given, LAYERS, 2)
        assert (layer, end, found.verdict) == (layer, end, verdict)
        assert found.reason == ("" if verdict == SUPPORTED else "overlapping intervals of T12 and T5")


@given(st.lists(st.floats(0, 1), min_size=3, max_size=24), st.floats(0.001, 0.2))
def test_a_valley_is_exactly_the_criterion(levels, half):
    """T1 and TL above the lowest layer between them by more than 2 s, and nothing else."""
    layers = [f"T{i}" for i in range(1, len(levels) + 1)]
    lowest = min(levels[1:-1])
    holds = levels[0] - lowest > 2 * half and levels[-1] - lowest > 2 * half
    assert (claims.valley(curve(levels, half), layers, 2).verdict == SUPPORTED) == holds


@pytest.mark.parametrize(
    ("levels", "half", "expected"),
    [
        ([0.95 - 0.005 * i for i in range(12)], 0.01, SUPPORTED),  # a range of 0.055
        (FALL, 0.01, CONTRADICTED),
        ([0.95 - 0.009 * i for i in range(12)], 0.01, NOT_TESTABLE),  # 0.099 ± 0.014
        ([0.95, None, *[0.95] * 10], 0.01, NOT_TESTABLE),
    ],
)
def test_flat(levels, half, expected):
    assert claims.flat(curve(levels, half), LAYERS, 0.1).verdict == expected


def test_finding_1_speaks_of_models_by_their_objective():
    models = [
        model({"intra": curve(VALLEY)}, name="w2v"),
        model({"intra": curve(FALL)}, name="hubert", objective="masked unit prediction"),
        model({"intra": curve(VALLEY)}, name="wavlm", objective="masked unit prediction + denoising"),
        model({"intra": curve([0.9] * 12)}, name="random", objective="none"),
        model({"intra": curve(VALLEY)}, name="data2vec", objective="latent regression"),
        model({"intra": curve(VALLEY)}, name="mine", objective=""),
        model({}, name="unscored"),
    ]
    assert verdicts(findings.valleys(models, RULES)) == {
        ("valley", "w2v", "", "intra", ""): SUPPORTED,
        ("no valley", "hubert", "", "intra", ""): SUPPORTED,
        ("no valley", "wavlm", "", "intra", ""): CONTRADICTED,
        ("flat", "random", "", "intra", ""): SUPPORTED,
        ("valley", "data2vec", "", "", ""): NOT_TESTABLE,
        ("valley", "mine", "", "", ""): NOT_TESTABLE,
        ("valley", "unscored", "", "intra", ""): NOT_TESTABLE,
    }


def test_three_blocks_are_the_fewest_of_a_valley():
    assert claims.valley(curve([0.9, 0.5, 0.9]), LAYERS[:3], 2).verdict == SUPPORTED
    assert claims.valley(curve([0.9, 0.5]), LAYERS[:2], 2).verdict == NOT_TESTABLE


def test_flat_takes_the_intervals_of_the_two_layers_that_count():
    """Up from the highest and down from the lowest layer, by their own intervals."""
    given = curve([0.55, 0.5, 0.52], 0.01)
    given.high[0], given.low[1] = 0.58, 0.46  # 0.03 and 0.04 make 0.05
    assert claims.flat(given, LAYERS[:3], 0.0999).verdict == NOT_TESTABLE
    found = claims.flat(given, LAYERS[:3], 0.1001)
    assert found.verdict == SUPPORTED
    assert found.numbers["range_high"] == pytest.approx(0.1)
    assert found.numbers["range_low"] == pytest.approx(0.05 - math.hypot(0.01, 0.01))


# 2


@pytest.mark.parametrize(
    ("levels", "half", "expected"),
    [
        (bump(7), 0.01, SUPPORTED),
        (bump(4), 0.01, SUPPORTED),  # depth 0.33
        (bump(3), 0.01, CONTRADICTED),  # depth 0.25
        (bump(10), 0.01, CONTRADICTED),  # depth 0.83
        (bump(12), 0.01, CONTRADICTED),
        (bump(9), 0.03, NOT_TESTABLE),  # T10, at depth 0.83, may be the maximum
        (bump(7, slope=0.001), 0.01, NOT_TESTABLE),  # the last layer is no lower
        ([*bump(7)[:6], None, *bump(7)[7:]], 0.01, NOT_TESTABLE),
    ],
)
def test_middle_peak(levels, half, expected):
    assert claims.middle_peak(curve(levels, half), LAYERS, 0.3, 0.8, 2).verdict == expected


@pytest.mark.parametrize(
    ("peak", "other", "half", "expected"),
    [
        (10, 6, 0.01, SUPPORTED),
        (6, 10, 0.01, CONTRADICTED),
        (6, 6, 0.01, CONTRADICTED),  # no deeper
        (7, 6, 0.03, NOT_TESTABLE),  # each is tied with its neighbours
        (10, 6, math.nan, NOT_TESTABLE),
    ],
)
def test_deeper_peak(peak, other, half, expected):
    pair = [(curve(bump(i), half), LAYERS) for i in (peak, other)]
    assert claims.deeper_peak(*pair, margin=2).verdict == expected


def test_depths_are_compared_not_layers():
    large = [f"T{i}" for i in range(1, 25)]
    found = claims.deeper_peak((curve(bump(11)), LAYERS), (curve(bump(14, 24)), large), 2)
    assert (found.verdict, found.numbers["depth"]) == (SUPPORTED, 11 / 12)


def test_finding_2_compares_unit_predictors_with_contrastive_models_of_their_size():
    trends = {"phone": curve(bump(6)), "word": curve(bump(7))}
    deep = {"phone": curve(bump(10)), "word": curve(bump(7))}
    models = [
        model(trends, name="w2v"),
        model(trends, name="xlsr", size="Large"),
        model(deep, name="hubert", objective="masked unit prediction"),
        model(deep, name="huge", objective="masked unit prediction", size="XL"),
        model(trends, name="random", objective="none"),
    ]
    assert verdicts(findings.peaks(models, RULES)) == {
        ("middle peak", "w2v", "", "phone", ""): SUPPORTED,
        ("middle peak", "w2v", "", "word", ""): SUPPORTED,
        ("middle peak", "xlsr", "", "phone", ""): SUPPORTED,
        ("middle peak", "xlsr", "", "word", ""): SUPPORTED,
        ("deeper peak", "hubert", "w2v", "phone", ""): SUPPORTED,
        ("deeper peak", "hubert", "w2v", "word", ""): CONTRADICTED,
        ("deeper peak", "huge", "", "phone", ""): NOT_TESTABLE,
        ("deeper peak", "huge", "", "word", ""): NOT_TESTABLE,
        ("middle peak", "random", "", "", ""): NOT_TESTABLE,
    }


# 3


def mixed(order):
    """Levels of twelve blocks in a given order of rank, far enough apart for any noise used here."""
    return [0.2 + 0.05 * rank for rank in order]


RISE = list(range(12))
SHUFFLED = [5, 0, 9, 3, 11, 1, 7, 10, 2, 8, 4, 6]  # Spearman's correlation with RISE: 0.13
NEARLY = [0, 1, 4, 2, 3, 7, 5, 6, 8, 11, 9, 10]  # 0.94


@pytest.mark.parametrize(
    ("phone", "word", "half", "expected"),
    [
        (SHUFFLED, RISE, 0.005, SUPPORTED),
        (RISE, SHUFFLED, 0.005, CONTRADICTED),
        (RISE, RISE, 0.005, CONTRADICTED),  # a difference of 0
        (NEARLY, RISE, 0.005, CONTRADICTED),  # of 0.06
        (SHUFFLED, RISE, math.nan, NOT_TESTABLE),
        ([3, 7, 1, 6, 2, 4, 5, 0, 8, 9, 10, 11], RISE, 0.15, NOT_TESTABLE),  # of 0.38, with much noise
        (RISE[:3], RISE, 0.005, NOT_TESTABLE),
    ],
)
def test_word_leads(phone, word, half, expected):
    task = curve(mixed(RISE), 0.005, seed=9)
    one, other = (
        curves.spearman(curve(mixed(order), half, seed=seed), task) for seed, order in enumerate((phone, word))
    )
    assert claims.word_leads(one, other, 0.2).verdict == expected


@pytest.mark.parametrize(
    ("phone", "word", "half", "expected"),
    [
        (RISE, NEARLY, 0.005, SUPPORTED),
        (SHUFFLED, RISE, 0.005, CONTRADICTED),
        (RISE, SHUFFLED, 0.005, CONTRADICTED),
        (RISE, RISE, 0.4, NOT_TESTABLE),
        (RISE, RISE[:3], 0.005, NOT_TESTABLE),
    ],
)
def test_both_correlate(phone, word, half, expected):
    task = curve(mixed(RISE), 0.005, seed=9)
    one, other = (
        curves.spearman(curve(mixed(order), half, seed=seed), task) for seed, order in enumerate((phone, word))
    )
    found = claims.both_correlate(one, other, 0.7)
    assert found.verdict == expected
    assert found.verdict == SUPPORTED or found.reason.startswith(("phone:", "word:"))


def test_finding_3_speaks_of_tasks_by_name_and_not_of_random_models():
    trends = {"phone": curve(mixed(SHUFFLED), 0.005), "word": curve(mixed(RISE), 0.005)}
    done = [outcome(curve(mixed(RISE), 0.005), task=task) for task in ("intent", "speech-recognition", "emotion")]
    models = [model(trends, done, name="w2v"), model(trends, done, name="random", objective="none"), model(trends)]
    rows = list(findings.task_correlations(models, RULES))
    assert verdicts(rows) == {
        ("understanding", "w2v", "", "", "intent"): SUPPORTED,
        ("recognition", "w2v", "", "", "speech-recognition"): CONTRADICTED,
        ("correlation", "random", "", "", ""): NOT_TESTABLE,
        ("understanding", "m", "", "", ""): NOT_TESTABLE,
        ("recognition", "m", "", "", ""): NOT_TESTABLE,
    }


# 4


@pytest.mark.parametrize(
    ("single", "half", "expected"),
    [
        (bump(8), 0.01, SUPPORTED),
        (bump(11), 0.01, CONTRADICTED),  # of the top two
        (bump(12), 0.01, CONTRADICTED),
        (bump(2), 0.01, CONTRADICTED),  # far from both maxima, at T6 and T8
        (bump(4), 0.01, SUPPORTED),  # two below the phone's
        (bump(10), 0.03, NOT_TESTABLE),  # T11 is tied
        ([*bump(8)[:-1], None], 0.01, NOT_TESTABLE),  # the last layer was not measured
        ([*[None] * 9, 0.5, 0.6, 0.4], 0.01, NOT_TESTABLE),
        (bump(8), math.nan, NOT_TESTABLE),
    ],
)
def test_best_layer(single, half, expected):
    trends = {"phone": curve(bump(6)), "word": curve(bump(8))}
    found = claims.best_layer(model(trends), outcome(curve(single, half)), **RULES.thresholds[4])
    assert found.verdict == expected


@pytest.mark.parametrize(("measured", "expected"), [(curves.FEWEST, SUPPORTED), (curves.FEWEST - 1, NOT_TESTABLE)])
def test_the_fewest_layers_of_a_best_one(measured, expected):
    """Exactly as many as are needed, the last one among them."""
    trends = {"phone": curve(bump(6)), "word": curve(bump(8))}
    levels = [level if i in (8, 12, 4, 6)[:measured] else None for i, level in enumerate(bump(8), start=1)]
    found = claims.best_layer(model(trends), outcome(curve(levels)), **RULES.thresholds[4])
    assert found.verdict == expected
    if expected == NOT_TESTABLE:
        assert found.reason == "3 layers were measured, 4 are needed"


def test_every_second_layer_will_do_for_the_best_one():
    trends = {"phone": curve(bump(6)), "word": curve(bump(8))}
    single = [level if i % 2 else None for i, level in enumerate(bump(8))]
    found = claims.best_layer(model(trends), outcome(curve(single)), **RULES.thresholds[4])
    assert (found.verdict, found.numbers["best"]) == (SUPPORTED, "T8")


def test_four_layers_are_just_enough_for_the_best_one():
    trends = {"phone": curve(bump(6)), "word": curve(bump(8))}
    four = [level if i in (6, 8, 10, 12) else None for i, level in enumerate(bump(8), start=1)]
    three = [level if i in (8, 10, 12) else None for i, level in enumerate(bump(8), start=1)]
    found, lacking = (
        claims.best_layer(model(trends), outcome(curve(single)), **RULES.thresholds[4]) for single in (four, three)
    )
    assert found.verdict == SUPPORTED
    assert (lacking.verdict, lacking.reason) == (NOT_TESTABLE, "3 layers were measured, 4 are needed")


def test_the_best_layer_needs_both_maxima():
    found = claims.best_layer(model({"word": curve(bump(8))}), outcome(curve(bump(8))), **RULES.thresholds[4])
    assert (found.verdict, found.reason) == (NOT_TESTABLE, "no number at T1-T12: phone was not scored")


# 5


@pytest.mark.parametrize(
    ("best", "weighted", "half", "metric", "expected"),
    [
        (0.90, 0.91, 0.005, "accuracy", SUPPORTED),
        (0.90, 0.80, 0.005, "accuracy", CONTRADICTED),  # 12 % better
        (0.70, 0.80, 0.005, "accuracy", CONTRADICTED),
        (0.90, 0.86, 0.005, "accuracy", NOT_TESTABLE),  # 4.7 ± 0.8 %
        (0.90, 0.90, 0.05, "accuracy", NOT_TESTABLE),  # a wide interval is no proof that they are equal
        (0.90, 0.91, 0.003, "wer", CONTRADICTED),  # 10 % of errors against 9 %, a ninth more: ± 4.7 %
        (0.60, 0.605, 0.002, "wer", SUPPORTED),  # 40 % against 39.5 %
        (0.90, math.nan, 0.005, "accuracy", NOT_TESTABLE),
        (0.90, 1.0, 0.0, "wer", NOT_TESTABLE),  # no share of no errors
        (0.90, 0.90, math.nan, "accuracy", NOT_TESTABLE),
    ],
)
def test_equals_sum(best, weighted, half, metric, expected):
    given = outcome(curve(bump(8, top=best), half), weighted, half, metric=metric)
    assert claims.equals_sum(given, 0.05).verdict == expected


@pytest.mark.parametrize("metric", ["accuracy", "wer"])
def test_the_sum_is_compared_by_the_interval_of_the_best_layer(metric):
    single = curve([0.4, 0.8, 0.6], 0.001)
    given = outcome(single, 0.78, 0.001, metric=metric)
    base = 0.78 if metric == "accuracy" else 0.22
    found = claims.equals_sum(given, 0.05)
    assert found.verdict == (SUPPORTED if metric == "accuracy" else CONTRADICTED)
    assert found.numbers["difference"] == pytest.approx(0.02 / base)
    single.low[0], single.high[2] = 0.1, 0.9  # of other layers
    assert claims.equals_sum(given, 0.05) == found
    single.high[1] += 0.1
    assert claims.equals_sum(given, 0.05).numbers["difference_high"] == pytest.approx(0.121 / base, abs=0.001)
    assert claims.equals_sum(given, 0.1).verdict == NOT_TESTABLE


# 6


@pytest.mark.parametrize(
    ("weights", "half", "expected"),
    [
        (SHUFFLED, 0.005, SUPPORTED),
        (RISE[::-1], 0.005, SUPPORTED),
        (RISE, 0.005, CONTRADICTED),
        (NEARLY, 0.005, CONTRADICTED),
        ([3, 7, 1, 6, 2, 4, 5, 0, 8, 9, 10, 11], 0.15, NOT_TESTABLE),
        (None, 0.005, NOT_TESTABLE),
    ],
)
def test_weights_rank_worse(weights, half, expected):
    given = outcome(curve(mixed(RISE), half, seed=9), weights=mixed(weights) if weights else None)
    found = claims.weights_rank_worse(model({"word": curve(mixed(RISE), half, seed=2)}), given, 0.2)
    assert found.verdict == expected


def test_without_word_scores_the_weights_have_no_rival():
    given = outcome(curve(mixed(RISE)), weights=mixed(RISE))
    found = claims.weights_rank_worse(model(), given, 0.2)
    assert found.verdict == NOT_TESTABLE
    assert found.reason.startswith("word: no layer with both numbers")


# What all of them follow


@given(st.lists(st.floats(0, 1), min_size=12, max_size=12), st.floats(0.001, 0.1))
def test_more_noise_never_turns_a_verdict_into_its_opposite(levels, half):
    for check in (
        lambda found: claims.valley(found, LAYERS, 2),
        lambda found: claims.flat(found, LAYERS, 0.1),
        lambda found: claims.middle_peak(found, LAYERS, 0.3, 0.8, 2),
    ):
        pair = {check(curve(levels, half)).verdict, check(curve(levels, 3 * half)).verdict}
        assert pair != {SUPPORTED, CONTRADICTED}


def test_every_finding_has_a_sentence_and_every_threshold_a_meaning():
    assert list(RULES.says) == [1, 2, 3, 4, 5, 6]
    assert all(RULES.says.values())
    assert all(text.endswith(".") for means in RULES.means.values() for text in means.values())
    assert RULES.thresholds == {
        1: {"margin": 2, "flat": 0.1},
        2: {"shallowest": 0.3, "deepest": 0.8, "margin": 2},
        3: {"both": 0.7, "difference": 0.2},
        4: {"below_top": 2, "near": 2, "margin": 2},
        5: {"relative": 0.05},
        6: {"difference": 0.2},
    }


def test_objectives_of_the_criteria_are_those_of_the_catalogue():
    catalogue = yaml.safe_load((CRITERIA.parent / "models.yaml").read_text())
    known = {entry.get("objective") for entry in catalogue.values()}
    assert {objective for objectives in RULES.models.values() for objective in objectives} <= known
    kinds = {name: RULES.kind_of(entry.get("objective", "")) for name, entry in catalogue.items()}
    assert {name for name, kind in kinds.items() if kind == "contrastive"} == {
        *("wav2vec2-base", "wav2vec2-large", "xlsr-53", "xls-r-300m", "fast-vgs-plus"),
        *("demo-wav2vec2", "demo-wav2vec2-prenorm"),
    }
    assert kinds["avhubert-large"] == kinds["wavlm-base"] == "unit_predictors"
    assert kinds["fast-vgs"] == kinds["data2vec-base"] == ""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("flat: {", "flatt: {", "findings.1.thresholds: flat is missing, flatt is of no use"),
        ("  random: [none]\n", "", "models: random is missing"),
        ("tasks:", "task:", "the file: tasks is missing, task is of no use"),
        ("value: 0.05,", "", "findings.5.thresholds.relative: value is missing"),
    ],
)
def test_criteria_without_a_key_are_refused(tmp_path, old, new, message):
    text = CRITERIA.read_text()
    assert old in text
    path = tmp_path / "findings.yaml"
    path.write_text(text.replace(old, new))
    with pytest.raises(criteria.CriteriaError, match=message):
        criteria.read_criteria(path)


@pytest.fixture
def experiment(tmp_path):
    """Tables of a contrastive and a random model, whose trends and tasks are planted."""

    def trend(name, layer):
        levels = {"intra": [1.0, *VALLEY], "phone": [0.3, *bump(6)], "word": [0.2, *bump(7)]}
        return levels[name][int(layer[1:])]

    models = {"w2v": ("masked contrastive", 12), "noise": ("none", 12)}
    layers = [f"T{i}" for i in range(13)]
    spread = np.random.default_rng(3).standard_normal(9) / 1000
    files = [
        write_score(
            tmp_path,
            record(name, which, layer, s, [{"pwcca": trend(name, layer) + spread[3 * s + t - 3]} for t in range(3)]),
        )
        for which in models
        for name in ("intra", "phone", "word")
        for layer in layers
        for s in (1, 2, 3)
    ]
    properties, blocks = ["intra", "phone", "word"], dict.fromkeys(models, 12)
    collect_scores(
        files, dict.fromkeys(properties, ("pwcca",)), properties, list(models), blocks, tmp_path / "scores.csv"
    )
    values = dict(zip(layers, [0.3, *bump(8, top=0.9)], strict=True)) | {"weighted": 0.89}
    weights = {layer: share / 91 for share, layer in enumerate(reversed(layers), start=1)}
    probes = dict([write_probe(tmp_path, "intent", "w2v", values, 12, weights=weights)])
    collect_probes(probes, None, ["intent"], list(models), dict.fromkeys(models, layers), tmp_path / "probes.csv")
    model_table.write_models(
        [{"model": m, "objective": kind, "size": "Base", "blocks": n} for m, (kind, n) in models.items()],
        tmp_path / "models.csv",
    )
    return tmp_path


def check(folder: Path):
    paths = [folder / f"{name}.csv" for name in ("scores", "probes", "models")]
    findings.check_findings(*paths, "pwcca", 10, 1, folder / "findings.csv")
    return findings.read_findings(folder / "findings.csv")


def test_from_tables_to_verdicts(experiment):
    table = check(experiment)
    assert list(table["finding"]) == sorted(table["finding"])
    of = table[table["model"] == "w2v"].set_index(["claim", "property", "task"])
    assert of["verdict"].to_dict() == {
        ("valley", "intra", ""): SUPPORTED,
        ("middle peak", "phone", ""): SUPPORTED,
        ("middle peak", "word", ""): SUPPORTED,
        ("recognition", "", ""): NOT_TESTABLE,
        ("understanding", "", "intent"): SUPPORTED,  # 0.90 against 0.62
        ("best layer", "", "intent"): SUPPORTED,
        ("equals the sum", "", "intent"): SUPPORTED,
        ("weights", "", "intent"): SUPPORTED,
    }
    numbers = dict(pair.split("=") for pair in of.loc[("valley", "intra", ""), "numbers"].split())
    assert float(numbers["lowest"]) == pytest.approx(0.5, abs=0.001)
    assert numbers["lowest_layer"] == "T5"
    control = table[table["model"] == "noise"].set_index("finding")
    assert list(control["verdict"]) == [CONTRADICTED, *[NOT_TESTABLE] * 5]
    assert "does not speak of models with the objective 'none'" in control.loc[5, "reason"]


def test_findings_have_the_same_bytes_each_time(experiment):
    check(experiment)
    first = (experiment / "findings.csv").read_bytes()
    check(experiment)
    assert (experiment / "findings.csv").read_bytes() == first


@pytest.mark.parametrize(
    ("reason", "spoken"),
    [
        ("the finding does not speak of models with the objective 'none'", False),
        ("no task of ic, intent was measured", False),
        ("no task was measured", False),
        ("no contrastive model of size Base beside it", False),
        ("no number at T1-T12: phone was not scored", False),
        ("overlapping intervals of T1 and T5", True),
        ("no number at T3: flagged", True),
        ("", True),
    ],
)
def test_findings_about_what_was_not_asked_are_not_spoken_of(reason, spoken):
    table = pd.DataFrame({"finding": [2, 5], "reason": [reason, "no task was measured"]})
    assert findings.spoken_of(table) == [2] * spoken
