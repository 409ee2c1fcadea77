"""A whole configuration: its shape by the schema, its meaning by code, before any job runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from layerwise.addresses import hidden_in
from layerwise.alignments.marks import Marks
from layerwise.alignments.phones import PhoneSet
from layerwise.cells import AUTOMATIC, GIVEN
from layerwise.experiment.configuration.corpus import (
    absent_tiers,
    corpus_facts,
    corpus_sources,
    layout_of_corpus,
    marks_of_layout,
    part_of_corpus,
    phones_of_corpus,
    word_splits_of,
    wrong_pronunciations,
)
from layerwise.experiment.configuration.figures import Shown, shown_in_paper
from layerwise.experiment.configuration.folds import impossible_folds, impossible_own_folds, unlearnable
from layerwise.experiment.configuration.layering import FROM, on_top_of_each_other, with_base
from layerwise.experiment.configuration.layers import absent_layers, impossible_pairs, layer_pairs_of
from layerwise.experiment.configuration.metadata import MetadataSources, metadata_of_corpus
from layerwise.experiment.configuration.models import MODELS, chosen_models, clashing
from layerwise.experiment.configuration.other_corpus import (
    default_questions,
    is_for_another,
    no_models,
    without_its_choices,
)
from layerwise.experiment.configuration.paths import crooked_mirrors, paths_with_wildcards
from layerwise.experiment.configuration.problems import ConfigurationError, listed, repeated, unknown
from layerwise.experiment.configuration.properties import (
    chosen_properties,
    impossible_properties,
    key_of,
    layers_asked,
)
from layerwise.experiment.configuration.read_files import NamedSource, chosen_read_files
from layerwise.experiment.configuration.schema import (
    check_schema,
    from_command_line,
    read_catalogue,
    schema_of,
    with_defaults,
)
from layerwise.experiment.configuration.segments import absent_columns, columns_named
from layerwise.experiment.configuration.sources import Source
from layerwise.experiment.configuration.tasks import chosen_tasks
from layerwise.experiment.configuration.vectors import WordFile, chosen_word_files
from layerwise.experiment.samples.sizes import spelled_out
from layerwise.files.catalogues import CatalogueError, locate, require_bounded
from layerwise.files.limits import Limit
from layerwise.models.catalogue import ModelEntry
from layerwise.probes.tasks import TaskEntry
from layerwise.scoring.metrics import METRICS, OF_OTHERS
from layerwise.scoring.properties import Property
from layerwise.spans import SPANS

# Jobs that score or extract: fifty models with 49 layers, four properties and ten sample sets have 98,000 of them, for
# which Snakemake takes minutes and gigabytes.
_JOBS = Limit("LAYERWISE_MAX_JOBS", 500_000, "jobs")


@dataclass(frozen=True)
class Experiment:
    """A configuration that makes sense, with what its names mean.

    Attributes:
        config: the configuration with every default filled in.
        models: entries of the chosen models by name, in order, but for those in `absent`; their titles differ.
        entries: what the chosen properties say, in order, with the fields of resources/properties.yaml.
        properties: what they mean.
        word_files: where words are looked up, by the name of the property.
        read_files: what the measure of a property reads as it is, likewise.
        parents: entries of models that random weights are like, and whose checkpoints have to be read for that.
        names: what stands under `models` → the model's name.
        audio, alignments: where the corpus comes from; the same where the alignments lie beside the recordings, and
            alignments None where they are made here, or there are none.
        layout: how it lies, with the fields of resources/layouts.yaml.
        phones: what the labels of its phones mean.
        marks: which of its labels are no speech.
        metadata: tables of the corpus's speakers and utterances.
        part: which of its recordings are taken, with the fields of `layerwise.corpus.parts.Part`.
        word_splits: splits by whose alignments words are ranked; None: they are not, or by the analysed split alone.
        absent: of each model whose files nobody but the user may fetch, and that are not here, what has to be done.
        tasks: entries of the chosen tasks, in order.
        task_sources: where their data comes from: `DATA/FILE` or `CORPUS/SPLIT/audio` → source.
        task_corpora: layout, phone set and marks of each corpus that they use, as plain values.
        in_paper: the models and questions of `figures`.
    """

    config: dict
    models: dict[str, ModelEntry]
    entries: dict[str, dict]
    properties: dict[str, Property]
    word_files: dict[str, WordFile]
    read_files: dict[str, list[NamedSource]]
    parents: dict[str, ModelEntry]
    names: dict[str, str]
    audio: Source
    alignments: Source | None
    layout: dict
    phones: PhoneSet
    marks: Marks
    metadata: MetadataSources
    part: dict
    word_splits: list[str] | None
    absent: list[str]
    tasks: dict[str, TaskEntry]
    task_sources: dict[str, Source]
    task_corpora: dict[str, dict]
    in_paper: Shown

    @property
    def word_list(self) -> Path | None:
        """The user's own list of words; None: there is none, or no question is about words."""
        given = self.config["corpus"]["word_list"]
        return locate(given) if isinstance(given, str) and "word" in self.spans else None

    @property
    def spans(self) -> set[str]:
        """Names of the spans that questions are about."""
        return {question.rows.span.name for question in self.properties.values() if question.rows.span}

    @property
    def part_lists(self) -> list[Path]:
        """The user's files of speakers and recordings that are taken."""
        return [Path(self.part[key]) for key in ("speakers", "utterances") if isinstance(self.part[key], str)]

    @property
    def alignments_are(self) -> str:
        """`given` or `automatic`: the mark of every score and table."""
        return AUTOMATIC if self.config["corpus"]["alignments"] == AUTOMATIC else GIVEN

    @property
    def pronunciations(self) -> Path | None:
        """The file of pronunciations that automatic alignments may use."""
        given = self.config["corpus"]["pronunciations"]
        return None if given is None else locate(given)

    @property
    def choices(self) -> dict:
        """The configuration without what no result depends on: how the same files are had, and what is kept of them.

        Nor has it what is secret of addresses.
        """
        choices: dict[str, Any] = {
            key: hidden_in(value) for key, value in self.config.items() if key not in ("mirrors", "figures", FROM)
        }
        return choices | {"corpus": {key: value for key, value in choices["corpus"].items() if key != "keep"}}

    def needs_metadata(self, property_name: str) -> bool:
        """Whether a property is about a column that only the tables of speakers and utterances have."""
        return bool(self.metadata.joined.keys() & columns_named(self.entries[property_name]["target"]))

    @property
    def layer_pairs(self) -> list[list[str]]:
        """The pairs of layers that a paired test compares."""
        return layer_pairs_of(self.config["compare"])

    def layers(self, property_name: str, model: str) -> list[str]:
        """The layers of a model that a property is scored on, in order of depth."""
        return self.layers_of(property_name, self.models[model])

    def layers_of(self, property_name: str, entry: ModelEntry) -> list[str]:
        """The same of a model whose layers have become known since."""
        question = self.properties[property_name]
        other = self.models[question.target.other_model] if question.target.other_model else None
        names = layers_asked(question, entry, other)
        return names if self.config["layers"] == "all" else [name for name in names if name in self.config["layers"]]


