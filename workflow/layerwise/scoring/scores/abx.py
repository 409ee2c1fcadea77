"""ABX of a layer's frames: items from the alignments of the sample, or from a file."""

from __future__ import annotations

import numpy as np

from layerwise.scoring.measures.abx import abx_cells
from layerwise.scoring.measures.abx_cells import Cells
from layerwise.scoring.measures.abx_items import Items, items_of_located, read_items, shuffled_phones
from layerwise.scoring.records import counts_of, scored, skipped, trial_of
from layerwise.scoring.refusals import RefusedScoreError
from layerwise.scoring.rows import LayerRows
from layerwise.scoring.settings import ScoreSettings
from layerwise.scoring.utterance_frames import UtteranceFrames


def score(asked: LayerRows, settings: ScoreSettings) -> dict:
    """Counts, status, reason and the one trial of a layer: nothing is fitted."""
    counts = counts_of(asked)
    try:
        frames = UtteranceFrames(asked)
        items, missing = _items(asked, frames)
        counts = counts_of(
            asked,
            n_rows=len(items),
            n_missing=missing,
            n_types=len(np.unique(items.phone)),
            n_speakers=len(np.unique(items.speaker)),
        )
        option = asked.question.measure.options
        names = ("speaker", "context", "distance", "pooling")

        def cells_of(of: Items) -> Cells:
            return abx_cells(
                frames,
                of,
                *(option[name] for name in names),
                max_size_group=option["max_size_group"] or None,
                max_x_across=option["max_x_across"] or None,
                seed=settings.seed,
                stride_seconds=frames.stride_seconds,
            )

        cells = cells_of(items)
        interval = cells.interval(settings.seed)
        shuffled = shuffled_phones(items, option["context"], settings.seed, asked.sample, asked.question.name)
        by_chance = cells_of(shuffled).error_rate
    except RefusedScoreError as error:
        return skipped(asked, counts, error)
    trial = trial_of(
        {"abx_error": cells.error_rate},
        {"abx_error": by_chance},
        n_train=0,
        n_test=int(cells.size.sum()),
        intervals={"abx_error": interval} if interval else {},
    )
    return scored(counts, [trial])


def _items(asked: LayerRows, frames: UtteranceFrames) -> tuple[Items, int]:
    """The items of utterances that have frames, and how many others a file lists."""
    if asked.beside.files:
        (file,) = asked.beside.files
        items = read_items(file.path)
        there = np.isin(items.file, frames.names)
        if not there.any():
            raise RefusedScoreError(
                f"none of the {len(items)} items of {file.path} is of an utterance of this sample, such as "
                f"{frames.names[0]}; the first is of {items.file[0]}"
            )
        return items.where(there), int((~there).sum())
    located = asked.located()
    there = np.isin(located.utterances[located.utterance], frames.names)
    return items_of_located(located, asked.question.measure.options["span"], there), 0
