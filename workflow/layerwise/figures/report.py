"""One HTML page about an experiment, self-contained: it opens offline, and can be sent as one file."""

from __future__ import annotations

import base64
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import jinja2
import pandas as pd
import yaml

from layerwise import __version__
from layerwise.cells import WEIGHTS
from layerwise.errors import LINE, shown
from layerwise.figures import registry
from layerwise.figures.questions import described
from layerwise.figures.words import short_title, title_of
from layerwise.files.atomic import replaced
from layerwise.files.own_tables import NUMBERED, read_csv_table, read_parquet
from layerwise.files.shipped import ROOT
from layerwise.layers import layer_ranges
from layerwise.metrics import metric_of
from layerwise.scoring.confidence import CONFIDENCE
from layerwise.scoring.properties import Property
from layerwise.tables.advice import cautions, sentences
from layerwise.tables.best_layers import read_best_layers
from layerwise.tables.comparison import read_comparison
from layerwise.tables.criteria import CRITERIA, read_criteria
from layerwise.tables.external import TASK
from layerwise.tables.files import AnyPath
from layerwise.tables.findings import read_findings
from layerwise.tables.intervals import SPEAKERS, about_all, about_property, caution
from layerwise.tables.layer_pairs import read_layer_pairs
from layerwise.tables.matrices import read_matrices
from layerwise.tables.recommendations import read_recommendations
from layerwise.tables.samples import read_samples
from layerwise.tables.scores import COUNTS, MISSING, read_scores

TEMPLATE = ROOT / "workflow/report/report.html.j2"
PACKAGES = ("snakemake", "numpy", "scipy", "h5py", "torch", "transformers", "pandas", "matplotlib")
MEDIA_TYPES = {".svg": "image/svg+xml", ".png": "image/png"}
LONGEST = 100  # rows of a table that grows with the data; its file has them all


@dataclass(frozen=True)
class Table:
    """A table as it is shown: cells are text, `numeric` says which columns stand right-aligned."""

    columns: list[str]
    rows: list[list[str]]
    numeric: list[bool]
    left_out: int = 0


@dataclass(frozen=True)
class Picture:
    """A picture as a data URI, with the words that stand in for it."""

    uri: str
    alt: str


