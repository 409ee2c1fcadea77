"""An experiment as the workflow leaves it, of made-up scores: all tables, the charts of all figures, and the report."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from layerwise.figures import registry
from layerwise.figures.registry import FIGURES, Figure
from layerwise.figures.rendering import specification, write_charts
from layerwise.figures.report import write_report
from layerwise.layers import WEIGHTED, transformer_names
from layerwise.probes.predictions import write_predictions
from layerwise.scoring.properties import Property, read_properties
from layerwise.tables.best_layers import best_layers
from layerwise.tables.comparison import compare
from layerwise.tables.confusion import tabulate_confusions
from layerwise.tables.findings import check_findings
from layerwise.tables.layer_pairs import compare_layers
from layerwise.tables.matrices import summarise_matrices
from layerwise.tables.model_pairs import compare_models
from layerwise.tables.models import write_models
from layerwise.tables.probes import collect_probes
from layerwise.tables.recommendations import recommend
from layerwise.tables.scores import collect_scores
from layerwise.tables.trends import summarise_trends
from shipped_properties import ENTRIES
from synthetic_probes import write_probe
from synthetic_scores import Status, always_ok, bump, write_experiment, write_matrix

FOLDS, SEED = 10, 1
LABELS = ("go", "stop", "left", "right")
MATRIX = {"rows": "frame", "target": {"model": "other", "layer": "all"}, "title": "layers of the other model"}


@dataclass(frozen=True)
class Asked:
    """What an experiment asks for.

    Attributes:
        blocks: model → number of transformer blocks. titles: model → what it is called; its name, where there is none.
        properties: names of resources/properties.yaml. metrics: at most so many of each.
        tasks: of labels, each of which every layer was probed for.
        matrix: whether layers are compared with every layer of the first model, as the property `all-layers`.
        status: which scores were skipped or flagged, and why.
        convs: how many C layers have scores in `mel`.
    """

    blocks: Mapping[str, int]
    titles: Mapping[str, str] = field(default_factory=dict)
    properties: Sequence[str] = ("mel", "phone", "abx-within")
    metrics: int = 2
    tasks: Sequence[str] = ("intent",)
    matrix: bool = True
    status: Status = always_ok
    samples: int = 2
    trials: int = 3
    convs: int = 2

    @property
    def models(self) -> list[str]:
        return list(self.blocks)

    @property
    def entries(self) -> dict[str, Mapping]:
        """As a catalogue has the properties, by name."""
        other = {**MATRIX, "target": MATRIX["target"] | {"model": self.models[0]}}
        return {name: ENTRIES[name] for name in self.properties} | ({"all-layers": other} if self.matrix else {})

    @property
    def questions(self) -> dict[str, Property]:
        return read_properties(self.entries)

    @property
    def curves(self) -> dict[str, Property]:
        return {name: each for name, each in self.questions.items() if not each.is_matrix}

    @property
    def shown(self) -> dict[str, str]:
        return {name: each.shown("pwcca") for name, each in self.questions.items()}

    @property
    def metrics_of(self) -> dict[str, list[str]]:
        """The metrics of each property, the one that is shown first."""
        return {
            name: sorted(each.measure.metrics, key=lambda metric: metric != self.shown[name])[: self.metrics]
            for name, each in self.questions.items()
        }


@dataclass(frozen=True)
class Made:
    """The report of a made-up experiment, and what it was made of."""

    asked: Asked
    report: Path

    def table(self, name: str) -> pd.DataFrame:
        return pd.read_csv(self.report.parent / "tables" / f"{name}.csv", keep_default_na=False, na_values=[""])


def write_tables(of: Asked, folder: Path) -> dict[str, Path]:
    """All tables of an experiment, by name, and `utterances`, whose speakers are counted."""
    made = folder / "made"
    names = (
        *("scores", "trends", "best_layers", "layer_matrices", "models", "samples", "probes", "confusion"),
        *("comparison", "findings", "model_pairs", "recommendations", "layer_pairs"),
    )
    (folder / "tables").mkdir(parents=True)
    paths = {name: folder / "tables" / f"{name}.csv" for name in names}
    paths["utterances"] = folder / "utterances.parquet"
    pd.DataFrame({"speaker_id": ["84", "174", "84"]}).to_parquet(paths["utterances"])
    paths["samples"].write_text(
        "sample,span,asked,drawn,types,utterances,hours,alignments\n"
        + "".join(f"{number},phone,500,480,39,30,0.05,given\n" for number in range(1, of.samples + 1)),
        encoding="utf-8",
    )
    write_models([_facts(name, of) for name in of.models], paths["models"])
    _write_scores(of, made, paths)
    _write_probes(of, made, paths)
    scores, models, probes = paths["scores"], paths["models"], paths["probes"]
    compare(scores, probes, of.curves, FOLDS, SEED, paths["comparison"])
    check_findings(scores, probes, models, "pwcca", FOLDS, SEED, paths["findings"])
    compare_models(scores, models, FOLDS, SEED, paths["model_pairs"])
    compare_layers(scores, [("T0", "T1")], FOLDS, paths["layer_pairs"])
    recommend(
        *(paths["trends"], paths["best_layers"], probes, paths["comparison"]),
        *(of.curves, of.models, [name for name in of.models if "random" in name], of.shown),
        *("row", SEED, paths["recommendations"]),
    )
    return paths


def _facts(model: str, of: Asked) -> dict[str, object]:
    objective = "none" if "random" in model else ("masked unit prediction" if len(model) % 2 else "masked contrastive")
    return {
        **{"model": model, "title": of.titles.get(model, model), "family": "wav2vec2", "objective": objective},
        **{"modality": "audio", "size": "Base", "training_data": "made up", "hours": 960, "licence": "MIT"},
        **{"iteration": 1, "normalise": False, "conv_layers": 7, "blocks": of.blocks[model], "stride_seconds": 0.02},
        **{"width": 96, "source": "nowhere", "revision": ""},
    }


def _write_scores(of: Asked, made: Path, paths: Mapping[str, Path]) -> None:
    files, pairs = [], []
    options = {"samples": of.samples, "trials": of.trials, "status": of.status}
    for name, question in of.questions.items():
        if question.is_matrix:
            pairs += write_matrix(made / "scores", name, of.blocks, next(iter(of.blocks.values())), **options)
        else:
            chosen = {"properties": (name,), "metrics": of.metrics_of[name], "convs": of.convs}
            files += write_experiment(made / "scores", of.blocks, **chosen, **options, chance=True)
    collect_scores(files, of.metrics_of, list(of.curves), of.models, of.blocks, paths["scores"])
    summarise_trends(paths["scores"], FOLDS, paths["trends"])
    best_layers(paths["trends"], paths["scores"], of.curves, paths["best_layers"])
    if pairs:
        matrices = {name: each for name, each in of.questions.items() if each.is_matrix}
        of_pairs = {name: ["pwcca"] for name in matrices}
        summarise_matrices(
            *(pairs, of_pairs, matrices, of.models, of.blocks, FOLDS, "row", "corpus", paths["layer_matrices"])
        )


def _write_probes(of: Asked, made: Path, paths: Mapping[str, Path]) -> None:
    files, predictions = {}, {}
    for task in of.tasks:
        for model, blocks in of.blocks.items():
            names = transformer_names(blocks)
            values = {name: bump("phone", model, name, "pwcca", 1, 1, blocks) for name in names}
            values[WEIGHTED] = max(values.values())
            weights = {name: (index + 1) / sum(range(1, len(names) + 1)) for index, name in enumerate(names)}
            table, details = write_probe(made, task, model, values, blocks, weights=weights)
            files[table] = details
            predictions[task, model] = _predictions(made, task, model, names)
    layers = {model: transformer_names(blocks) for model, blocks in of.blocks.items()}
    collect_probes(files, None, list(of.tasks), of.models, layers, paths["probes"])
    tabulate_confusions(predictions, {task: ["label"] for task in of.tasks}, paths["confusion"])


def _predictions(made: Path, task: str, model: str, layers: Sequence[str]) -> Path:
    """Each label is said ten times; one in five is taken for the next."""
    said = [(label,) for label in LABELS for _ in range(10)]
    answered = [
        (LABELS[(LABELS.index(label) + (number % 5 == 0)) % len(LABELS)],) for number, (label,) in enumerate(said)
    ]
    errors = [int(one != other) for one, other in zip(said, answered, strict=True)]
    items = pd.DataFrame(
        {
            "item_id": [f"u{number}" for number in range(len(said))],
            "speaker_id": [f"s{number % 5}" for number in range(len(said))],
            "part": "test",
            "target": [list(label) for label in said],
        }
    )
    path = made / "probes" / task / f"{model}.parquet"
    write_predictions(items, {layer: (answered, errors, [1] * len(said)) for layer in layers}, path)
    return path


def write_all_charts(of: Asked, paths: Mapping[str, Path], folder: Path) -> list[Path]:
    """The files of charts in the order of the registry, without their pictures."""
    folder.mkdir(parents=True)
    choices = {
        **{"metrics": of.shown, "metrics_of": of.metrics_of, "questions": of.entries, "names": list(of.curves)},
        **{"properties": {name: of.entries[name] for name in of.curves}, "models": of.models},
        **{"titles": {name: of.titles.get(name, name) for name in of.models}, "groups": None},
    }
    written = []
    for figure, subject in _figures(of):
        plan = figure.plan(choices, subject)
        tables = {name: paths[name] for name in figure.tables}
        charts = {metric: specification(plan["chart"], tables, given) for metric, given in plan["arguments"].items()}
        path = folder / f"{figure.stem_of(subject)}.json"
        write_charts(charts, plan["about"], path)
        written.append(path)
    return written


def _figures(of: Asked) -> Iterator[tuple[Figure, str]]:
    """Each figure with each of its subjects."""
    tasks = list(of.tasks)
    subjects = {
        registry.EXPERIMENT: [""],
        registry.PROPERTY: list(of.curves),
        registry.MATRIX: [name for name in of.questions if name not in of.curves],
        registry.TASK: tasks,
        registry.LABELS: tasks,
        registry.TASKS: [""] if tasks else [],
    }
    for figure in FIGURES.values():
        for subject in subjects[figure.of]:
            yield figure, subject


def write_page(of: Asked, paths: Mapping[str, Path], charts: Sequence[Path], folder: Path) -> Path:
    """The report of the experiment."""
    report = folder / "report.html"
    (folder / "problems.csv").write_text("utterance_id,problem\n84-121123-0001,no TextGrid\n", encoding="utf-8")
    cca = {"folds": FOLDS, "epsilons": [(1e-10, 1e-10)], "folds_by": "row", "intervals": "corpus"}
    write_report(
        experiment="made",
        configuration={"experiment": "made", "cca": cca},
        metrics=of.shown,
        properties=of.questions,
        titles={name: of.titles.get(name, name) for name in of.models},
        groups=None,
        charts=charts,
        **{name: paths[name] for name in ("models", "scores", "best_layers", "utterances", "samples", "comparison")},
        **{name: paths[name] for name in ("findings", "recommendations", "model_pairs", "layer_pairs")},
        matrices=paths["layer_matrices"] if of.matrix else None,
        problems={"Alignments": folder / "problems.csv"},
        labels=None,
        provenance={"audio": "made up"},
        journal=folder / "versions.yaml",
        out=report,
    )
    return report


def make(of: Asked, folder: Path) -> Made:
    """Tables, charts and the report."""
    paths = write_tables(of, folder)
    return Made(of, write_page(of, paths, write_all_charts(of, paths, folder / "plots"), folder))
