"""Training of heads on frozen layers: all heads of a model side by side, on the same batches.

A sweep over layers costs one forward pass for each batch, not one for each layer: that is nearly all of a training, as
heads are small. What a head becomes depends on (seed, task, its name) and the batches, not on which others are trained.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from layerwise.constants import SAMPLE_RATE
from layerwise.errors import LayerwiseError
from layerwise.files.atomic import replaced
from layerwise.files.own_tables import ITEMS, read_parquet
from layerwise.models.speech_model import load_folder
from layerwise.probes.frozen_layers import FrozenLayers, KeptLayers
from layerwise.probes.heads import Batch, Shape, make_heads
from layerwise.probes.metrics import balanced_accuracy, count_errors, count_right, macro_f1, most_frequent
from layerwise.probes.predictions import write_predictions
from layerwise.probes.rates import interval, rate
from layerwise.probes.tasks import HIGHER_IS_BETTER, METRICS, PARTS, WEIGHTED
from layerwise.probes.training_states import read_state, restoring
from layerwise.seeds import generator

log = logging.getLogger(__name__)

# Seconds of audio whose heads are computed together; a batch with more is divided, and its gradients are added up.
PIECE_SECONDS = {"cpu": 120, "cuda": 480}
WIDE = 256  # dimensions from which products of linear heads are worth several threads
STATISTICS_UTTERANCES = 256  # that tell mean and deviation of a layer's frames


class ProbeError(LayerwiseError):
    """Heads cannot be trained; the message names task, model and head."""


@dataclass(frozen=True)
class Settings:
    """How heads are trained; resources/tasks.yaml explains the values of a recipe.

    Attributes:
        task, model: names, for seeds and messages.
        kind: `phones`, `characters` or `labels`.
        seed: of first weights, batches and dropout.
    """

    task: str
    model: str
    kind: str
    seed: int
    steps: int
    batch: int
    learning_rate: float
    clip: float
    projection: int
    evaluate_every: int
    patience: int | None
    checkpoint_every: int
    standardise: bool
    hidden: int = 0
    dropout: float = 0.0

    @property
    def metric(self) -> str:
        return METRICS[self.kind]


@dataclass(frozen=True)
class Utterances:
    """What is to be learned: for each utterance its part, its target (items.parquet) and its length in samples.

    Attributes:
        speakers: who speaks in each; None: not known, and so is one of whom some are "".
    """

    parts: np.ndarray
    targets: Sequence[tuple[str, ...]]
    num_samples: np.ndarray
    speakers: Sequence[str] | None = None

    def rows(self, part: str) -> np.ndarray:
        return np.flatnonzero(self.parts == part)

    def targets_of(self, part: str) -> list[tuple[str, ...]]:
        return [self.targets[row] for row in self.rows(part)]

    def speakers_of(self, part: str) -> list[str] | None:
        """Who speaks in each utterance of a part; None where that is not known of all of them."""
        names = [self.speakers[row] for row in self.rows(part)] if self.speakers is not None else []
        return names if names and all(names) else None


class Answers:
    """Targets as numbers for training, and outputs of heads as answers.

    Labels: for each column the sorted classes that the training part has; others are -1, and never right. Phones and
    characters: 0 is CTC's blank, then the sorted symbols of the training part; others take no part in the loss.
    """

    def __init__(self, kind: str, utterances: Utterances) -> None:
        self.kind = kind
        self._targets = utterances.targets
        train = [self._symbols(row) for row in utterances.rows("train")]
        columns = zip(*train, strict=True) if kind == "labels" else [[s for target in train for s in target]]
        self.classes: list[list[str]] = [sorted(set(column)) for column in columns]
        self._numbers = [
            {name: number for number, name in enumerate(names, start=kind != "labels")} for names in self.classes
        ]

    @property
    def sizes(self) -> tuple[int, ...]:
        """Outputs of a head, for each column."""
        return tuple(len(names) + (self.kind != "labels") for names in self.classes)

    def encoded(self, row: int) -> list[int]:
        """The target of an utterance in numbers."""
        symbols = self._symbols(row)
        if self.kind == "labels":
            return [numbers.get(name, -1) for name, numbers in zip(symbols, self._numbers, strict=True)]
        return [self._numbers[0][name] for name in symbols if name in self._numbers[0]]

    def unseen(self, rows: Sequence[int]) -> int:
        """Utterances with a label (phone, character) that training lacks."""
        known = [set(names) for names in self.classes] if self.kind == "labels" else None
        everything = set(self.classes[0])
        return sum(
            any(s not in k for s, k in zip(self._symbols(row), known, strict=True))
            if known
            else not everything.issuperset(self._symbols(row))
            for row in rows
        )

    def can_be_right(self, rows: Sequence[int]) -> bool:
        """Whether training has all labels, or a phone or character, of one of these utterances."""
        if self.kind == "labels":
            return any(-1 not in self.encoded(row) for row in rows)
        return any(self.encoded(row) for row in rows)

    def counts(self, rows: Sequence[int], answers: Sequence[tuple[str, ...]]) -> np.ndarray:
        """Errors (or hits) and lengths of utterances: (utterances, 2)."""
        said = [self._targets[row] for row in rows]
        return count_right(said, answers) if self.kind == "labels" else count_errors(said, answers)

    def decoded(self, logits: torch.Tensor, lengths: torch.Tensor) -> list[list[tuple[str, ...]]]:
        """The answers of each head for each utterance: the most likely classes, or CTC's most likely path."""
        if self.kind == "labels":
            best = [part.argmax(-1).cpu().numpy() for part in logits.split(list(self.sizes), dim=-1)]
            return [
                [
                    tuple(names[column[head, i]] for names, column in zip(self.classes, best, strict=True))
                    for i in range(logits.shape[1])
                ]
                for head in range(logits.shape[0])
            ]
        paths = logits.argmax(-1).cpu().numpy()  # (heads, utterances, frames)
        return [
            [self._spoken(path[:frames]) for path, frames in zip(head, lengths.tolist(), strict=True)] for head in paths
        ]

    def _symbols(self, row: int) -> Sequence[str]:
        target = self._targets[row]
        return " ".join(target) if self.kind == "characters" else target

    def _spoken(self, path: np.ndarray) -> tuple[str, ...]:
        symbols = [self.classes[0][number - 1] for number, _ in groupby(path.tolist()) if number]
        return tuple("".join(symbols).split()) if self.kind == "characters" else tuple(symbols)


