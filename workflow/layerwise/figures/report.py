"""One HTML page about an experiment, self-contained: it opens offline, and can be sent as one file."""

from __future__ import annotations

import platform
from collections.abc import Collection, Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path

import yaml

from layerwise import __version__
from layerwise.errors import LINE, shown
from layerwise.figures import page_tables, registry
from layerwise.figures.cards import model_cards
from layerwise.figures.chart_pool import ChartPool, pooled
from layerwise.figures.citing import PAPER, read_run
from layerwise.figures.legend import MARKS
from layerwise.figures.look import Models
from layerwise.figures.page import rendered
from layerwise.figures.questions import described
from layerwise.figures.words import short_title, title_of
from layerwise.files.atomic import replaced
from layerwise.files.own_tables import read_parquet
from layerwise.metrics import metric_of
from layerwise.scoring.confidence import CONFIDENCE
from layerwise.scoring.properties import Property
from layerwise.tables.best_layers import read_best_layers
from layerwise.tables.comparison import read_comparison
from layerwise.tables.files import AnyPath
from layerwise.tables.findings import read_findings
from layerwise.tables.intervals import SPEAKERS, about_all, about_property, caution
from layerwise.tables.layer_pairs import read_layer_pairs
from layerwise.tables.matrices import read_matrices
from layerwise.tables.model_pairs import read_model_pairs
from layerwise.tables.models import read_models
from layerwise.tables.recommendations import read_recommendations
from layerwise.tables.samples import read_samples
from layerwise.tables.scores import read_scores

PACKAGES = ("snakemake", "numpy", "scipy", "h5py", "torch", "transformers", "pandas", "altair", "vl-convert-python")
_OF_QUESTIONS = (registry.PROPERTY.name, registry.MATRIX.name)
_OF_TASKS = (registry.TASK.name, registry.LABELS.name, registry.TASKS.name)
_PLACED = (registry.EXPERIMENT.name, *_OF_TASKS)  # subjects that have a place of their own in the template


