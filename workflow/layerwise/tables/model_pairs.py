"""Do two models know the same at the same depth? Each pair's trends beside each other, tables/model_pairs.csv.

Which difference between models shows in their layers, that of objective or that of iteration, is a question that the
field argues about (arXiv 2508.08110). Here are the numbers for every pair, and in which facts the two differ.
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from itertools import combinations

import numpy as np
import pandas as pd

from layerwise.layers import layer_ranges
from layerwise.tables import curves
from layerwise.tables.curves import Curve, Number
from layerwise.tables.files import AnyPath, alignments_of, read_table, write_table
from layerwise.tables.models import read_models
from layerwise.tables.scores import read_scores

COLUMNS = [
    *("model", "other", "differ", "property", "metric", "layers", "other_layers", "n_layers"),
    *("spearman", "spearman_low", "spearman_high", "difference", "difference_low", "difference_high", "reason"),
]
TEXT = ["other", "differ", "layers", "other_layers"]
COMPARED = ["objective", "iteration", "modality", "size", "training_data", "blocks", "width", "normalise"]


def compare_models(
    scores: AnyPath, models: AnyPath, folds: int, seed: int, out: AnyPath, jackknife: AnyPath | None = None
) -> None:
    """A row per pair of models, property and metric: tables/model_pairs.csv.

    Compared are the blocks that lie at the same depth in both (index / L; of 12 and 24 blocks, every second of the
    latter). `spearman` says whether the trends rise and fall alike, `difference` is the mean over layers of the
    absolute difference of their scores; `layerwise.tables.curves` says what the intervals are. `differ` names the facts
    of tables/models.csv that differ.

    Args:
        scores, models: tables/scores.csv and tables/models.csv.
        folds: of the cross-validation.
        seed: of the draws that give intervals.
        jackknife: tables/jackknife.csv, where intervals are of speakers.
    """
    scored, facts = read_scores(scores), read_models(models, COMPARED).set_index("model")
    by_question: dict[tuple[str, str], dict[str, Curve]] = {}
    for (model, name, metric), curve in curves.trends(scored, folds, seed, jackknife).items():
        by_question.setdefault((name, metric), {})[model] = curve.blocks()
    rows = [
        {"model": one, "other": other, "differ": _differ(facts.loc[one], facts.loc[other])}
        | {"property": name, "metric": metric}
        | _row(found[one], found[other], int(facts.loc[one, "blocks"]), int(facts.loc[other, "blocks"]))
        for one, other in combinations(facts.index, 2)
        for (name, metric), found in by_question.items()
        if one in found and other in found
    ]
    table = pd.DataFrame(rows, columns=COLUMNS).astype({"n_layers": "Int64"})
    write_table(table.assign(alignments=alignments_of(scored)), out)


def read_model_pairs(path: AnyPath) -> pd.DataFrame:
    """tables/model_pairs.csv, as `compare_models` writes it."""
    return read_table(path, COLUMNS, text=TEXT)


def _differ(one: pd.Series, other: pd.Series) -> str:
    unlike = one[COMPARED].ne(other[COMPARED]) & ~(one[COMPARED].isna() & other[COMPARED].isna())
    return "; ".join(unlike.index[unlike])


def _row(one: Curve, other: Curve, one_blocks: int, other_blocks: int) -> dict:
    deep = {_depth(layer, other_blocks): layer for layer in other.layers}
    pairs = [(layer, deep[depth]) for layer in one.layers if (depth := _depth(layer, one_blocks)) in deep]
    layers, other_layers = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    # Under the names of the first, as curves are compared by name.
    one, paired = one.at(layers), other.at(other_layers)
    paired = replace(paired, layers=layers)
    rank, apart = curves.spearman(one, paired), _difference(one, paired)
    row = {"layers": layer_ranges(layers), "other_layers": layer_ranges(other_layers), "n_layers": len(layers)}
    for name, number in (("spearman", rank), ("difference", apart)):
        row |= {name: number.value, f"{name}_low": number.low, f"{name}_high": number.high}
    return row | {"reason": rank.reason}


def _depth(layer: str, blocks: int) -> Fraction:
    return Fraction(int(layer[1:]), blocks)


def _difference(one: Curve, other: Curve) -> Number:
    """The mean over layers of |one - other|."""
    if not one.layers:
        return Number(reason="no layer at the same depth")
    value = float(np.abs(one.levels - other.levels).mean())
    if one.draws is None or other.draws is None:
        return Number(value)
    return curves.from_draws(value, np.abs(one.draws - other.draws).mean(axis=1))
