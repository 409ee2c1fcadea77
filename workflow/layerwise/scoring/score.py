"""The job that scores: reads representations, and writes one record a layer.

Of itself it imports neither pandas nor torch nor scipy's statistics: a start costs more than most scores. What a
measure needs, its module imports.
"""

from __future__ import annotations

import importlib
import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np

from layerwise.cells import GIVEN
from layerwise.files.atomic import replaced
from layerwise.progress import ProgressLine
from layerwise.representations import store
from layerwise.scoring.properties import Property
from layerwise.scoring.rows import Beside, LayerRows, ReadFile
from layerwise.scoring.settings import ScoreSettings

log = logging.getLogger(__name__)


def score_layers(
    representations: Iterable[Path],
    question: Property,
    model: str,
    sample: int,
    layers: Sequence[str],
    settings: ScoreSettings,
    out: Path,
    alignments: str = GIVEN,
    acoustics: Path | None = None,
    targets: Path | None = None,
    other: Iterable[Path] = (),
    other_layers: Sequence[str] = (),
    intervals: Path | None = None,
    files: Iterable[ReadFile] = (),
) -> None:
    """Score some layers of one model on one property and sample set, and write a record for each as JSON.

    Args:
        representations: the shards of the model that have the rows of the question, in any order.
        alignments: `given` or `automatic`, kept with the record.
        acoustics, targets: what the target of the question comes from, where it is neither in the representations.
        other: the shards of the other model that the question compares with.
        intervals: where phones and words lie in the utterances of frame rows.
        files: what the target reads as it is: items, ratings or pairs.
        other_layers: its layers, where each layer is compared with every one of them: then each pair has a record.
    """
    settings = settings.of(question)
    with ExitStack() as stack:
        shards = stack.enter_context(store.reading(representations))
        others = [Path(path) for path in other]
        theirs = stack.enter_context(store.reading(others)) if others else ()
        beside = Beside(acoustics, targets, theirs, intervals, tuple(files))
        score = importlib.import_module(question.measure.module).score
        questions = _questions(question, other_layers)
        unit = "pairs of layers" if question.is_matrix else "layers"
        progress = ProgressLine("scoring", len(layers) * len(questions), unit)
        records = []
        for layer in layers:
            for asked in questions:
                record = {
                    "property": question.name,
                    "model": model,
                    "layer": layer,
                    "sample": sample,
                    "alignments": alignments,
                } | ({"other_layer": asked.target.layer} if question.is_matrix else {})
                records.append(record | score(LayerRows(shards, asked, sample, layer, beside), settings))
                log.info("%s: %s %s", layer, records[-1]["status"], records[-1]["reason"] or _summary(records[-1]))
                progress.add()
    with replaced(out) as temporary:
        temporary.write_text(json.dumps({"records": records}, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def _questions(question: Property, other_layers: Sequence[str]) -> list[Property]:
    """A question of every layer of another model as one question for each."""
    if not question.is_matrix:
        return [question]
    return [replace(question, target=replace(question.target, layer=layer)) for layer in other_layers]  # type: ignore[type-var]


def _summary(record: Mapping) -> str:
    parts = []
    for name in record["trials"][0]["metrics"]:
        score, chance = (np.mean([trial[of][name] for trial in record["trials"]]) for of in ("metrics", "chance"))
        parts.append(f"{name} {score:.4f} (chance {chance:.4f})")
    return ", ".join(parts)