def read_experiment(*configs: dict) -> Experiment:
    """Check a configuration and resolve its names.

    Args:
        configs: each changes those before. `from` in one names a file that comes before it (`with_base`). What the
            first chooses for its own corpus does not count for another one (`without_its_choices`).

    Raises:
        ConfigurationError: all that is wrong with the shape, or else all that is wrong with the meaning.
    """
    schema = schema_of("config.schema.yaml")
    for changes in configs:
        require_bounded(changes, "the configuration", ConfigurationError)
    defaults, *changed = (with_base(changes) if isinstance(changes, dict) else changes for changes in configs)
    asked = on_top_of_each_other(changed)
    is_other = is_for_another(defaults, asked)
    config: Any = on_top_of_each_other([without_its_choices(defaults, asked), *changed])
    config = from_command_line(config, schema)
    check_schema(config, "config.schema.yaml")
    config = with_defaults(spelled_out(config), schema)
    for key in ("models", "extra_models"):
        MODELS.require(len(config[key]), key, ConfigurationError)
    catalogue = read_catalogue("models.yaml")
    corpora, pretraining = read_catalogue("corpora.yaml"), read_catalogue("pretraining.yaml")["settings"]
    layout, layout_errors = layout_of_corpus(config["corpus"], corpora)
    if is_other and "properties" not in asked and not layout_errors:
        config["properties"] = default_questions(config["properties"], layout)
    errors = [
        *(no_models(asked) if is_other else []),
        *unknown("metric", [config["metric"]], [*METRICS, *OF_OTHERS], "a metric"),
        *unknown("pretrain.setting", [config["pretrain"]["setting"]], pretraining, "a setting of pretraining.yaml"),
        *repeated("models", config["models"]),
        *clashing("extra_models", config["extra_models"], catalogue),
        *impossible_folds(config, corpora),
        *crooked_mirrors(config["mirrors"]),
        *paths_with_wildcards(config),
    ]
    models, parents, names, model_errors = chosen_models(config, catalogue)
    errors += model_errors
    absent = []
    for name, entry in list(models.items()):
        try:
            entry.require_files()
        except CatalogueError as error:
            absent.append(str(error))
            del models[name]
    entries, properties, property_errors = chosen_properties(config)
    word_files, word_file_errors = chosen_word_files(config, entries)
    read_files, read_file_errors = chosen_read_files(config, entries)
    metadata, metadata_errors = metadata_of_corpus(config["corpus"], corpora, layout)
    errors += property_errors + word_file_errors + read_file_errors + metadata_errors
    if not metadata_errors:
        errors += absent_columns({name: key_of(config, name) for name in entries}, entries, metadata.columns)
    errors += impossible_own_folds(config, corpora, properties) + unlearnable(config, entries)
    errors += impossible_properties(config, properties, models) if models else []
    errors += absent_layers(config, models, properties)
    errors += impossible_pairs(config, models, properties)
    in_paper, figure_errors = shown_in_paper(config["figures"], names, models, properties)
    errors += figure_errors
    if not errors:
        _require_plannable(config, models, properties)
    sources, source_errors = corpus_sources(config["corpus"], corpora)
    phones, phone_errors = phones_of_corpus(config["corpus"], layout)
    needs_words = any(question.rows.span is SPANS["word"] for question in properties.values())
    word_splits, word_errors = word_splits_of(config["corpus"], corpora, needs_words=needs_words)
    part, part_errors = part_of_corpus(config["corpus"])
    errors += absent_tiers(config["corpus"], layout, properties) + part_errors
    errors += source_errors + layout_errors + phone_errors + word_errors + wrong_pronunciations(config["corpus"])
    tasks, task_sources, task_errors = chosen_tasks(config, corpora, models)
    errors += task_errors
    if absent and not models:
        errors += absent
    audio = sources.get("audio")
    if errors or audio is None or phones is None:
        raise ConfigurationError(listed(errors))
    return Experiment(
        config,
        models,
        entries,
        properties,
        word_files,
        read_files,
        parents,
        names,
        audio=audio,
        alignments=sources["alignments"],
        layout=layout,
        phones=phones,
        marks=marks_of_layout(layout),
        metadata=metadata,
        part=part,
        word_splits=word_splits,
        absent=absent,
        tasks=tasks,
        task_sources=task_sources,
        task_corpora={task.corpus: corpus_facts(task.corpus, corpora) for task in tasks.values() if task.corpus},
        in_paper=in_paper,
    )


def _require_plannable(config: dict, models: dict[str, ModelEntry], properties: dict[str, Property]) -> None:
    """As far as layers are known before checkpoints have been read."""
    size, shards = config["cca"]["layers_per_job"], config["representations"]["shards"]
    of_a_sample = sum(
        -(-len(question.layers(entry.layers)) // size)
        for entry in models.values()
        if entry.is_planned
        for question in properties.values()
    )
    jobs = config["samples"]["count"] * of_a_sample + shards * len(models)
    _JOBS.require(jobs, "the plan (models, properties, samples.count, representations.shards)", ConfigurationError)