def write_report(
    *,
    experiment: str,
    configuration: Mapping,
    metrics: Mapping[str, str],
    properties: Mapping[str, Property],
    titles: Mapping[str, str],
    pictures: Mapping[str, Mapping[str, AnyPath]],
    scores: AnyPath,
    best_layers: AnyPath,
    utterances: AnyPath,
    samples: AnyPath,
    comparison: AnyPath,
    findings: AnyPath,
    recommendations: AnyPath,
    layer_pairs: AnyPath | None,
    matrices: AnyPath | None,
    problems: Mapping[str, AnyPath],
    labels: AnyPath | None,
    provenance: Mapping[str, str],
    out: AnyPath,
) -> None:
    """Write report.html from the tables and pictures of an experiment; the same inputs give the same bytes.

    Args:
        configuration: the experiment's configuration, shown as YAML.
        metrics: property → the metric that plots and rankings show.
        properties: of the experiment, in order.
        titles: what to call a model; its name, where it has no title.
        pictures: SVG or PNG files, which are embedded: figure of the registry → property or task, or "" where there is
            one picture for all → path.
        scores, best_layers, samples: the tables of `layerwise.tables.scores`.
        utterances: corpus/utterances.parquet, whose speakers are counted.
        comparison, findings, recommendations, layer_pairs: the tables of the modules of these names; layer_pairs None
            where no layers are compared.
        matrices: tables/layer_matrices.csv; None: no layer is compared with every layer of another model.
        problems: CSV files by heading, such as what was wrong with the audio; empty when nothing was.
        labels: what became of the alignment's labels, as `layerwise.alignments.index` writes it; None: it was made
            here.
        provenance: where data and models came from, one line each.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATE.parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    scored, best = read_scores(scores), read_best_layers(best_layers)
    automatic = (scored["alignments"] == "automatic").any()
    of_pairs = read_matrices(matrices) if matrices else None
    if of_pairs is not None:
        automatic = automatic or (of_pairs["alignments"] == "automatic").any()
    advice = read_recommendations(recommendations, properties)
    cca = configuration["cca"]
    speakers = read_parquet(utterances, ("speaker_id",))["speaker_id"].nunique()
    shown_metrics = [metric_of(metric) for metric in dict.fromkeys(metrics.values())]
    sections = []
    for name, question in properties.items():
        metric = metrics[name]
        title = title_of(question, metric, "automatic" if automatic else "given")
        of = registry.MATRIX if question.is_matrix else registry.PROPERTY
        sections.append(
            {
                "name": name,
                "short": short_title(name, metric),
                "title": title,
                "asked": described(question, cca["folds_by"]),
                "missing": _missing(of_pairs if question.is_matrix else scored, name),
                "about": about_property(question, cca["intervals"], cca["folds_by"]),
                "pictures": _embedded(pictures, of, {name: title}),
                "best": _best_of(best, name, metric, titles),
            }
        )
    page = environment.get_template(TEMPLATE.name).render(
        experiment=experiment,
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
        overview=_embedded(pictures, registry.EXPERIMENT),
        sections=sections,
        automatic=automatic,
        advice=[
            (titles.get(model, model), sentences(advice, model, properties), cautions(advice, model, properties))
            for model in advice["model"].unique()
        ],
        layer_pairs=_layer_pairs(read_layer_pairs(layer_pairs), metrics, titles) if layer_pairs else None,
        tasks=_embedded(pictures, registry.TASK),
        labelled=_embedded(pictures, registry.LABELS),
        all_tasks=_embedded(pictures, registry.TASKS),
        comparison=_comparison(read_comparison(comparison), metrics, titles),
        findings=_findings(read_findings(findings), titles),
        samples=_shown(read_samples(samples)),
        incomplete={status: _incomplete(scored, of_pairs, status, titles) for status in ("skipped", "flagged")},
        problems={heading: _problems(path) for heading, path in problems.items()},
        changed=_changed(labels) if labels else [],
        labels=_problems(labels) if labels else None,
        provenance={name: shown(place, LINE) for name, place in provenance.items()},
        versions=_versions(),
    )
    with replaced(out) as temporary:
        temporary.write_text(page, encoding="utf-8")


def _embed(path: AnyPath, alt: str) -> Picture:
    path = Path(path)
    encoded = base64.b64encode(path.read_bytes()).decode("ascii")
    return Picture(f"data:{MEDIA_TYPES[path.suffix]};base64,{encoded}", alt)


def _embedded(
    pictures: Mapping[str, Mapping[str, AnyPath]], of: registry.Subject, titles: Mapping[str, str] | None = None
) -> list[Picture]:
    """The pictures of all figures of one sort.

    Args:
        titles: the subjects that are wanted, and what to call them; None: all, by their names.
    """
    return [
        _embed(path, figure.alt_of(subject if titles is None else titles[subject]))
        for figure in registry.figures_of(of)
        for subject, path in pictures.get(figure.name, {}).items()
        if titles is None or subject in titles
    ]


def _shown(table: pd.DataFrame, limit: int | None = None) -> Table:
    """Three decimals for fractions, one digit for tiny ones, nothing for a missing value; names as `shown` has them."""

    def text(value: object, counts: bool) -> str:
        if pd.isna(value):
            return ""
        if isinstance(value, float):
            if counts or (value.is_integer() and abs(value) >= 2):
                return str(int(value))
            return f"{value:.3f}" if value == 0 or abs(value) >= 0.0005 else f"{value:.0e}"
        return shown(value, LINE)

    counting = [column in NUMBERED for column in table]  # numbers, where an empty cell makes fractions of them
    rows = [list(map(text, row, counting)) for row in table.head(limit or len(table)).itertuples(index=False)]
    numeric = [pd.api.types.is_numeric_dtype(kind) for kind in table.dtypes]
    return Table([str(column).replace("_", " ") for column in table.columns], rows, numeric, len(table) - len(rows))


def _best_of(best: pd.DataFrame, property_name: str, metric: str, titles: Mapping[str, str]) -> Table:
    chosen = best[(best["property"] == property_name) & (best["metric"] == metric)]
    chosen = chosen.assign(model=chosen["model"].map(lambda name: titles.get(name, name)))
    columns = [column for column in chosen.columns if column not in ("property", "metric", "kept_x", "kept_y")]
    if not chosen["reason"].any():
        columns.remove("reason")
    return _shown(chosen[columns])


def _comparison(table: pd.DataFrame, metrics: Mapping[str, str], titles: Mapping[str, str]) -> Table:
    """What is correlated and recommended, by the metric shown of each property and by the learned weights."""
    chosen = table[(table["metric"] == table["property"].map(metrics)) | (table["property"] == WEIGHTS)]
    chosen = chosen.assign(model=chosen["model"].map(lambda name: titles.get(name, name)))
    columns = [
        *("model", "task", "source", "property", "spearman", "spearman_low", "spearman_high", "pearson"),
        *("recommended", "best", "regret", "against_weighted", "against_last", "best_against_weighted", "reason"),
    ]
    return _shown(chosen[columns], limit=LONGEST)


def _layer_pairs(table: pd.DataFrame, metrics: Mapping[str, str], titles: Mapping[str, str]) -> Table:
    chosen = table[(table["metric"] == table["question"].map(metrics)) | (table["kind"] == TASK)]
    chosen = chosen.assign(model=chosen["model"].map(lambda name: titles.get(name, name)))
    columns = [name for name in chosen if name not in ("kind", "alignments")]
    if not chosen["reason"].any():
        columns.remove("reason")
    return _shown(chosen[columns], limit=LONGEST)


def _findings(table: pd.DataFrame, titles: Mapping[str, str]) -> list[dict]:
    """Each finding: its sentence, the criteria, how many verdicts there are of each kind, and the table of them."""
    criteria = read_criteria(CRITERIA)
    sections = []
    for number, says in criteria.says.items():
        chosen = table[table["finding"] == number]
        named = {name: chosen[name].map(lambda model: titles.get(model, model)) for name in ("model", "other")}
        chosen = chosen.assign(**named).drop(columns="finding")
        columns = [name for name in chosen if (chosen[name] != "").any()]
        counts = chosen["verdict"].value_counts()
        sections.append(
            {
                "number": number,
                "says": says,
                "thresholds": {
                    f"{name} = {value:g}": criteria.means[number][name]
                    for name, value in criteria.thresholds[number].items()
                },
                "verdicts": ", ".join(f"{verdict}: {count}" for verdict, count in counts.items()),
                "table": _shown(chosen[columns]),
            }
        )
    return sections


def _missing(table: pd.DataFrame | None, property_name: str) -> str:
    """How many rows had no target, of the sample set that lacks most; "": all had one."""
    if table is None:
        return ""
    chosen = table[table["property"] == property_name]
    if not (chosen[MISSING] > 0).any():
        return ""
    worst = chosen.loc[chosen[MISSING].idxmax()]
    missing, rows = int(worst[MISSING]), int(worst[MISSING] + worst[COUNTS[0]])
    return f"{missing:,} of {rows:,} rows of a sample set ({missing / rows:.1%}) have no target and are left out."


def _incomplete(scores: pd.DataFrame, pairs: pd.DataFrame | None, status: str, titles: Mapping[str, str]) -> Table:
    """Skipped or flagged scores: a row per property, model and reason, its layers in short."""
    columns = ["property", "model", "layer", "status", "reason"]
    chosen = pd.concat([table[columns] for table in (scores, pairs) if table is not None])
    chosen = chosen[chosen["status"] == status]
    rows = [
        {"property": name, "model": titles.get(model, model), "layers": layer_ranges(group["layer"]), "reason": reason}
        for (name, model, reason), group in chosen.groupby(["property", "model", "reason"], sort=False)
    ]
    return _shown(pd.DataFrame(rows, columns=["property", "model", "layers", "reason"]), limit=LONGEST)


def _problems(path: AnyPath) -> Table:
    """A CSV file with any columns; one without a byte is a table without rows."""
    if Path(path).stat().st_size == 0:
        return _shown(pd.DataFrame())
    return _shown(read_csv_table(path), limit=LONGEST)


def _changed(path: AnyPath) -> list[str]:
    """How many labels of each tier were dropped, or put into lower case."""
    table = read_csv_table(path, ["tier", "change", "label", "intervals"], ["tier", "change", "label"])
    return [
        f"{tier}: {change} {group['intervals'].sum():,} intervals, {len(group):,} labels"
        for (tier, change), group in table.groupby(["tier", "change"], sort=False)
    ]


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
