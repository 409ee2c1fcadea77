"""From audio to representations: one forward pass per utterance serves every layer, span and sample set."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from layerwise import __version__
from layerwise.constants import MEL_SECONDS, SAMPLE_RATE
from layerwise.corpus.times import comparable
from layerwise.corpus.waveforms import read_waveform
from layerwise.errors import LayerwiseError
from layerwise.files.disk_space import require_space
from layerwise.layers import FIRST, is_transformer
from layerwise.models.batches import BATCH_SECONDS, computed_together, padded_batches
from layerwise.models.devices import InHalves
from layerwise.models.loading import load_folder
from layerwise.models.speech_model import SpeechModel
from layerwise.progress import ProgressLine
from layerwise.representations import layout
from layerwise.representations.features import average_segments, average_windows, log_mel, match_frames
from layerwise.representations.plan import Plan, drawn_rows, plan_of
from layerwise.representations.size import Drawn, LayerSize, representation_bytes
from layerwise.representations.writer import RepresentationWriter, writing
from layerwise.sampling import segment_frames
from layerwise.spans import FRAME, STANDARD, Rows
from layerwise.workers import Workers

log = logging.getLogger(__name__)

LOOK_AHEAD = 4  # batches whose utterances are sorted by length together, and held until they are in order again


class ExtractionError(LayerwiseError):
    """An utterance cannot be turned into representations; the message names it."""


def extract(
    checkpoint: Path | SpeechModel,
    samples: dict[int, Path],
    utterances: Path,
    audio_root: Path,
    out: Path,
    *,
    layers: list[str],
    stride_seconds: float,
    dtype: str = "float16",
    shard: int = 0,
    shards: int = 1,
    normalise: bool | None = None,
    batch_seconds: float | None = None,
    compute: str = "float32",
    attributes: dict | None = None,
    device: str | None = None,
    threads: int = 1,
    rows: Iterable[Rows] = tuple(STANDARD.values()),
    tables: Mapping[str, Path] | None = None,
) -> None:
    """Write one shard of a model's representations.

    Every utterance of any sample set is passed through the model once, several of them together where that is faster;
    the file has them in the order of the table. Frames are written for the samples that drew the utterance, and means
    over segments for the phones, words and whole utterances of every sample.

    Args:
        checkpoint: folder of the model, or a model that has been loaded.
        samples: sample number → folder with the tables of its spans.
        utterances: the corpus table, for the paths of the audio below `audio_root`.
        layers, stride_seconds: as the catalogue has them; checked against the checkpoint.
        dtype: `float16` or `float32`, of the stored rows.
        batch_seconds: of audio that pass through the model together, padding included, unless one utterance is longer;
            0: one utterance at a time. None: as `BATCH_SECONDS` has it for the device.
        compute: `float32` or `bfloat16`, of the matrix products in the transformer blocks.
        attributes: facts to keep with the file (model, corpus, seed, …).
        device: None: `cuda` where there is one.
        threads: on a CPU, utterances (or batches) in work at a time. Each one is computed by one thread: that is faster
            than several threads for one utterance, and the numbers do not depend on how many there are.
        rows: what is written: those of every experiment, or others, which then lie in a file of their own.
        tables: name of a user's table of segments → the table, as `layerwise.segments` has read it.

    Raises:
        ExtractionError: audio that cannot be read or is too short; a model with other layers than promised; an
            utterance for which alone the device has too little memory. Batches that are too large are halved.
        DiskSpaceError: the disk cannot hold the file; said before any utterance is computed.
    """
    # One thread while loading: sums in weight conversion must not depend on the number of threads.
    torch.set_num_threads(1)
    torch.backends.cudnn.allow_tf32 = False  # the default on recent GPUs: convolutions with ten bits of mantissa
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    model = checkpoint if isinstance(checkpoint, SpeechModel) else load_folder(checkpoint, device, normalise)
    if model.layer_names != layers:
        raise ExtractionError(
            f"{checkpoint} has the layers {', '.join(model.layer_names)}, the catalogue says {', '.join(layers)}: "
            "conv_layers and blocks must be those of the checkpoint"
        )
    if comparable(model.stride_seconds) != comparable(stride_seconds):
        raise ExtractionError(
            f"{checkpoint} has a frame every {model.stride_seconds} s, the catalogue says {stride_seconds}: "
            "stride_seconds must be that of the checkpoint"
        )
    plan = plan_of(drawn_rows(samples, tuple(rows), tables or {}), utterances, shard, shards)
    if plan.utterances.empty:
        raise ExtractionError(
            f"shard {shard} of {shards} has no utterance: representations.shards must be at most their number"
        )
    require_space(
        Path(out).parent,
        _bytes_of(plan, model, dtype),
        f"shard {shard} of {shards}, the representations of {len(plan.utterances)} utterances,",
        "make room, or ask for less: representations.dtype: float16, fewer models, or smaller numbers under samples",
    )
    facts = {
        "revision": model.origin,
        "stride_seconds": model.stride_seconds,
        "layerwise_version": __version__,
        "shard": shard,
        "shards": shards,
        "compute": compute,
    }
    if batch_seconds is None:
        batch_seconds = BATCH_SECONDS.get(torch.device(device).type, 0)
    log.info(
        "%d utterances, shard %d of %d, on %s in %s, %s",
        len(plan.utterances), shard, shards, device, compute,
        f"batches of {batch_seconds:g} s" if batch_seconds else "one by one",
    )  # fmt: skip
    progress = ProgressLine("extracting", float(plan.utterances["duration"].sum()), "s of audio")
    with writing(out, dtype, {**(attributes or {}), **facts}) as writer:
        run = InHalves(partial(_run, model, Path(audio_root), compute), partial(_computed, model.computed_samples))
        passes = _passes(
            run, _windows(plan.utterances, batch_seconds, model.computed_samples), threads if device == "cpu" else 1
        )
        for done in passes:
            _write_utterance(writer, plan, model, done)
            progress.add(done.seconds)
    log.info("%.1f minutes of audio, %d layers, %s", progress.done / 60, len(layers), out)


def _bytes_of(plan: Plan, model: SpeechModel, dtype: str) -> int:
    """Bytes of the file of a shard."""
    # One frame shows how wide the layers are. Not silence: some models refuse that.
    shortest = model.layers(np.sin(np.arange(model.min_samples, dtype=np.float32)))
    sizes = [
        LayerSize(
            values.shape[1],
            MEL_SECONDS if name in model.windows_10ms else model.stride_seconds,
            segments=is_transformer(name),
        )
        for name, values in shortest.items()
    ]
    mine = set(plan.utterances["utterance_id"])
    drawn = []
    for sample in sorted({*plan.frames, *(sample for sample, _ in plan.segments)}):
        frames = plan.utterances["utterance_id"].isin(plan.frames.get(sample, ()))
        counts = {
            rows.folder: sum(len(table) for name, table in tables.items() if name in mine)
            for (of_sample, rows), tables in plan.segments.items()
            if of_sample == sample
        }
        drawn.append(Drawn(float(plan.utterances.loc[frames, "duration"].sum()), counts))
    return representation_bytes(sizes, drawn, model.stride_seconds, dtype)


@dataclass(frozen=True)
class _Pass:
    """One utterance after its forward pass."""

    row: int  # in the table of utterances
    utterance_id: str
    speaker_id: str
    seconds: float
    blocks: dict[str, np.ndarray]  # T layers, for segments; C layers at their own rate are too large to keep waiting
    frames: _Frames


def _windows(utterances: pd.DataFrame, batch_seconds: float, computed: Callable[[int], int]) -> Iterator[list[list]]:
    """Consecutive utterances, each window divided by `padded_batches`.

    Args:
        computed: samples of an utterance to those that the model computes for it.
    """

    def computed_seconds(seconds: float) -> float:
        return computed(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE

    def divided(window: list) -> list[list]:
        return padded_batches(window, lambda row: row.duration, batch_seconds, computed_seconds)

    window, held = [], 0.0
    for row in utterances.itertuples():
        window.append(row)
        held += row.duration
        if comparable(held) >= comparable(LOOK_AHEAD * batch_seconds):
            yield divided(window)
            window, held = [], 0.0
    if window:
        yield divided(window)


def _computed(computed: Callable[[int], int], batch: list) -> int:
    """Samples that a model computes for a batch, padding included; the longest utterance comes first."""
    return len(batch) * computed(round(batch[0].duration * SAMPLE_RATE))


def _passes(run: Callable[[list], list[_Pass]], windows: Iterable[list[list]], threads: int) -> Iterator[_Pass]:
    """Forward passes in the order of the table, at most a few windows ahead of what has been taken."""
    with Workers(threads) as pool:
        ahead: deque = deque()
        for batches in windows:
            ahead.append([pool.submit(run, batch) for batch in batches])
            if sum(map(len, ahead)) - len(ahead[0]) >= threads:  # the later ones keep all threads busy
                yield from _in_order(ahead.popleft())
        while ahead:
            yield from _in_order(ahead.popleft())


def _in_order(futures: list) -> list[_Pass]:
    return sorted((done for future in futures for done in future.result()), key=lambda done: done.row)


def _run(model: SpeechModel, root: Path, compute: str, batch: list) -> list[_Pass]:
    """The forward passes of a batch, rows of the table of utterances."""

    def passes(batch: list) -> list[_Pass]:
        waveforms = [read_waveform(root / row.audio_path, row.start, row.duration) for row in batch]
        layers = model.layers_of(waveforms, compute)
        return [_finish(model, *parts) for parts in zip(batch, waveforms, layers, strict=True)]

    return computed_together(
        passes,
        batch,
        too_large=lambda row: ExtractionError(
            f"too little memory on the device for {row.utterance_id} alone, of {row.duration:.0f} s: "
            "use a larger GPU, or none (CUDA_VISIBLE_DEVICES=)"
        ),
        at_fault=lambda row, error: ExtractionError(f"{row.utterance_id} ({row.audio_path}): {error}"),
    )


def _finish(model: SpeechModel, row: Any, waveform: np.ndarray, layers: dict[str, np.ndarray]) -> _Pass:
    frames = _Frames.of(model, layers, waveform)
    blocks = {name: values for name, values in layers.items() if is_transformer(name)}
    return _Pass(row.Index, row.utterance_id, row.speaker_id, waveform.size / SAMPLE_RATE, blocks, frames)


def _write_utterance(writer: RepresentationWriter, plan: Plan, model: SpeechModel, done: _Pass) -> None:
    for sample, chosen in plan.frames.items():
        # What a sample did not draw is appended with no rows: every dataset exists in every shard.
        kept = slice(None) if done.utterance_id in chosen else slice(0)
        done.frames.write(writer, sample, kept, done)
    for (sample, rows), tables in plan.segments.items():
        _write_segments(writer, sample, rows, tables.get(done.utterance_id, plan.empty), model, done)


@dataclass(frozen=True)
class _Frames:
    """The frame representations of one utterance, and the mel rows that match them."""

    rows: dict[str, np.ndarray]  # layer → (frames × dimensions)
    grids: dict[str, str]  # layer → suffix of the mel rows and offsets that it goes with
    mel: dict[str, np.ndarray]  # suffix of a grid → mel rows
    definitions: dict[str, str]

    @classmethod
    def of(cls, model: SpeechModel, layers: dict[str, np.ndarray], waveform: np.ndarray) -> _Frames:
        windows = model.windows_10ms
        averaged = windows | model.windows_squeezed
        rows = {
            name: average_windows(values, *averaged[name]) if name in averaged else values
            for name, values in layers.items()
        }
        mel = log_mel(waveform)
        fine = len(rows[next(iter(windows))]) if windows else 0
        return cls(
            rows=rows,
            grids={name: layout.EVERY_10MS if name in windows else layout.TRANSFORMER for name in layers},
            mel={
                layout.TRANSFORMER: match_frames(mel, model.stride_seconds, len(layers[FIRST])),
                layout.EVERY_10MS: match_frames(mel, MEL_SECONDS, fine),
            },
            definitions={
                name: model.definitions[name] + _averaging(averaged.get(name, (1, 1)), name in windows)
                for name in layers
            },
        )

    def write(self, writer: RepresentationWriter, sample: int, kept: slice, done: _Pass) -> None:
        for name, rows in self.rows.items():
            attributes = {"definition": self.definitions[name], "grid": self.grids[name]}
            writer.append(layout.rows_path(sample, FRAME, name), rows[kept], attributes)
        for grid, mel in self.mel.items():
            writer.append(layout.mel(sample, grid), mel[kept])
            writer.extend_borders(layout.borders(sample, grid), [len(mel)][kept])
        for column in layout.NAMES:
            writer.append(layout.rows_path(sample, FRAME, column), np.array([getattr(done, column)])[kept])


def _averaging(window: tuple[int, int], every_10ms: bool) -> str:
    """The end of a definition."""
    if window == (1, 1):
        return ""
    return ", averaged over 25 ms every 10 ms" if every_10ms else f", averaged over {window[0]} frames"


def _write_segments(
    writer: RepresentationWriter,
    sample: int,
    rows: Rows,
    segments: pd.DataFrame,
    model: SpeechModel,
    done: _Pass,
) -> None:
    frames, pooling = len(done.blocks[FIRST]), rows.pooling.name  # type: ignore[union-attr]
    borders = np.array(
        [segment_frames(row.start, row.end, model.stride_seconds, frames, pooling) for row in segments.itertuples()],
        np.int64,
    ).reshape(-1, 2)
    for name, values in done.blocks.items():
        means = average_segments(values, borders[:, 0], borders[:, 1])
        definition = f"{model.definitions[name]}; mean over {rows.averaged}"
        writer.append(layout.rows_path(sample, rows, name), means, {"definition": definition})
    columns = {
        "row": segments.index.to_numpy(np.int64),
        "label": segments["label"].to_numpy(str),
        "start": segments["start"].to_numpy(np.float64),
        "end": segments["end"].to_numpy(np.float64),
        **{name: np.repeat(getattr(done, name), len(segments)) for name in layout.NAMES},
    }
    for name, values in columns.items():
        writer.append(layout.rows_path(sample, rows, name), values)