class Tested(NamedTuple):
    """What heads did on the test part, utterances in the order of the table.

    Attributes:
        counts: head → errors (or hits) and lengths, (utterances, 2).
        answers: head → what it answered to each utterance.
        weights: softmax weights of the layers, if `weighted` is one of the heads.
    """

    counts: dict[str, np.ndarray]
    answers: dict[str, list[tuple[str, ...]]]
    weights: list[float] | None


@dataclass
class Progress:
    """Where a training stands.

    Attributes:
        step: updates that were made.
        best: head → its weights when dev was best, with `step`, `value` and `loss` there.
        curves: head → (step, dev value, dev loss) of every look.
        waited: head → looks since its best.
        too_short: training utterances with fewer frames than CTC needs for their target.
        seconds: of training so far.
    """

    step: int = 0
    best: dict[str, dict] = field(default_factory=dict)
    curves: dict[str, list[tuple[int, float, float]]] = field(default_factory=dict)
    waited: dict[str, int] = field(default_factory=dict)
    too_short: list[int] = field(default_factory=list)
    seconds: float = 0.0


class Sweep:
    """Heads of one model for one task, and their training.

    Args:
        source: gives the layers of utterances, as `layerwise.probes.frozen_layers.FrozenLayers` does.
        utterances: what is to be learned; at least one in each part.
        names: of the heads: layers of the source, then `weighted`, or some of these.
        state: file that keeps what has been learned, for a run that is killed; None: nothing is kept.
        fingerprint: what the state depends on; a state with another one is not used.
        threads: on a CPU, LSTM heads in work at a time.

    Raises:
        ProbeError: training lacks everything that dev or test asks for.
    """

    def __init__(
        self,
        source,
        utterances: Utterances,
        names: Sequence[str],
        settings: Settings,
        state: Path | None = None,
        fingerprint: str = "",
        threads: int = 1,
    ) -> None:
        self.source, self.utterances, self.names, self.settings = source, utterances, list(names), settings
        self.answers = Answers(settings.kind, utterances)
        for part in ("dev", "test"):
            rows = utterances.rows(part)
            if len(rows) and not self.answers.can_be_right(rows):
                raise ProbeError(
                    f"{self._where}: nothing that {part} asks for ({settings.kind}) is in training, so no answer could "
                    "be right: divide the utterances otherwise (part, held_out)"
                )
        self.shape = Shape(
            settings.kind,
            tuple(source.layers),
            source.width,
            self.answers.sizes,
            settings.projection,
            settings.hidden,
            settings.dropout,
        )
        self._state, self._fingerprint, self._threads = state, fingerprint, threads
        self._train = utterances.rows("train")
        self._piece_seconds = PIECE_SECONDS.get(torch.device(source.device).type, 120)
        self._centre, self._scale = self._statistics()
        self.progress = Progress()
        self._heads = self._new_heads(self.names)

    # Batches

    def batch_rows(self, step: int) -> np.ndarray:
        """The utterances of an update, in an order that (seed, epoch) decides; an epoch ends with a whole batch."""
        size = min(self.settings.batch, len(self._train))
        per_epoch = len(self._train) // size
        order = self._order(step // per_epoch)
        return order[(step % per_epoch) * size :][:size]

    def _order(self, epoch: int) -> np.ndarray:
        return generator(self.settings.seed, epoch).permutation(self._train)

    def _pieces(self, rows: Sequence[int]) -> list[list[int]]:
        """Rows divided into parts of limited length when padded, the longest first."""
        if self.source.pooled:
            return [list(rows[start : start + 4096]) for start in range(0, len(rows), 4096)]
        samples = self.utterances.num_samples
        pieces: list[list[int]] = []
        for row in sorted(rows, key=lambda row: (-samples[row], row)):
            longest = samples[pieces[-1][0]] if pieces else 0
            if pieces and (len(pieces[-1]) + 1) * longest <= self._piece_seconds * SAMPLE_RATE:
                pieces[-1].append(row)
            else:
                pieces.append([row])
        return pieces

    def batch(self, rows: Sequence[int]) -> Batch:
        """Layers and targets of some utterances, padded by zeros."""
        found = self.source.of(rows)
        device = found[0].device
        targets = [self.answers.encoded(row) for row in rows]
        longest = max(map(len, targets))
        filled = [target + [0] * (longest - len(target)) for target in targets]
        padded = torch.tensor(filled, dtype=torch.long, device=device)
        sizes = torch.tensor([len(target) for target in targets])
        if self.source.pooled:
            frames = (torch.stack(found, 1) - self._centre) * self._scale
            return Batch(frames, torch.ones(len(found), dtype=torch.long), padded, sizes)
        lengths = torch.tensor([values.shape[1] for values in found])
        frames = found[0].new_zeros(len(self.source.layers), len(found), int(lengths.max()), self.source.width)
        for i, values in enumerate(found):
            frames[:, i, : values.shape[1]] = (values - self._centre) * self._scale
        return Batch(frames, lengths, padded, sizes)

    def _statistics(self) -> tuple[torch.Tensor, torch.Tensor]:
        """What brings each dimension of each layer to zero mean and unit variance: (layers, 1, width) each."""
        shape = (len(self.source.layers), 1, self.source.width)
        if not self.settings.standardise:
            return torch.zeros(shape, device=self.source.device), torch.ones(shape, device=self.source.device)
        rows = self._train if self.source.pooled else self._order(0)[:STATISTICS_UTTERANCES]
        count, total, squares = 0, 0.0, 0.0
        for start in range(0, len(rows), 16):
            for values in self.source.of(rows[start : start + 16]):
                values = values.double().reshape(shape[0], -1, shape[2])
                count += values.shape[1]
                total, squares = total + values.sum(1, keepdim=True), squares + values.square().sum(1, keepdim=True)
        mean = total / count
        deviation = (squares / count - mean.square()).clamp(min=0).sqrt()
        # A dimension without variance is left at zero, instead of showing its rounding.
        usable = deviation > 1e-6 * (squares / count).sqrt()
        return mean.float(), torch.where(usable, 1 / deviation, 0).float()

    # Training

    def train(self) -> None:
        """Train until every head has stopped, or the steps are done; what was kept of an earlier run is gone on with.

        Raises:
            ProbeError: a loss is NaN or infinite, or the device has too little memory.
        """
        self._resume()
        settings, progress = self.settings, self.progress
        started, before = time.monotonic(), progress.seconds
        while self._heads.names and progress.step < settings.steps:
            self._update(self.batch_rows(progress.step))
            progress.step += 1
            progress.seconds = before + time.monotonic() - started
            if progress.step % settings.evaluate_every == 0 or progress.step == settings.steps:
                self._look()
            if progress.step % settings.checkpoint_every == 0:
                self._save()
        self._save()

    def _update(self, rows: np.ndarray) -> None:
        losses = 0
        try:
            for number, piece in enumerate(self._pieces(rows)):
                batch = self.batch(piece)
                self._count_too_short(piece, batch)
                share = len(piece) / len(rows)
                losses = losses + self._heads.add_gradients(batch, share, (self.progress.step, number))
            self._heads.update(self.settings.clip)
        except torch.cuda.OutOfMemoryError as error:
            longest = self.utterances.num_samples[list(rows)].max() / SAMPLE_RATE
            raise ProbeError(
                f"{self._where}: too little memory on the device for {len(self._heads.names)} heads and utterances of "
                f"up to {longest:.0f} s: make probes.heads_per_job smaller, or max_seconds (probes.overrides)"
            ) from error
        wrong = [name for name, loss in zip(self._heads.names, losses.tolist(), strict=True) if not np.isfinite(loss)]
        if wrong:
            raise ProbeError(
                f"{self._where}: the loss of head {', '.join(wrong)} is not finite at step {self.progress.step + 1}; "
                f"make learning_rate smaller than {self.settings.learning_rate:g} (probes.overrides)"
            )

    def _look(self) -> None:
        """Compare all heads on dev; keep the best state of each, and let those go that no longer get better."""
        higher = HIGHER_IS_BETTER[self.settings.metric]
        counts, _, losses = self._measured("dev")
        progress, stopped = self.progress, []
        for name in self._heads.names:
            value, loss = rate(counts[name]), losses[name]
            progress.curves.setdefault(name, []).append((progress.step, value, loss))
            # Of equal values the lower loss is better: a head that cannot yet say a word still learns.
            rank = (value if higher else -value, -loss)
            best = progress.best.get(name)
            if best is None or rank > (best["value"] if higher else -best["value"], -best["loss"]):
                state = self._heads.state_of(name)
                progress.best[name] = {"state": state, "step": progress.step, "value": value, "loss": loss}
                progress.waited[name] = 0
            else:
                progress.waited[name] += 1
                if self.settings.patience is not None and progress.waited[name] >= self.settings.patience:
                    stopped.append(name)
        values = "  ".join(f"{name} {progress.curves[name][-1][1]:.3f}" for name in self._heads.names)
        log.info("step %d of %d, dev %s: %s", progress.step, self.settings.steps, self.settings.metric, values)
        if stopped:
            log.info("no longer better, stopped: %s", ", ".join(stopped))
            self._heads.keep([name for name in self._heads.names if name not in stopped])

    def test(self) -> Tested:
        """What the best state of each head does on the test part."""
        self._heads = self._new_heads(self.names)
        self._heads.set_state({name: self.progress.best[name]["state"] for name in self.names})
        counts, answers, _ = self._measured("test")
        return Tested(counts, answers, self._heads.layer_weights() if WEIGHTED in self.names else None)

    def _measured(self, part: str) -> tuple[dict[str, np.ndarray], dict[str, list[tuple[str, ...]]], dict[str, float]]:
        """Of each head: counts and answers for each utterance, in the order of the table, and the mean loss."""
        rows = self.utterances.rows(part)
        position = {row: i for i, row in enumerate(rows)}
        answers = {name: [()] * len(rows) for name in self._heads.names}
        losses = torch.zeros(len(self._heads.names), dtype=torch.float64)
        for piece in self._pieces(rows):
            batch = self.batch(piece)
            loss, logits = self._heads.evaluate(batch)
            losses += loss.double().sum(1).cpu()
            for name, decoded in zip(self._heads.names, self.answers.decoded(logits, batch.lengths), strict=True):
                for row, answer in zip(piece, decoded, strict=True):
                    answers[name][position[row]] = answer
        counts = {name: self.answers.counts(rows, found) for name, found in answers.items()}
        return counts, answers, dict(zip(self._heads.names, (losses / len(rows)).tolist(), strict=True))

    def _count_too_short(self, rows: Sequence[int], batch: Batch) -> None:
        if self.settings.kind == "labels" or self.progress.step >= len(self._train):  # an epoch has been seen
            return
        for row, frames in zip(rows, batch.lengths.tolist(), strict=True):
            target = self.answers.encoded(row)
            needed = len(target) + sum(one == other for one, other in pairwise(target))
            if frames < needed and int(row) not in self.progress.too_short:
                self.progress.too_short.append(int(row))

    # Going on after a kill

    def _save(self) -> None:
        if self._state is None:
            return
        content = {
            "fingerprint": self._fingerprint,
            "progress": dict(vars(self.progress)),
            "heads": self._heads.state(),
        }
        with replaced(self._state) as temporary:
            torch.save(content, temporary)

    def _resume(self) -> None:
        if self._state is None:
            return
        content = read_state(self._state, "fingerprint", self._fingerprint, self.source.device)
        if content is None:
            return
        with restoring(self._state):
            self.progress = Progress(**content["progress"])
            self._heads.restore(content["heads"])
        log.info("going on at step %d, %d heads still learn", self.progress.step, len(self._heads.names))

    def _new_heads(self, names: Sequence[str]):
        settings, device = self.settings, str(self.source.device)
        return make_heads(
            self.shape, names, settings.task, settings.seed, settings.learning_rate, device, self._threads
        )

    @property
    def _where(self) -> str:
        return f"{self.settings.task}, {self.settings.model}"


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
        cache_gb: disk for frames between epochs; the means over time of a task with labels are kept whatever it says.
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
    blocks = [name for name in model.layer_names if name.startswith("T")]
    layers = blocks if WEIGHTED in heads else [name for name in blocks if name in heads]
    pooled = settings.kind == "labels"
    source = FrozenLayers(
        model, layers, table["audio_path"], table["num_samples"], table["start"], pooled=pooled, threads=threads
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
    kept = list(range(len(table))) if pooled else np.flatnonzero(utterances.parts != "test").tolist()
    size = source.estimated_bytes(kept)
    log.info("%d heads on %s; layers of train and dev: %.2f GB", len(heads), device, size / 1e9)
    if pooled or size <= cache_gb * 1e9:
        source = KeptLayers(source, kept, state)
    else:
        log.info("more than probes.cache_gb, %g: layers are computed anew for every batch", cache_gb)
    # Several threads for one operation pay where it is large; for small ones they only wait for each other.
    torch.set_num_threads(threads if settings.kind == "phones" and source.width >= WIDE else 1)
    prepared = time.monotonic()
    sweep = Sweep(source, utterances, heads, settings, state / "training.pt", fingerprint, threads)
    sweep.train()
    trained = time.monotonic()
    tested = sweep.test()
    content = _content(sweep, tested, len(blocks) - 1)
    content["weights"] = tested.weights and dict(zip(layers, tested.weights, strict=True))
    content["seconds"] = {
        "layers": prepared - started,
        "training": sweep.progress.seconds,
        "test": time.monotonic() - trained,
    }
    content["device"] = torch.device(device).type
    write_predictions(table.iloc[utterances.rows("test")], _predictions(settings, tested), predictions)
    with replaced(out) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)


def _predictions(settings: Settings, tested: Tested) -> dict[str, tuple]:
    """Answers, errors and lengths of each head; counts of right answers become errors."""
    higher = HIGHER_IS_BETTER[settings.metric]
    return {
        name: (tested.answers[name], length - found if higher else found, length)
        for name, (found, length) in ((name, counts.T) for name, counts in tested.counts.items())
    }


def _content(sweep: Sweep, tested: Tested, blocks: int) -> dict:
    """What a JSON file says of a sweep: facts that all heads share, and a record for each."""
    settings, progress, answers = sweep.settings, sweep.progress, sweep.answers
    rows = {part: sweep.utterances.rows(part) for part in PARTS}
    unseen = {part: answers.unseen(rows[part]) for part in ("dev", "test")}
    said, speakers = sweep.utterances.targets_of("test"), sweep.utterances.speakers_of("test")
    known = _baselines(sweep) | {f"n_{part}": len(rows[part]) for part in PARTS}
    known["test_speakers"] = speakers and len(set(speakers))
    is_label, can_exceed = settings.kind == "labels", not HIGHER_IS_BETTER[settings.metric]
    records = []
    for name in sweep.names:
        best, answered = progress.best[name], tested.answers[name]
        low, high = interval(tested.counts[name], speakers, can_exceed)
        index = None if name == WEIGHTED else int(name[1:])
        records.append(
            {
                "task": settings.task,
                "model": settings.model,
                "layer": name,
                "layer_index": index,
                "depth": None if index is None else index / blocks,
                "metric": settings.metric,
                "value": rate(tested.counts[name]),
                "low": low,
                "high": high,
                "balanced_accuracy": balanced_accuracy(said, answered) if is_label else None,
                "macro_f1": macro_f1(said, answered) if is_label else None,
                **known,
                "step": best["step"],
                "dev_value": best["value"],
                "status": "ok",
                "reason": _remarks(sweep, name, unseen["test"], known["test_speakers"]),
            }
        )
    return {
        "settings": vars(settings),
        "dimensions": sweep.source.width,
        "layers": list(sweep.source.layers),
        "classes": answers.classes,
        "unseen": unseen,
        "too_short": len(progress.too_short),
        "steps": progress.step,
        "records": records,
        "curves": {name: [list(point) for point in progress.curves[name]] for name in sweep.names},
    }


def _baselines(sweep: Sweep) -> dict:
    """What answers that do not listen reach on test: always the same one, or any, each as often.

    Labels of several columns count as one: an answer is right when all of them are.
    """
    if sweep.settings.kind != "labels":  # an empty answer misses all and adds nothing
        return {"majority": 1.0, "majority_label": "", "chance": None, "n_types": len(sweep.answers.classes[0])}
    train, test = sweep.utterances.targets_of("train"), sweep.utterances.targets_of("test")
    known, constant = set(train), most_frequent(train)
    return {
        "majority": test.count(constant) / len(test),
        "majority_label": "/".join(constant),
        "chance": sum(target in known for target in test) / len(test) / len(known),
        "n_types": len(known),
    }


def _remarks(sweep: Sweep, name: str, unseen: int, speakers: int | None) -> str:
    """What a reader should know of a value that is none the less measured."""
    settings, progress = sweep.settings, sweep.progress
    best, perfect = progress.best[name], float(HIGHER_IS_BETTER[settings.metric])
    remarks = []
    if best["step"] == settings.steps and best["value"] != perfect:
        remarks.append(f"still getting better when the {settings.steps} steps were over")
    if unseen:
        remarks.append(f"{unseen} test utterances have a label that training lacks")
    if speakers is None:
        remarks.append("speakers are not known: the interval takes utterances for independent")
    elif speakers == 1:
        remarks.append("one test speaker: the interval is about utterances of this speaker alone")
    if progress.too_short:
        remarks.append(f"{len(progress.too_short)} training utterances have too few frames for their target")
    return "; ".join(remarks)


def _files(folder: Path) -> list[tuple[str, int, int]]:
    """What changes when a checkpoint does."""
    files = sorted(folder.iterdir()) if folder.is_dir() else [folder]
    return [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in files if path.is_file()]
