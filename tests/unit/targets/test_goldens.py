"""Numbers that the published procedure gives on synthetic words: its look-up, then its canonical correlations."""

# ruff: noqa: PD011 (values of a target are no array of pandas)
from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from layerwise.cca import evaluate, fold_moments
from layerwise.targets.look_up import found_targets
from layerwise.targets.tables import RowTable
from synthetic_views import SHARED

GOLDENS = SHARED / "analyses"
NOBODY = pd.DataFrame({"utterance_id": ["u"], "speaker_id": ["s"]})
NOTHING = SimpleNamespace(by_speaker=pd.DataFrame(), by_utterance=pd.DataFrame())

pytestmark = pytest.mark.skipif(not GOLDENS.is_dir(), reason="the golden cases of analyses are not in this repository")


def looked_up(folder, name, kind, suffix):
    arrays = np.load(GOLDENS / folder / f"{name}.npz")
    published = json.loads((GOLDENS / folder / f"{name}.json").read_text())
    rows = pd.DataFrame({"utterance_id": "u", "label": arrays["labels"]})
    file = GOLDENS / folder / f"{name}{suffix}"
    table = RowTable(Path("words.parquet"), rows, NOBODY, NOTHING)
    targets, missing = found_targets({kind: str(file)}, table, file)
    return SimpleNamespace(arrays=arrays, published=published, targets=targets, missing=missing)


def scores(case):
    """What is scored of each trial and regulariser, beside what was published."""
    kept = case.targets.type >= 0
    x = case.arrays["view_x"][kept].astype(np.float64)
    y = case.targets.values[case.targets.type[kept]]
    moments = fold_moments(x, y, case.arrays["fold"])
    assert len(case.published["trials"]) == 3
    for trial in case.published["trials"]:
        train = sorted(set(range(10)) - {trial["dev_fold"], trial["test_fold"]})
        assert len(trial["eps"]) == 6
        for expected in trial["eps"]:
            for side in ("dev", "test"):
                found = evaluate(moments, train, [trial[f"{side}_fold"]], expected["eps_x"], expected["eps_y"])
                yield side, found, expected


@pytest.fixture(params=["glove", "agwe"])
def vectors(request):
    return looked_up("cca_word_vectors", request.param, "vectors", ".txt")


@pytest.fixture(params=["syntactic", "semantic"])
def attributes(request):
    return looked_up("cca_attributes", request.param, "attributes", ".oracle.txt")


def require_published_rows(case):
    assert np.flatnonzero(case.targets.type >= 0).tolist() == case.arrays["kept_rows"].tolist()
    dropped = f"{case.targets.missing} of {len(case.targets.type)} word segments dropped"
    assert case.published["published_says"] == dropped
    assert case.missing.total() == case.targets.missing


def test_words_without_a_vector_are_those_that_were_dropped(vectors):
    require_published_rows(vectors)
    assert sorted(vectors.missing) == vectors.published["dropped_words"]


def test_scores_of_vectors_are_the_published_ones(vectors):
    for side, found, expected in scores(vectors):
        assert (found.kept_x, found.kept_y) == (expected["kept_x"], expected["kept_y"])
        assert found.mean_cca == pytest.approx(expected[f"{side}_mean_cca"], abs=1e-9)
        assert found.pwcca == pytest.approx(expected[f"{side}_pwcca_centred"], abs=1e-9)
        assert found.pwcca_published == pytest.approx(expected[f"{side}_pwcca_published"], abs=1e-8)
        if side == "test":
            np.testing.assert_allclose(found.correlations, expected["test_corr"], rtol=0, atol=1e-8)


def test_attributes_of_words_are_those_that_were_published(attributes):
    require_published_rows(attributes)
    assert list(attributes.targets.columns) == attributes.published["attributes"]
    for name, vector in zip(attributes.targets.names, attributes.targets.values, strict=True):
        assert vector.tolist() == attributes.published["vectors"][name]
    anywhere = attributes.targets.values.any(axis=0)
    unused = [name for name, used in zip(attributes.targets.columns, anywhere, strict=True) if not used]
    assert unused == attributes.published["unused_attributes"]


def test_scores_of_attributes_are_the_published_ones_but_for_the_direction_that_is_noise(attributes):
    rank = attributes.published["centred_rank"]
    for side, found, expected in scores(attributes):
        assert found.rank_y == rank == len(found.correlations)
        if side == "test":
            np.testing.assert_allclose(found.correlations, expected["test_corr"][:rank], rtol=0, atol=5e-5)
            assert found.mean_cca == pytest.approx(np.mean(expected["test_corr"][:rank]), abs=1e-6)