def write_report(
    *,
    experiment: str,
    configuration: Mapping,
    metrics: Mapping[str, str],
    properties: Mapping[str, Property],
    titles: Mapping[str, str],
    groups: Mapping[str, str] | None,
    charts: Sequence[AnyPath],
    models: AnyPath,
    scores: AnyPath,
    best_layers: AnyPath,
    utterances: AnyPath,
    samples: AnyPath,
    comparison: AnyPath,
    findings: AnyPath,
    recommendations: AnyPath,
    model_pairs: AnyPath,
    layer_pairs: AnyPath | None,
    matrices: AnyPath | None,
    problems: Mapping[str, AnyPath],
    labels: AnyPath | None,
    provenance: Mapping[str, str],
    journal: AnyPath,
    out: AnyPath,
    rare: AnyPath | None = None,
    chosen_sizes: str = "",
) -> None:
    """Write report.html from the tables and charts of an experiment; the same inputs give the same bytes.

    Args:
        configuration: the experiment's configuration, shown as YAML.
        metrics: property → the metric that plots and rankings show.
        properties: of the experiment, in order.
        titles: what to call a model; its name, where it has no title.
        groups: model → what models of one colour have in common; None: a colour for each.
        charts: files of charts (`layerwise.figures.rendering`) in the order in which they stand.
        models: tables/models.csv.
        scores, best_layers, samples: the tables of `layerwise.tables.scores`.
        utterances: corpus/utterances.parquet, whose speakers are counted.
        comparison, findings, recommendations, model_pairs, layer_pairs: the tables of the modules of these names;
            layer_pairs None where no layers are compared.
        matrices: tables/layer_matrices.csv; None: no layer is compared with every layer of another model.
        problems: CSV files by heading, such as what was wrong with the audio; empty when nothing was.
        labels: what became of the alignment's labels, as `layerwise.alignments.index` writes it; None: it was made
            here.
        rare: corpus/rare_types.csv, the phones and words of which a corpus has too few; None: not known.
        chosen_sizes: those of samples that are as the corpus allows, in words; "": all are as the configuration says.
        provenance: where data and models came from, one line each.
        journal: versions.yaml of the experiment, beside which its configuration lies; it may be absent.
    """
    scored, best = read_scores(scores), read_best_layers(best_layers)
    automatic = (scored["alignments"] == "automatic").any()
    of_pairs = read_matrices(matrices) if matrices else None
    if of_pairs is not None:
        automatic = automatic or (of_pairs["alignments"] == "automatic").any()
    advice = read_recommendations(recommendations, properties)
    facts = read_models(models)
    cast = Models.of(list(facts["model"]), titles, groups)
    titles = cast.titles
    cca = configuration["cca"]
    speakers = read_parquet(utterances, ("speaker_id",))["speaker_id"].nunique()
    shown_metrics = [metric_of(metric) for metric in dict.fromkeys(metrics.values())]
    called = {
        name: title_of(question, metrics[name], "automatic" if automatic else "given")
        for name, question in properties.items()
    }
    pool = pooled(charts, called)
    sections = [
        {
            "name": name,
            "title": called[name],
            "asked": described(question, cca["folds_by"]),
            "missing": page_tables.missing(of_pairs if question.is_matrix else scored, name),
            "about": about_property(question, cca["intervals"], cca["folds_by"]),
            "best": page_tables.best_of(best, name, titles),
        }
        for name, question in properties.items()
    ]
    compared = read_model_pairs(model_pairs)
    standing = _standing(pool)
    other_subjects = [of for of in dict.fromkeys(place["of"] for place in standing) if of not in _PLACED]
    has_tasks = any(place["of"] in _OF_TASKS for place in standing)
    of_layers = (
        page_tables.layer_pairs(read_layer_pairs(layer_pairs), metrics, titles) if layer_pairs is not None else None
    )
    listed = [
        {"name": name, "title": cast.titles[name], "colour": cast.colours[name], "mark": MARKS[cast.shapes[name]]}
        for name in cast.names
    ]
    findings_shown = page_tables.findings(read_findings(findings), titles)
    contents = {
        **({"explorer": "Questions"} if sections else {}),
        **{"overview": "Overview", "recommendations": "Which layer to use", "models-cards": "Models"},
        **({"model-pairs": "Pairs of models"} if len(compared) else {}),
        **({"layer-pairs": "Pairs of layers"} if of_layers else {}),
        **({"tasks": "Tasks"} if has_tasks else {}),
        **{f"of-{of}": of.capitalize() for of in other_subjects},
        **({"findings": "The paper's findings"} if findings_shown else {}),
        **{"samples": "Samples", "incomplete": "Skipped and flagged"},
        **{"problems": "Problems in the data", "provenance": "Provenance", "cite": "Cite and reproduce"},
    }
    text = rendered(
        _page_data(experiment, pool, called, metrics, [name for name in called if properties[name].ranked], listed),
        experiment=experiment,
        contents=contents,
        models=listed,
        places=standing,
        other_subjects=other_subjects,
        has_tasks=has_tasks,
        configuration=yaml.safe_dump(_plain(configuration), sort_keys=False, allow_unicode=True),
        metrics=shown_metrics,
        named_metrics=", ".join(f"{metric.symbol} ({metric.title})" for metric in shown_metrics),
        confidence=f"{CONFIDENCE:.0%}",
        about=about_all(properties.values(), cca["intervals"], cca["folds_by"]),
        resampled=[
            short_title(name, metrics[name]) for name, question in properties.items() if question.measure.resampled
        ],
        reversed=any(not metric.higher_is_better for metric in shown_metrics),
        over_speakers=cca["intervals"] == SPEAKERS,
        caution=caution(cca["folds_by"], speakers),
        sections=sections,
        automatic=automatic,
        advice=page_tables.recommended(advice, titles),
        cards=model_cards(facts, titles, best, advice, properties, metrics),
        model_pairs=page_tables.model_pairs(compared, metrics, titles),
        layer_pairs=of_layers,
        comparison=page_tables.comparison(read_comparison(comparison), metrics, titles),
        findings=findings_shown,
        samples=page_tables.as_shown(read_samples(samples)),
        rare=page_tables.problems(rare) if rare else None,
        chosen_sizes=chosen_sizes,
        left_out=page_tables.left_out(rare) if rare else [],
        incomplete={
            status: page_tables.incomplete(scored, of_pairs, status, titles) for status in ("skipped", "flagged")
        },
        problems={heading: page_tables.problems(path) for heading, path in problems.items()},
        changed=page_tables.changed_labels(labels) if labels else [],
        labels=page_tables.problems(labels) if labels else None,
        provenance={name: shown(place, LINE) for name, place in provenance.items()},
        run=read_run(journal, Path(journal).with_name("configuration.yaml")),
        paper=PAPER,
        versions=_versions(),
    )
    with replaced(out) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _standing(pool: ChartPool) -> list[dict[str, str]]:
    """The places of charts that are of no question, subject by subject: one a view, whose first figure is named."""
    found: dict[tuple[str, str], dict[str, str]] = {}
    for chart in pool.charts:
        if chart["of"] not in _OF_QUESTIONS:
            place = {name: chart[name] for name in ("figure", "of", "subject", "view", "alt", "caption")}
            found.setdefault((chart["subject"], chart["view"]), place)
    subjects = list(dict.fromkeys(subject for subject, _ in found))
    return sorted(found.values(), key=lambda place: subjects.index(place["subject"]))


def _page_data(
    experiment: str,
    pool: ChartPool,
    called: Mapping[str, str],
    metrics: Mapping[str, str],
    ranked: Collection[str],
    models: Iterable[Mapping[str, str]],
) -> dict[str, object]:
    """What the scripts of the page read.

    Args:
        called: property → its title.
        ranked: properties whose best layers are the ones to use; the page shows the first of them first.
        models: `name`, `title`, `colour` and `mark` (an SVG path) of each.
    """
    by_question = {name: _metrics_of(pool, name) or [metrics[name]] for name in called}
    names = dict.fromkeys(name for names in by_question.values() for name in names)
    return {
        "experiment": experiment,
        "questions": [
            {
                **{"name": name, "title": title, "ranked": name in ranked},
                **{"shown": metrics[name], "metrics": by_question[name]},
            }
            for name, title in called.items()
        ],
        "metrics": {name: metric_of(name).title for name in names},
        "models": list(models),
        "charts": pool.charts,
        "data": pool.data,
        "columns": pool.columns,
    }


def _metrics_of(pool: ChartPool, subject: str) -> list[str]:
    """The metrics by which a question has charts, in order."""
    charts = [chart for chart in pool.charts if chart["of"] in _OF_QUESTIONS and chart["subject"] == subject]
    return [name for name in dict.fromkeys(name for chart in charts for name in chart["charts"]) if name]


def _plain(value: object) -> object:
    """The same in YAML's own types: a configuration may come in subclasses of dict and list."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)


def _versions() -> dict[str, str]:
    """Versions in the environment that writes the report; what is not installed there is left out."""
    found = {"layerwise": __version__, "Python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found
