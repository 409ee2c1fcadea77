"""What the training of downstream tasks takes: passes of audio, updates of heads, and bytes of what is kept between."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields

from layerwise.corpus.lending import UNPACKED
from layerwise.experiment.configuration.experiment import Experiment
from layerwise.experiment.configuration.sharing import Sharing
from layerwise.experiment.configuration.sources import Source
from layerwise.experiment.model_costs import Encoder, pass_seconds
from layerwise.experiment.speech_amounts import Amount, task_parts
from layerwise.layers import WEIGHTED
from layerwise.models.catalogue import ModelEntry
from layerwise.probes.head_names import head_jobs, heads_of
from layerwise.probes.kinds.kind import KINDS, Kind
from layerwise.probes.tasks import TaskEntry

FLOAT_BYTES = 4
# What a task can answer, as its utterances have not been read yet: phones or letters, with CTC's blank, or labels; and
# phones or letters in a second of speech.
SYMBOLS, LABELS = 40, 50
SYMBOLS_PER_SECOND = 13
# What the demo leaves: of a look at dev, of a head, and of each answer of a head, in the files of a job and of a model.
LOOK_BYTES, HEAD_BYTES, ANSWER_BYTES = 75, 1_000, 20


@dataclass(frozen=True)
class Work:
    """What an update of heads takes time for, as numbers that its seconds are proportional to.

    Attributes:
        products: heads × rows × weights, of a head's products forwards and backwards.
        weights: of all heads, for their clipped gradients and Adam.
        paths: heads × frames × (outputs + symbols of an utterance), of CTC.
    """

    products: float
    weights: float
    paths: float

    def seconds(self, costs: Mapping[str, float]) -> float:
        """The sum of all, each times its entry in `costs`."""
        return sum(getattr(self, each.name) * costs[each.name] for each in fields(self))


@dataclass(frozen=True)
class HeadGroup:
    """Heads of one model that a job trains side by side.

    Attributes:
        layers: that the job computes and keeps: of `weighted` all.
        width: dimensions of a layer. stride_seconds: of its frames.
    """

    kind: Kind
    recipe: Mapping
    heads: int
    layers: int
    width: int
    stride_seconds: float

    @property
    def weights(self) -> int:
        """Of one head: the maps of `linear_heads` and `recurrent_heads`, without biases."""
        outputs = SYMBOLS if self.kind.loss == "ctc" else LABELS
        projection, hidden = self.recipe["projection"], self.recipe["hidden"]
        if self.kind.head != "recurrent":
            return self.width * projection + projection * outputs
        # Two directions of two LSTMs, which have four gates each.
        recurrent = 2 * 4 * hidden * (projection + hidden) + 2 * 4 * hidden * (2 * hidden + hidden)
        return self.width * projection + recurrent + 2 * hidden * outputs

    def rows(self, seconds: float, utterances: float) -> float:
        """Rows of a layer: frames, or means over time."""
        return utterances if self.kind.pooled else seconds / self.stride_seconds

    def stored(self, seconds: float, utterances: float) -> float:
        """Bytes of the layers of some utterances."""
        return FLOAT_BYTES * self.rows(seconds, utterances) * self.layers * self.width

    def work(self, each: float, utterances: float) -> Work:
        """Of one update.

        Args:
            each: seconds of an utterance. utterances: in the batch.
        """
        rows = self.heads * self.rows(each * utterances, utterances)
        path = SYMBOLS + SYMBOLS_PER_SECOND * each if self.kind.loss == "ctc" else 0.0
        return Work(products=rows * self.weights, weights=self.heads * self.weights, paths=rows * path)


@dataclass(frozen=True)
class TaskCost:
    """What the training of one task takes, with all models whose layers are known.

    Attributes:
        known: whether catalogues say how much speech its parts have; else it is assumed.
        models: how many. unknown: more of them, whose layers are known when their checkpoints have been read.
        heads, jobs: of all models.
        steps: of a head at most: its recipe may have a patience that ends it earlier. can_end: whether it has.
        seconds: of its utterances. heard: seconds of audio that pass through models, in all jobs.
        anew: jobs that compute frames for every batch, as they are more than `cache_gb`. frames: their bytes at most.
        operations: floating-point operations of passes and updates.
        cpu_seconds: shortest and longest time on a few CPU threads.
        cache: bytes while the largest job runs. results: bytes that stay.
    """

    name: str
    known: bool
    models: int
    unknown: int
    heads: int
    jobs: int
    steps: int
    can_end: bool
    seconds: float
    heard: float
    anew: int
    frames: int
    operations: float
    cpu_seconds: tuple[float, float]
    cache: int
    results: int

    @property
    def passes(self) -> float:
        """How often a job hears every utterance, on average."""
        return self.heard / (self.seconds * self.jobs) if self.jobs else 0.0


@dataclass(frozen=True)
class _JobCost:
    """What one job takes, as `TaskCost` has it; too_large: bytes of frames that are more than the cache may take."""

    heads: int
    heard: float
    too_large: float
    operations: float
    low: float
    high: float
    cache: float
    results: float


def task_costs(experiment: Experiment, calibration: Mapping, sharing: Sharing) -> tuple[TaskCost, ...]:
    """What the training of each task takes, in the order of the configuration.

    Args:
        calibration: the table of measurements.
        sharing: what is taken from another experiment: neither a task nor a model of which all heads are is counted.
    """
    found = []
    for task in experiment.tasks.values():
        trained = [entry for name, entry in experiment.models.items() if not sharing.has_heads(task.name, name)]
        found += [_task_cost(experiment, task, trained, calibration)] if trained or not experiment.models else []
    return tuple(found)


def task_data(sources: Iterable[Source]) -> tuple[int, bool]:
    """Bytes of the data of tasks on the disk, as far as they are known, and whether all are.

    Archives stay beside what they are unpacked to, as training reads it again and again.

    Args:
        sources: all files of the chosen tasks.
    """
    total, known = 0, True
    for source in {source.origin: source for source in sources}.values():
        if source.is_folder:
            continue
        size = source.bytes if source.is_url else source.path.stat().st_size
        known = known and size is not None
        total += round((size or 0) * (source.is_url + UNPACKED * source.is_archive))
    return total, known


def _task_cost(experiment: Experiment, task: TaskEntry, models: Sequence[ModelEntry], calibration: Mapping) -> TaskCost:
    parts = task_parts(experiment, task)
    jobs = list(_jobs(experiment, task, models, parts, calibration))
    unknown = sum(Encoder.of(entry) is None for entry in models)
    return TaskCost(
        name=task.name,
        known=all(part.known for part in parts.values()),
        models=len(models) - unknown,
        unknown=unknown,
        heads=sum(job.heads for job in jobs),
        jobs=len(jobs),
        steps=task.recipe["steps"],
        can_end=task.recipe["patience"] is not None,
        seconds=sum(part.seconds for part in parts.values()),
        heard=sum(job.heard for job in jobs),
        anew=sum(job.too_large > 0 for job in jobs),
        frames=round(max((job.too_large for job in jobs), default=0)),
        operations=sum(job.operations for job in jobs),
        cpu_seconds=(sum(job.low for job in jobs), sum(job.high for job in jobs)),
        cache=round(max((job.cache for job in jobs), default=0)),
        results=round(sum(job.results for job in jobs)),
    )


def _jobs(
    experiment: Experiment,
    task: TaskEntry,
    models: Sequence[ModelEntry],
    parts: Mapping[str, Amount],
    calibration: Mapping,
) -> Iterator[_JobCost]:
    probes, kind, costs = experiment.config["probes"], KINDS[task.kind], calibration["training"]
    for entry in models:
        encoder = Encoder.of(entry)
        if encoder is None:
            continue
        of_second = pass_seconds(entry, encoder, calibration["extraction"])
        for heads in head_jobs(heads_of(encoder.blocks, probes["layers"]), probes["heads_per_job"]).values():
            layers = encoder.blocks + 1 if WEIGHTED in heads else len(heads)
            group = HeadGroup(kind, task.recipe, len(heads), layers, encoder.width, encoder.stride_seconds)
            yield _job_cost(group, parts, 1e9 * probes["cache_gb"], encoder, of_second, costs)


def _job_cost(
    group: HeadGroup,
    parts: Mapping[str, Amount],
    cache: float,
    encoder: Encoder,
    of_second: tuple[float, float],
    costs: Mapping,
) -> _JobCost:
    """What one job takes.

    Args:
        cache: bytes that frames may take. of_second: seconds of computing for one of audio, from..to.
        costs: `training` of resources/calibration.yaml.
    """
    train, dev, test = (parts[part] for part in ("train", "dev", "test"))
    recipe = group.recipe
    steps, batch = recipe["steps"], min(recipe["batch"], train.utterances)
    looks = math.ceil(steps / recipe["evaluate_every"])
    kept = group.stored(train.seconds + dev.seconds, train.utterances + dev.utterances)
    fits = group.kind.pooled or kept <= cache
    heard = train.seconds + dev.seconds if fits else steps * batch * train.each + looks * dev.seconds
    heard += test.seconds
    # A look has no gradients, but reads answers and grades them: it is taken for as slow as updates of as many rows.
    updates = [(train.each, batch, steps), (dev.each, dev.utterances, looks), (test.each, test.utterances, 1)]
    # Heads of a shape that nobody has timed are taken for linear ones.
    figures = costs["updates"].get(group.kind.head, costs["updates"]["linear"])
    seconds = products = 0.0
    for each, utterances, count in updates:
        work = group.work(each, min(utterances, batch))
        seconds += count * max(1, utterances / batch) * work.seconds(figures)
        products += count * max(1, utterances / batch) * work.products
    if group.kind.pooled:
        kept += group.stored(test.seconds, test.utterances)
    # A state has the weights, both moments of Adam and the best weights of each head.
    state = 4 * FLOAT_BYTES * group.heads * group.weights
    (start, slow_start), busy = costs["seconds_per_job"], costs["busy"]
    return _JobCost(
        heads=group.heads,
        heard=heard,
        too_large=0 if fits else kept,
        operations=heard * encoder.operations_per_second + 6 * products,  # backwards twice as many as forwards
        low=start + of_second[0] * heard + seconds,
        high=slow_start + of_second[1] * heard + busy * seconds,
        cache=(kept if fits else 0) + state,
        results=2 * group.heads * (HEAD_BYTES + LOOK_BYTES * looks + ANSWER_BYTES * test.utterances),
    )
