"""Training of heads on the frozen layers of one model, from the files of a task to the files of its results."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from layerwise.files.atomic import replaced
from layerwise.files.own_tables import ITEMS, read_parquet
from layerwise.layers import WEIGHTED, is_transformer
from layerwise.models.loading import load_folder
from layerwise.probes.answers import Utterances
from layerwise.probes.heads import HEADS
from layerwise.probes.kinds.kind import KINDS
from layerwise.probes.layers import FrozenLayers, KeptLayers, Layers
from layerwise.probes.predictions import write_predictions
from layerwise.probes.records import content_of, predictions_of
from layerwise.probes.sweep import Settings, Sweep

log = logging.getLogger(__name__)

WIDE = 256  # dimensions from which products of linear heads are worth several threads


def train_probes(
    items: Path,
    checkpoint: Path,
    out: Path,
    predictions: Path,
    state: Path,
    *,
    heads: Sequence[str],
    settings: Settings,
    normalise: bool | None = None,
    cache_gb: float = 0.0,
    code: str = "",
    device: str | None = None,
    threads: int = 1,
) -> None:
    """Train heads on the frozen layers of a model, and write what they can do.

    Args:
        items: the task's items.parquet.
        checkpoint: folder of the model.
        out: JSON with a record for each head.
        predictions: Parquet with what each head answered (`layerwise.probes.predictions`).
        state: folder for what a killed run goes on with; removed at the end.
        heads: names of T layers, and `weighted`.
        cache_gb: disk for frames between epochs; means over time are always kept.
        code: changes with the code; a state of other code is not used.
        device: None: `cuda` where there is one.
        threads: on a CPU.

    Raises:
        ProbeError, FrozenError: as the message says.
    """
    started = time.monotonic()
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    torch.backends.cudnn.allow_tf32 = False
    torch.set_num_threads(1)
    table = read_parquet(items, ITEMS)
    model = load_folder(checkpoint, device, normalise)
    blocks = [name for name in model.layer_names if is_transformer(name)]
    layers = blocks if WEIGHTED in heads else [name for name in blocks if name in heads]
    kind = KINDS[settings.kind]
    source: Layers = FrozenLayers(
        model, layers, table["audio_path"], table["num_samples"], table["start"], pooled=kind.pooled, threads=threads
    )
    utterances = Utterances(
        table["part"].to_numpy(str),
        [tuple(target) for target in table["target"]],
        table["num_samples"].to_numpy(),
        list(table["speaker_id"]),
    )
    settled = {"settings": vars(settings), "heads": list(heads), "code": code, "model": _files(Path(checkpoint))}
    fingerprint = hashlib.sha256(json.dumps(settled, sort_keys=True).encode() + Path(items).read_bytes()).hexdigest()
    folder, state = state, state / fingerprint[:12]
    kept = list(range(len(table))) if kind.pooled else np.flatnonzero(utterances.parts != "test").tolist()
    size = source.estimated_bytes(kept)
    log.info("%d heads on %s; layers of train and dev: %.2f GB", len(heads), device, size / 1e9)
    if kind.pooled or size <= cache_gb * 1e9:
        source = KeptLayers(source, kept, state)
    else:
        log.info("more than probes.cache_gb, %g: layers are computed anew for every batch", cache_gb)
    # Several threads for one operation pay where it is large; for small ones they only wait for each other.
    large = HEADS[kind.head].gains_from_threads and not kind.pooled and source.width >= WIDE
    torch.set_num_threads(threads if large else 1)
    prepared = time.monotonic()
    sweep = Sweep(source, utterances, heads, settings, state / "training.pt", fingerprint, threads)
    sweep.train()
    trained = time.monotonic()
    tested = sweep.test()
    content = content_of(sweep, tested, len(blocks) - 1)
    content["weights"] = tested.weights and dict(zip(layers, tested.weights, strict=True))
    content["seconds"] = {
        "layers": prepared - started,
        "training": sweep.progress.seconds,
        "test": time.monotonic() - trained,
    }
    content["device"] = torch.device(device).type
    write_predictions(table.iloc[utterances.rows("test")], predictions_of(settings, tested), predictions)
    with replaced(out) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)


def _files(folder: Path) -> list[tuple[str, int, int]]:
    """What changes when a checkpoint does."""
    files = sorted(folder.iterdir()) if folder.is_dir() else [folder]
    return [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in files if path.is_file()]
