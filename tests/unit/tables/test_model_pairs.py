"""Pairs of models: which layers are compared, what alike and apart mean, and in which facts they differ."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from layerwise.tables.files import read_table
from layerwise.tables.model_pairs import COLUMNS, compare_models
from layerwise.tables.scores import COLUMNS as SCORE_COLUMNS

FACTS = {"objective": "masked contrastive", "iteration": 1, "modality": "audio", "size": "Base"}
FACTS |= {"training_data": "speech", "width": 96, "normalise": False}
CURVE = np.array([0.3, 0.5, 0.7, 0.4])


def scores(levels, spread=0.01, name="phone", metric="pwcca") -> pd.DataFrame:
    """tables/scores.csv: three samples of three trials around a level for each of T0…TL of each model."""
    noise = np.random.default_rng(1)
    rows = [
        {"property": name, "model": model, "layer": f"T{index}", "layer_index": index, "depth": index / (len(of) - 1)}
        | {"sample": sample, "trial": trial, "metric": metric, "score": level + spread * noise.standard_normal()}
        | {"alignments": "given", "status": "ok", "reason": ""}
        for model, of in levels.items()
        for index, level in enumerate(of)
        for sample in (1, 2, 3)
        for trial in (1, 2, 3)
    ]
    return pd.DataFrame(rows)


@pytest.fixture
def compared(tmp_path):
    def compare(levels, differences=(), **options) -> pd.DataFrame:
        scores(levels, **options).reindex(columns=SCORE_COLUMNS).to_csv(tmp_path / "scores.csv", index=False)
        models = [
            {"model": name} | FACTS | {"blocks": len(of) - 1} | dict(differences).get(name, {})
            for name, of in levels.items()
        ]
        pd.DataFrame(models).to_csv(tmp_path / "models.csv", index=False)
        compare_models(tmp_path / "scores.csv", tmp_path / "models.csv", 10, 1, tmp_path / "pairs.csv")
        table = read_table(tmp_path / "pairs.csv", text=["other", "differ", "layers", "other_layers"])
        assert list(table.columns) == [*COLUMNS, "alignments"]
        return table

    return compare


def levels(*blocks) -> np.ndarray:
    """A level for T0, which is compared with nothing, and the blocks."""
    return np.concatenate([[0.9], *blocks])


def test_every_pair_stands_once_in_the_order_of_the_models(compared):
    table = compared({"b": levels(CURVE), "a": levels(CURVE), "c": levels(CURVE)})
    assert list(zip(table["model"], table["other"], strict=True)) == [("b", "a"), ("b", "c"), ("a", "c")]
    assert set(table["property"]) == {"phone"}
    assert set(table["layers"]) == {"T1-T4"}


def test_alike_is_not_near(compared):
    """Trends that rise and fall together may lie far apart, and near ones go opposite ways."""
    (far,) = compared({"a": levels(CURVE), "b": levels(CURVE - 0.25)}, spread=0.001).itertuples()
    assert far.spearman == 1
    assert far.difference == pytest.approx(0.25, abs=0.002)
    (near,) = compared({"a": levels(0.5 + CURVE / 100), "b": levels(0.5 - CURVE / 100)}, spread=1e-5).itertuples()
    assert near.spearman == -1
    assert near.difference < 0.02
    assert near.difference_low <= near.difference <= near.difference_high


def test_the_same_trend_is_not_apart(compared):
    (row,) = compared({"a": levels(CURVE), "b": levels(CURVE)}, spread=0.02).itertuples()
    assert row.difference < 0.03
    assert row.spearman_low <= row.spearman <= row.spearman_high
    assert row.spearman_low > 0


def test_layers_at_the_same_depth_are_compared(compared):
    deep = np.repeat(CURVE, 2)
    deep[::2] = 0.1  # T1, T3, …: at depths that the other model lacks
    (row,) = compared({"shallow": levels(CURVE), "deep": levels(deep)}, spread=0.001).itertuples()
    assert (row.layers, row.other_layers, row.n_layers) == ("T1-T4", "T2, T4, T6, T8", 4)
    assert row.difference < 0.01


def test_too_few_common_depths_are_said(compared):
    (row,) = compared({"a": levels(CURVE), "b": levels(np.linspace(0.2, 0.6, 5))}).itertuples()
    assert (row.layers, row.other_layers) == ("T4", "T5")
    assert np.isnan(row.spearman)
    assert row.reason.startswith("1 layers (T4) with both numbers, 4 are needed")
    assert row.difference == pytest.approx(0.2, abs=0.02)


def test_facts_that_differ_are_named(compared):
    differences = {"b": {"iteration": 2}, "c": {"objective": "masked unit prediction", "iteration": np.nan}}
    table = compared({name: levels(CURVE) for name in "abc"}, differences)
    assert list(table["differ"]) == ["iteration", "objective; iteration", "objective; iteration"]
    assert list(compared({name: levels(CURVE) for name in "ab"})["differ"]) == [""]
    unknown = {name: {"iteration": np.nan} for name in "ab"}
    assert list(compared({name: levels(CURVE) for name in "ab"}, unknown)["differ"]) == [""]
