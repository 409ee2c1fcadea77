"""Do trends tell which layer to use? Each property's trend beside each task's performance, tables/comparison.csv."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from layerwise.cells import OK, WEIGHTS
from layerwise.files.own_files import RereadError
from layerwise.layers import WEIGHTED, layer_ranges, transformer_names
from layerwise.metrics import metric_of
from layerwise.probes.metrics import METRICS
from layerwise.scoring.properties import Property
from layerwise.tables import curves
from layerwise.tables.curves import Curve, Number
from layerwise.tables.files import AnyPath, alignments_of, joined_reasons, read_table, write_table
from layerwise.tables.probes import read_probes
from layerwise.tables.scores import read_scores

SOFTMAX = "softmax"  # the metric of the learned weights

COLUMNS = [
    *("task", "source", "task_metric", "model", "property", "metric", "layers", "n_layers"),
    *("spearman", "spearman_low", "spearman_high", "pearson", "pearson_low", "pearson_high"),
    *("recommended", "recommended_performance", "best", "best_performance", "weighted_performance", "last_performance"),
    *("regret", "within_interval", "against_weighted", "against_last", "best_against_weighted", "alignments", "reason"),
]
TEXT = ["task", "source", "task_metric", "layers", "recommended", "best", "within_interval"]


@dataclass(frozen=True)
class Outcome:
    """What one model reached on one task, by one source and metric.

    Attributes:
        single: performance of the heads on single layers (accuracy, or 1 - error rate).
        weighted: performance of the head on the learned sum of all layers, not known where there is none.
        weights: what that sum learned.
        last: the model's last block, whether it was measured or not.
    """

    task: str
    source: str
    metric: str
    model: str
    single: Curve
    weighted: Number
    weights: Curve
    last: str


def outcomes(probes: pd.DataFrame, seed: int) -> Iterator[Outcome]:
    """What every model reached on every task, in the order of tables/probes.csv."""
    for names, heads in probes.groupby(["task", "source", "metric", "model"], sort=False):
        sums = heads[(heads["layer"] == WEIGHTED) & (heads["status"] == OK)]
        weighted = Number()
        for row in sums.itertuples():
            value, *ends = map(METRICS[row.metric].performance, (row.value, row.low, row.high))
            weighted = Number(value, min(ends), max(ends))
        blocks = (heads["layer_index"] / heads["depth"]).max()  # depth = index / blocks
        last = transformer_names(round(blocks))[-1] if blocks > 0 else ""
        yield Outcome(*names, curves.performance(heads, seed), weighted, curves.weights(heads), last)


def compare(
    scores: AnyPath,
    probes: AnyPath,
    properties: Mapping[str, Property],
    folds: int,
    seed: int,
    out: AnyPath,
    jackknife: AnyPath | None = None,
) -> None:
    """A row per task, source, metric of the task, model, property and metric of the score: tables/comparison.csv.

    Performance is the accuracy, or 1 - the error rate. Correlated are the T layers that have both numbers, without the
    one that a property compares the others with (T0 of `intra`): it is the same as itself. `layerwise.tables.curves`
    says how, and why there is no p value. A property *recommends* the block at which its trend is highest (T1…TL, as
    tables/best_layers.csv), if layers are ranked by it (by `intra` and over-segmentation they are not). Of an error
    rate the trend is that of 1 - error.

    `regret` is what that choice costs against the best single layer: the difference of their performances, 0 where it
    is the best one; `within_interval` says whether it ties with that one (`layerwise.tables.ties`), so that the two
    should not be ranked. `against_weighted` and `against_last` are its performance minus that of the weighted sum and
    of the last block, `best_against_weighted` that of the best single layer minus the weighted sum. The best layer is
    the one that is best on the test items, which flatters it a little.

    The learned weights of the weighted sum are compared in the same way, as property `weights`, metric `softmax`.

    Where there is no number, `reason` says why.

    Args:
        properties: of the experiment.
        folds: of the cross-validation.
        seed: of the draws that give intervals.
        jackknife: tables/jackknife.csv, where intervals are of speakers.
    """
    by_model = {}
    scored = read_scores(scores)
    if wrong := set(scored["property"]) - set(properties):
        raise RereadError(scores, f"{min(wrong)!r} in column property")
    for (model, name, metric), curve in curves.trends(scored, folds, seed, jackknife).items():
        by_model.setdefault(model, []).append((name, metric, curve))
    rows = [
        _row(outcome, name, metric, curve, properties.get(name))
        for outcome in outcomes(read_probes(probes), seed)
        for name, metric, curve in [*by_model.get(outcome.model, []), (WEIGHTS, SOFTMAX, outcome.weights)]
        if name != WEIGHTS or curve.layers
    ]
    table = pd.DataFrame(rows, columns=COLUMNS).astype({"n_layers": "Int64"})
    write_table(table.assign(alignments=alignments_of(scored)), out)


def read_comparison(path: AnyPath) -> pd.DataFrame:
    """tables/comparison.csv, as `compare` writes it."""
    return read_table(path, COLUMNS, text=TEXT)


def _row(outcome: Outcome, name: str, metric: str, curve: Curve, question: Property | None) -> dict:
    """`question` is None of the learned weights, of which the best is a recommendation too."""
    compared = curve.at(question.informative(curve.layers)) if question else curve
    layers = curves.common_layers(compared, outcome.single)
    row = {
        "task": outcome.task,
        "source": outcome.source,
        "task_metric": outcome.metric,
        "model": outcome.model,
        "property": name,
        "metric": metric,
        "layers": layer_ranges(layers),
        "n_layers": len(layers),
        "weighted_performance": outcome.weighted.value,
    }
    for name, correlate in (("spearman", curves.spearman), ("pearson", curves.pearson)):
        number = correlate(compared, outcome.single)
        row |= {name: number.value, f"{name}_low": number.low, f"{name}_high": number.high}
    reasons = [number.reason, "" if outcome.weighted.is_known else "no weighted sum"]
    single = outcome.single.blocks()
    if single.layers:
        row |= {
            "best": single.best,
            "best_performance": single.value(single.best),
            "last_performance": single.value(outcome.last),
            "best_against_weighted": single.value(single.best) - outcome.weighted.value,
        }
    if question is None or (question.ranked and metric_of(metric).is_ranked):
        choice, reason = _choice(outcome, curve.blocks())
        row |= choice
        reasons.append(reason)
    return row | {"reason": joined_reasons(reasons)}


def _choice(outcome: Outcome, ranked: Curve) -> tuple[dict, str]:
    """The layer that a trend recommends, what choosing it costs, and what of that is not known."""
    if not ranked.layers:
        return {}, f"no layer to recommend: {ranked.reason}"
    single, chosen = outcome.single.blocks(), ranked.best
    if chosen not in single.layers:
        return {"recommended": chosen}, f"{chosen} was not measured"
    reached, regret = single.value(chosen), single.value(single.best) - single.value(chosen)
    has_interval = not math.isnan(single.number(single.best).low)
    return {
        "recommended": chosen,
        "recommended_performance": reached,
        "regret": regret,
        "within_interval": ("yes" if chosen in single.tied() else "no") if has_interval else "",
        "against_weighted": reached - outcome.weighted.value,
        "against_last": reached - single.value(outcome.last),
    }, ""
