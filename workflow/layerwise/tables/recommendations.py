"""Which layer to use for what, tables/recommendations.csv."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

import pandas as pd

from layerwise.files.own_files import RereadError
from layerwise.metrics import metric_of
from layerwise.probes.metrics import METRICS
from layerwise.scoring.metrics import METRICS as OF_SCORES
from layerwise.scoring.properties import Property
from layerwise.tables.best_layers import read_best_layers, require_layers
from layerwise.tables.comparison import Outcome, outcomes, read_comparison
from layerwise.tables.external import PROPERTY, TASK
from layerwise.tables.files import AnyPath, alignments_of, read_table, table_of, write_table
from layerwise.tables.intervals import folds_of
from layerwise.tables.probes import EXTERNAL, read_probes
from layerwise.tables.scores import COUNTS
from layerwise.tables.trends import of_shown, read_trends

COLUMNS = [
    *("model", "question", "kind", "source", "metric", "layer", "depth", "score", "low", "high", "tied"),
    *("chance", "majority", "majority_label", *COUNTS, "seed"),
    *("costs", "against_weighted", "caution", "alignments", "reason"),
]
TEXT = ["question", "kind", "source", "majority_label", "costs", "caution"]

CONTROL = "random weights: a control, not to be used"
AT_CHANCE = "not clearly above chance"
AT_MAJORITY = "not clearly better than an answer that needs no speech"
NO_INTERVAL = "no interval: layers cannot be told apart"
OWN_LUCK = (
    "layers share little of their luck (shared_luck in best_layers.csv): those just outside the ties may be as good"
)
MORE_TYPES = (
    "more label types than dimensions of the layer: pwcca weighs directions of the layer, not the labels, and cannot "
    "be compared with models of another width"
)
MORE_DIMENSIONS = (
    "more dimensions of the target than of the layer: pwcca weighs directions of the layer, not of the target, and "
    "cannot be compared with models of another width"
)
UNSEEN = "labels in the held-out rows that training lacks (classes_unseen in scores.csv)"
BY_ROW = (
    "folds by row: rows of one recording are in training and in test (cca.folds_by: utterance or speaker asks whether "
    "it holds for others)"
)

# Of equal layers that share less of their luck, ties often lack one or more (tests/benchmarks/honesty.py --only ties).
LEAST_SHARED_LUCK = 0.8
FEW_SPEAKERS = 5  # of fewer, an interval over speakers is wide, and leans on what speakers are taken to be like


def recommend(
    trends: AnyPath,
    best_layers: AnyPath,
    probes: AnyPath,
    comparison: AnyPath,
    properties: Mapping[str, Property],
    models: Sequence[str],
    controls: Sequence[str],
    shown: Mapping[str, str],
    folds_by: str,
    seed: int,
    out: AnyPath,
    seed_of_heads: int | None = None,
) -> None:
    """A row per model and question, tables/recommendations.csv: the layer to use, and how much that is worth.

    A question is a property that layers are ranked by, or a task. `score`, `low` and `high` are of the layer: the
    similarity of a property, the metric of a task (a fraction; error rates are better when lower). `tied` are the
    other layers that tie with it (`layerwise.tables.ties`): any of them would do. `n_rows`, `n_types` and `n_speakers`
    say how much the score of a property was measured on, and `seed` which draws those were.

    Of a property, `costs` says what its layer costs on each task where that was measured, against the best single
    layer, as `task=difference` of performances (accuracy, or 1 - error rate), parted by blanks; tasks measured
    elsewhere are named `external:task`. Of a task, `against_weighted` is the performance of its best layer minus that
    of the learned sum of all layers.

    `majority` is what always answering the most frequent label of training reaches (`majority_label`; of error rates an
    empty answer), and `chance` what guessing does. `n_rows`, `n_types` and `n_speakers` of a task count its test
    utterances, labels, and speakers on test; its `seed` is that of the heads, and empty where it was measured
    elsewhere.

    `caution` says what speaks against following the row, parted by "; ": random weights; a score whose interval reaches
    the interval of its chance level; a task whose layer's interval does not lie beyond `majority` and `chance`; no
    interval at all; layers that share little of their luck, of which ties may lack an equal one; more label types, or
    dimensions of the target, than the layer has dimensions, where `pwcca` means another thing; labels that training
    lacks; folds by row; few speakers, and what else was remarked of a head. Without a layer, `reason` says why.

    Args:
        trends, best_layers, probes, comparison: tables of the experiment.
        properties: of the experiment.
        models: in order.
        controls: those of them whose weights are random.
        shown: property → the metric of its scores.
        folds_by: what their folds keep together: row, utterance or speaker; a property may say otherwise.
        seed: of the draws of rows, and as `layerwise.tables.comparison.compare`.
        seed_of_heads: of what tasks draw; None: it is not known.
    """
    best = read_best_layers(best_layers)
    mark = alignments_of(best)
    if wrong := set(best["property"]) - set(properties):
        raise RereadError(best_layers, f"{min(wrong)!r} in column property")
    best = of_shown(best, shown)
    costs = _costs(read_comparison(comparison), shown)
    by_chance = of_shown(read_trends(trends), shown).set_index(["property", "model", "layer"])
    require_layers(best, by_chance.index, best_layers, trends)
    heads = read_probes(probes)
    on_tasks = list(outcomes(heads, seed))
    heads = heads.set_index(["task", "source", "metric", "model", "layer"])
    rows = []
    for model in models:
        found = [
            _of_property(row, properties[row["property"]], by_chance, costs, folds_by)
            for row in best[best["model"] == model].to_dict("records")
        ]
        found += [_of_task(outcome, heads) for outcome in on_tasks if outcome.model == model]
        for row in found:
            cautions = [CONTROL] if model in controls else []
            row["caution"] = "; ".join([*cautions, *row["caution"]])
            row["seed"] = _seed_of(row, seed, seed_of_heads)
        rows += found
    table = table_of(rows, COLUMNS, [*COUNTS, "seed"])
    write_table(table.assign(alignments=mark), out)


def read_recommendations(path: AnyPath, properties: Mapping[str, Property]) -> pd.DataFrame:
    """tables/recommendations.csv, as `recommend` writes it."""
    table = read_table(path, COLUMNS, text=TEXT)
    for kind, column, names in ((PROPERTY, "question", properties), (TASK, "metric", METRICS)):
        if wrong := set(table.loc[table["kind"] == kind, column]) - set(names):
            raise RereadError(path, f"{min(wrong)!r} in column {column} of a {kind}")
    if wrong := set(table["kind"]) - {PROPERTY, TASK}:
        raise RereadError(path, f"{min(wrong)!r} in column kind")
    return table


def _seed_of(row: Mapping, of_draws: int, of_heads: int | None) -> int | None:
    if row["kind"] == PROPERTY:
        return of_draws
    return None if row["source"] == EXTERNAL else of_heads


def _costs(comparison: pd.DataFrame, shown: Mapping[str, str]) -> dict[tuple[str, str], str]:
    """What a (model, property) costs on each task."""
    known = of_shown(comparison, shown)
    known = known[known["regret"].notna()]
    return {
        names: " ".join(f"{_task_name(row.task, row.source)}={row.regret:.6g}" for row in group.itertuples())
        for names, group in known.groupby(["model", "property"], sort=False)
    }


def _task_name(task: str, source: str) -> str:
    return f"{EXTERNAL}:{task}" if source == EXTERNAL else task


def _of_property(
    best: Mapping, question: Property, by_chance: pd.DataFrame, costs: Mapping[tuple[str, str], str], folds_by: str
) -> dict:
    row = {"kind": PROPERTY, "source": "scores", "question": best["property"], "score": best["mean"], "caution": []}
    row |= {key: best[key] for key in ("model", "metric", "layer", "depth", "low", "high", "tied", "reason")}
    row |= {key: best[key] for key in COUNTS}
    if not best["layer"]:
        return row
    if math.isnan(best["low"]):
        row["caution"].append(NO_INTERVAL)
    row["chance"] = best["chance"]
    metric = metric_of(best["metric"])
    chance = by_chance.loc[(best["property"], best["model"], best["layer"])]
    # The ends that lie towards each other: of an error rate the high one of the score, and the low one of chance.
    end, other_end = ("low", "chance_high") if metric.higher_is_better else ("high", "chance_low")
    nearest = best["mean"] if math.isnan(best[end]) else best[end]
    luckiest = best["chance"] if math.isnan(chance[other_end]) else chance[other_end]
    if metric.performance(nearest) <= metric.performance(luckiest):
        row["caution"].append(AT_CHANCE)
    row["caution"] += _doubts(best, question, folds_of(question, folds_by))
    return row | {"costs": costs.get((best["model"], best["property"]), "")}


def _doubts(best: Mapping, question: Property, folds_by: str) -> Iterator[str]:
    """What speaks against the row of tables/best_layers.csv, of how its score was measured."""
    if best["shared_luck"] < LEAST_SHARED_LUCK and best["nearly_tied"]:
        yield OWN_LUCK
    # The condition of `layerwise.scoring.measures.cca` for weights by the layer, where that is the first view.
    metric = OF_SCORES.get(best["metric"])
    weighs_the_layer = metric is not None and metric.weighs_the_narrower and best["kept_y"] > best["kept_x"]
    if weighs_the_layer and not question.target.is_first:
        yield MORE_TYPES if question.target.has_labels else MORE_DIMENSIONS
    if best["classes_unseen"] > 0:
        yield UNSEEN
    if folds_by == "row":
        yield BY_ROW
    if "speaker" in (folds_by, question.measure.resampled.removesuffix("s")) and best["n_speakers"] < FEW_SPEAKERS:
        yield f"few speakers ({best['n_speakers']:g})"


def _of_task(outcome: Outcome, heads: pd.DataFrame) -> dict:
    row = {"model": outcome.model, "question": outcome.task, "kind": TASK, "source": outcome.source, "caution": []}
    row["metric"] = outcome.metric
    single = outcome.single.blocks()
    if not single.layers:
        return row | {"reason": single.reason}
    metric, best = METRICS[outcome.metric], single.best
    head = heads.loc[(outcome.task, outcome.source, outcome.metric, outcome.model, best)]
    if math.isnan(single.number(best).low):
        row["caution"].append(NO_INTERVAL)
    elif any(single.number(best).low <= metric.performance(head[name]) for name in ("majority", "chance")):
        row["caution"].append(AT_MAJORITY)
    if head["test_speakers"] < FEW_SPEAKERS:
        row["caution"].append(f"few test speakers ({head['test_speakers']:g})")
    if head["reason"]:
        row["caution"].append(head["reason"])
    return row | {
        **{"layer": best, "depth": head["depth"], "score": head["value"], "low": head["low"], "high": head["high"]},
        **{name: head[name] for name in ("chance", "majority", "majority_label", "n_types")},
        **{"n_rows": head["n_test"], "n_speakers": head["test_speakers"]},
        "tied": " ".join(layer for layer in single.tied() if layer != best),
        "against_weighted": single.value(best) - outcome.weighted.value,
    }
