"""The jackknife over speakers: its standard errors, degrees of freedom and table."""

from __future__ import annotations

import copy

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from layerwise.files.own_files import RereadError
from layerwise.tables import jackknife
from layerwise.tables.jackknife import (
    Jackknife,
    MissingReplicatesError,
    jackknife_at,
    read_jackknife,
    replicate_rows,
    write_jackknife,
)
from synthetic_scores import record, with_jackknife

LOST = 0.5


def of_a_mean(values):
    """The jackknife of the mean of `values`, a number a group, each tested as often."""
    values = np.asarray(values, float)[:, None]
    number = len(values)
    mean = (values.sum() - LOST * values) / (number - LOST)
    return Jackknife([str(g) for g in range(number)], np.full((number, 1), 1 / number), mean, 1 - LOST)


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=25))
def test_the_error_of_a_mean_is_the_textbooks(values):
    found = of_a_mean(values)
    assert found.error.item() == pytest.approx(np.std(values, ddof=1) / np.sqrt(len(values)), abs=1e-12)
    assert found.degrees_of_freedom.item() == pytest.approx(len(values) - 1)


def test_known_numbers():
    # s² = 5/3 of 4 values
    assert of_a_mean([1, 2, 3, 4]).error.item() == pytest.approx(np.sqrt(5 / 3 / 4))
    share = np.array([[0.5], [0.25], [0.25], [0.0]])
    found = Jackknife(list("abcd"), share, np.array([[0.5], [0.52], [0.48], [0.5]]), 1 - LOST)
    assert found.degrees_of_freedom.item() == pytest.approx(1 / 0.375 - 1)
    # Σ (θ(g) − mean)² = 0.0008
    assert found.error.item() == pytest.approx(np.sqrt((4 - LOST) ** 2 / 12 * 0.0008) / LOST)


def test_of_one_tested_group_nothing_is_known():
    found = Jackknife(["a", "b"], np.array([[1.0], [0.0]]), np.array([[0.5], [0.6]]), 0.5)
    assert found.degrees_of_freedom.item() == 0


def scored(sample, shares=((0.6, 0.4, 0), (0, 0.5, 0.5)), values=((0.5, 0.6), (0.4, 0.6), (0.7, 0.8)), layer="T1"):
    """A record of two trials and the groups a, b and c: shares of each trial, values of each group."""
    made = record("phone", "m", layer, sample, [{"pwcca": 0.5}, {"pwcca": 0.6}])
    share = dict(zip("abc", zip(*shares, strict=True), strict=True))
    return with_jackknife(made, share, dict(zip("abc", values, strict=True)))


def test_a_replicate_is_the_mean_over_trials_by_the_rows_that_they_keep(tmp_path):
    write_jackknife([*replicate_rows(scored(1)), *replicate_rows(scored(2))], tmp_path / "jackknife.csv")
    table = read_jackknife(tmp_path / "jackknife.csv")["m", "phone", "pwcca"].set_index("group")
    assert table["share"].to_dict() == pytest.approx({"a": 0.3, "b": 0.45, "c": 0.25})
    lost = 1 - LOST * 0.6
    assert table.loc["a", "mean"] == pytest.approx((0.5 * lost + 0.6) / (lost + 1))
    found = jackknife_at(table.reset_index(), ["T1"])
    assert found.groups == ["a", "b", "c"]
    assert found.mean[0, 0] == table.loc["a", "mean"]
    with pytest.raises(MissingReplicatesError, match=r"lacks some of .*, T1, T2: delete it"):
        jackknife_at(table.reset_index(), ["T1", "T2"])


def changed(change):
    made = copy.deepcopy(scored(1))
    change(made["jackknife"])
    return made


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda groups: [groups.pop(name) for name in "bc"], "fewer than two groups"),
        (lambda groups: groups["a"]["share"].append(0.5), "share of its jackknife is no list of 2 numbers"),
        (lambda groups: groups["a"].update(share=[0.2, 1.5]), r"numbers from 0 to 1"),
        (lambda groups: groups["a"]["metrics"].update(pwcca=[0.2, float("nan")]), r"numbers from -1 to 1"),
        (lambda groups: groups["a"]["metrics"].update(pwcca=[0.2, True]), "no list of 2 numbers"),
        (lambda groups: groups["a"].update(weight=1.0), "weight of its jackknife is 1.0"),
        (lambda groups: groups["a"].update(weight="0.5"), "weight of its jackknife is '0.5'"),
        (lambda groups: groups["a"]["metrics"].update(other=[0.2, 0.2]), "'other', which no trial has"),
    ],
)
def test_what_no_score_job_writes_is_refused(change, found):
    with pytest.raises(ValueError, match=found):
        replicate_rows(changed(change))


def test_a_skipped_record_has_none_and_a_scored_one_must():
    assert replicate_rows(record("phone", "m", "T1", 1, [], "skipped", "NaN")) == []
    with pytest.raises(KeyError, match="jackknife"):
        replicate_rows(record("phone", "m", "T1", 1, [{"pwcca": 0.5}]))


@pytest.mark.parametrize(
    ("column", "value", "found"),
    [
        ("weight", 0.25, "weights that are not one number"),
        ("share", 0.9, "shares of two or more sum to 1"),
        ("mean", None, "a row without share or mean"),
        ("layer", "nonsense", "'nonsense' in column layer"),
        ("group", "b", "two rows of phone, m, T1, pwcca, b"),
        ("mean", "high", "no number in column mean"),
    ],
)
def test_a_changed_table_is_refused(tmp_path, column, value, found):
    write_jackknife(replicate_rows(scored(1)), tmp_path / "jackknife.csv")
    table = pd.read_csv(tmp_path / "jackknife.csv").astype(object)
    assert list(table.columns) == jackknife.COLUMNS
    table.loc[0, column] = value
    table.to_csv(tmp_path / "jackknife.csv", index=False)
    with pytest.raises(RereadError, match=found):
        read_jackknife(tmp_path / "jackknife.csv")
