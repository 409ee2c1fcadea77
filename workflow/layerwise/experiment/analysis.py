"""An experiment in memory: `layerwise.analyse` asks of one model and some speech what the workflow asks of a corpus."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from layerwise.alignments.marks import marks_of
from layerwise.alignments.phones import phone_set
from layerwise.cells import SKIPPED, SPEAKERS
from layerwise.constants import SAMPLE_RATE
from layerwise.corpus.layouts import layout_of
from layerwise.errors import LayerwiseError, did_you_mean
from layerwise.experiment.configuration.folds import speakers_apart
from layerwise.experiment.configuration.schema import SCHEMAS, check_schema, read_catalogue, with_defaults
from layerwise.experiment.given_questions import Asked, Given, asked_of_one_model, files_beside, read_given_tables
from layerwise.experiment.given_speech import Speech, write_speech
from layerwise.experiment.samples.chosen import read_and_choose
from layerwise.experiment.samples.sizes import given_sizes, spelled_out
from layerwise.files.catalogues import locate, read_yaml
from layerwise.layers import is_transformer
from layerwise.models.by_name import load
from layerwise.models.devices import any_device, one_thread
from layerwise.models.speech_model import SpeechModel
from layerwise.representations.extract import extract
from layerwise.sampling import draw_sample_tables
from layerwise.scoring.folds import trials
from layerwise.scoring.properties import Property
from layerwise.scoring.score import score_layers
from layerwise.scoring.settings import ScoreSettings
from layerwise.spans import BY_TABLE, STANDARD, Rows
from layerwise.tables.intervals import has_jackknife
from layerwise.tables.scores import collect_scores
from layerwise.tables.trends import read_trends, summarise_trends

_SCHEMA = "config.schema.yaml"
_LAYOUT = "librispeech"  # the workflow's where nothing is said: names of tiers, phones, words in lower case


class AnalysisError(LayerwiseError):
    """What was asked of a model cannot be answered; the message says what would be right."""


def analyse(
    model: str | Path | SpeechModel,
    utterances: Mapping[str, np.ndarray] | pd.DataFrame,
    intervals: pd.DataFrame | None = None,
    properties: Sequence[str] | Mapping[str, Mapping | None] = ("intra", "mel", "phone", "word"),
    *,
    name: str | None = None,
    layers: str | Sequence[str] = "all",
    samples: Mapping | str | None = None,
    cca: Mapping | None = None,
    representations: Mapping | None = None,
    strict: bool = False,
    phones: str | Mapping[str, str | None] = "arpabet",
    word_list: Path | None = None,
    sample_rate: int = SAMPLE_RATE,
    device: str | None = None,
    threads: int = 1,
) -> pd.DataFrame:
    """What each layer of a model knows, from waveforms and intervals in memory.

    The stages are the workflow's own, one after the other in a temporary folder: the same speech and the same settings
    give the same numbers as `snakemake`, in the same columns as tables/trends.csv.

    Args:
        model: a name of the catalogue, a checkpoint folder or file, a Hugging Face id, or what `layerwise.models.load`
            returned.
        utterances: id → waveform, (samples,) floats from -1 to 1; or a DataFrame with the columns `utterance_id`,
            `waveform` and `speaker_id`. Without speakers all utterances count as one speaker's: the chance level of
            frames exchanges utterances, not speakers, and neither folds nor intervals can be by speaker.
        intervals: columns `utterance_id`, `tier` (`phone`, `word`, or what TextGrids call them), `label`, `start`,
            `end` (seconds), cleaned as the workflow does. None: there are none, and none of the properties needs them.
        properties: names of resources/properties.yaml, such as `phone`; or name → entry with the same fields, and None
            for a name of that file.
        name: of the model, in the table. None: its source.
        layers, samples, cca, representations, strict: as in the configuration, with its defaults for missing keys.
            `samples="auto"`: sizes that fit this speech.
        phones: the phone set: a name in resources/phones.yaml (`keep`: labels as they are), or label → phone.
        word_list: a file of words, the most frequent first. None: words are ranked by `intervals`.
        sample_rate: of the waveforms. Others than 16 kHz are resampled, as the workflow does.
        device: None: a GPU where there is one.
        threads: utterances in work at a time, on a CPU. No number depends on it.

    Returns:
        A row for each property, layer and metric: mean over sample sets and trials, interval, chance level, counts.

    Raises:
        AnalysisError: an unknown property or layer, a property that needs another model, or every score was skipped:
            the message has the reason.
        SpeechError: utterances or intervals are not as expected.
        ConfigurationError: a wrong key or value of `samples`, `cca` or `representations`.
        LayerwiseError: what the stages refuse.
    """
    sections = {"samples": samples, "cca": cca, "representations": representations}
    settings = _settings(
        {key: value if isinstance(value, str) else dict(value) for key, value in sections.items() if value is not None}
        | {"extra_properties": _own(properties)}
        | {"properties": list(properties), "layers": layers if isinstance(layers, str) else list(layers)}
        | {"strict": strict}
    )
    asked = _asked(settings)
    _require_intervals(asked, intervals)
    has_speakers = isinstance(utterances, pd.DataFrame) and "speaker_id" in utterances
    if settings["cca"]["folds_by"] == "speaker" and not has_speakers:
        raise AnalysisError("cca.folds_by: speaker needs to know who speaks, and utterances have no column speaker_id")
    layout = layout_of(read_catalogue("layouts.yaml")[_LAYOUT])
    with tempfile.TemporaryDirectory(prefix="layerwise-") as temporary, one_thread():
        if not isinstance(model, SpeechModel):
            name = name or (Path(model).name if locate(str(model)).exists() else str(model))
            model = load(model, device or any_device())
        layers_of = _layers_asked(settings, asked, model)
        folder = Path(temporary)
        speech = write_speech(
            utterances,
            intervals,
            folder,
            tier_names=layout.tiers,
            phones=phone_set(phones, read_catalogue("phones.yaml")),
            marks=marks_of({}, read_catalogue("marks.yaml")),
            sample_rate=sample_rate,
        )
        drawn = _draw(speech, settings["samples"], word_list, folder)
        tables = read_given_tables(asked, speech, folder)
        rows = dict.fromkeys([*STANDARD.values(), *(each.question.rows for each in asked.values())])
        _extract(model, drawn, speech, settings, list(rows), tables, folder / "0.h5", threads)
        files = _score(name or "model", asked, layers_of, Given(speech, drawn, tables, folder), settings)
        return _summarised(
            name or "model", model, {key: each.question for key, each in asked.items()}, files, settings, folder
        )


def _own(properties: Sequence[str] | Mapping[str, Mapping | None]) -> dict:
    """The entries of properties that are not in the catalogue."""
    if not isinstance(properties, Mapping):
        return {}
    return {name: dict(entry) for name, entry in properties.items() if entry is not None}


def _settings(asked: dict) -> dict:
    """What was asked for, checked as a configuration is, with the defaults of one."""
    check_schema(asked, _SCHEMA)
    settings = with_defaults(spelled_out(asked), read_yaml(SCHEMAS / _SCHEMA))
    cca = settings["cca"]
    trials(cca["folds"], cca["trials"], settings["samples"]["seed"], 1)  # refuses more than folds allow
    if errors := speakers_apart(cca):
        raise AnalysisError(errors[0])
    return settings


def _asked(settings: dict) -> dict[str, Asked]:
    """The properties that are asked, by name."""
    asked, errors = asked_of_one_model(settings)
    if errors:
        raise AnalysisError(errors[0])
    return asked


def _require_intervals(asked: Mapping[str, Asked], intervals: pd.DataFrame | None) -> None:
    needing = [each.question for each in asked.values() if each.needs_intervals]
    if needing and intervals is None:
        of = needing[0].target.name if needing[0].rows.of == "frame" else f"{needing[0].rows.of}s"
        raise AnalysisError(f"properties: {needing[0].name} is asked of {of}, and intervals is None")


def _layers_asked(settings: dict, asked: Mapping[str, Asked], model: SpeechModel) -> dict[str, list[str]]:
    """Property → the layers that it is asked of, in order of depth."""
    chosen = model.layer_names if settings["layers"] == "all" else settings["layers"]
    for layer in chosen:
        if layer not in model.layer_names:
            raise AnalysisError(
                f"layers: the model has no layer {layer}{did_you_mean(model.layer_names, layer)}; it has "
                f"{', '.join(model.layer_names)}"
            )
    found = {
        name: [layer for layer in each.question.layers(model.layer_names) if layer in chosen]
        for name, each in asked.items()
    }
    for name, layers in found.items():
        if not layers:
            raise AnalysisError(f"layers: {name} is asked of none of {', '.join(chosen)}, but of T layers")
    return found


def _draw(speech: Speech, sizes: dict, word_list: Path | None, folder: Path) -> dict[int, Path]:
    """Sample → the folder of its tables."""
    drawn = {}
    chosen = read_and_choose(speech.utterances, speech.intervals, given_sizes(sizes), word_list).sizes
    for sample in range(1, sizes["count"] + 1):
        drawn[sample] = folder / "samples" / str(sample)
        drawn[sample].mkdir(parents=True)
        draw_sample_tables(
            speech.utterances,
            speech.intervals,
            sample=sample,
            seed=sizes["seed"],
            sizes=chosen,
            out={table: drawn[sample] / f"{table}.parquet" for table in BY_TABLE},
            word_list=word_list,
        )
    return drawn


def _extract(
    model: SpeechModel,
    drawn: dict[int, Path],
    speech: Speech,
    settings: dict,
    rows: list[Rows],
    tables: Mapping[str, Path],
    out: Path,
    threads: int,
) -> None:
    stored = settings["representations"]
    extract(
        model,
        drawn,
        speech.utterances,
        speech.audio,
        out,
        layers=model.layer_names,
        stride_seconds=model.stride_seconds,
        dtype=stored["dtype"],
        batch_seconds=stored["batch_seconds"],
        compute=stored["compute"],
        device=model.device,
        threads=threads,
        rows=rows,
        tables=tables,
    )


def _score(
    name: str, asked: Mapping[str, Asked], layers_of: Mapping[str, list[str]], given: Given, settings: dict
) -> list[Path]:
    """The files of scores."""
    cca = settings["cca"]
    how = ScoreSettings(
        **{key: cca[key] for key in ("folds", "trials", "folds_by", "standardise", "epsilons", "intervals")},
        seed=settings["samples"]["seed"],
    )
    files = []
    with threadpool_limits(1):  # as a score job: what a sum rounds to may depend on the number of threads
        for key, each in asked.items():
            for sample in given.samples:
                files.append(given.folder / f"{key}-{sample}.json")
                score_layers(
                    [given.folder / "0.h5"],
                    each.question,
                    name,
                    sample,
                    layers_of[key],
                    how,
                    files[-1],
                    **files_beside(each, sample, given),
                )
    return files


def _summarised(
    name: str, model: SpeechModel, asked: Mapping[str, Property], files: list[Path], settings: dict, folder: Path
) -> pd.DataFrame:
    """The table of trends."""
    scores, trends = folder / "scores.csv", folder / "trends.csv"
    again = folder / "jackknife.csv" if settings["cca"]["intervals"] == SPEAKERS else None
    blocks = sum(map(is_transformer, model.layer_names)) - 1
    metrics = {key: question.measure.metrics for key, question in asked.items()}
    own_folds = [key for key, each in asked.items() if not has_jackknife(each, settings["cca"]["folds_by"])]
    collect_scores(files, metrics, list(asked), [name], {name: blocks}, scores, settings["strict"], again, own_folds)
    summarise_trends(scores, settings["cca"]["folds"], trends, again)
    found = read_trends(trends)
    if (found["status"] == SKIPPED).all():
        raise AnalysisError(f"every score was skipped: {'; '.join(found['reason'].unique())}")
    return found
