"""What an experiment will fetch, fill and take, before anything of it is here.

Bytes are counted from what the catalogues say of corpora and models. Hours come from a small table of measurements on
another machine (resources/calibration.yaml), so they are right in their order of magnitude. No network, no torch.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from layerwise.alignments.arpabet import PHONES
from layerwise.corpus.lending import UNPACKED
from layerwise.experiment.configuration.experiment import Experiment
from layerwise.experiment.configuration.sharing import NOTHING_SHARED, Sharing
from layerwise.experiment.configuration.sources import Source
from layerwise.experiment.model_costs import Encoder, ModelCost, model_cost
from layerwise.experiment.score_costs import OWN_SEGMENTS, score_costs
from layerwise.experiment.speech_amounts import split_amount
from layerwise.experiment.task_costs import TaskCost, task_costs, task_data
from layerwise.figures.registry import EXPERIMENT, PROPERTY, TASK, TASKS, figures_of
from layerwise.files.catalogues import read_yaml
from layerwise.files.shipped import ROOT
from layerwise.representations.size import Drawn
from layerwise.spans import SEGMENTS, SampleSizes

# Of a figure in its three formats, and for each model in it; of the report, and for each figure in it: as the smoke
# experiment and the demo leave them.
FIGURE_BYTES, MODEL_BYTES = 100_000, 70_000
REPORT_BYTES, CHART_BYTES = 1_620_000, 45_000


@dataclass(frozen=True)
class Download:
    """A file or checkpoint that a run needs.

    Attributes:
        size: bytes; None: not known.
        certainty: before the size, in words: nothing where the catalogue has it, `about` or `at least` where it is
            calculated (files of a model's authors hold more than the layers).
        here: whether it has been fetched already.
    """

    name: str
    source: str
    size: int | None
    certainty: str
    here: bool


@dataclass(frozen=True)
class Costs:
    """What an experiment takes.

    Attributes:
        known: whether the catalogue knows how much audio the split has; else it is assumed.
        utterances, seconds: union of all sample sets: what passes through each model.
        shares: the experiment that it takes results of, "": none; they count nowhere else. taken: of how many models
            representations, how many scores, and of how many tasks and models heads.
        archives, unpacked: bytes, None where not known; deleted on the way unless `keep`.
        scores: number of scores; a job has some of them. results: bytes of scores, tables, plots and report.
        score_seconds: of one core.
        gpu_seconds: of all extractions, at an assumed speed.
        cpu_threads: that the times of extraction were measured with.
        tasks: the training of each downstream task, with the passes of audio that are its own, and the bytes that it
            keeps; what it downloads is among the downloads.
        task_data: bytes of their data on the disk, archives and what is unpacked, and whether all of it is known.
    """

    experiment: str
    corpus: str
    samples: int
    properties: tuple[str, ...]
    downloads: tuple[Download, ...]
    known: bool
    utterances: int
    seconds: float
    shares: str
    taken: tuple[int, int, int]
    archives: int | None
    unpacked: int | None
    keep: bool
    tasks: tuple[TaskCost, ...]
    task_data: tuple[int, bool]
    models: tuple[ModelCost, ...]
    absent: int
    scores: int
    score_jobs: int
    score_seconds: float
    results: int
    gpu_seconds: float
    gpu_operations_per_second: float
    cpu_threads: int

    @property
    def passes(self) -> int:
        """How often at most the audio passes through a model: other poolings and tables are a second pass."""
        return max((cost.passes for cost in self.models), default=0)

    @property
    def forward_passes(self) -> int:
        return self.utterances * sum(cost.passes for cost in self.models)

    @property
    def to_fetch(self) -> int:
        """Bytes of what is not here, as far as its size is known."""
        return sum(download.size or 0 for download in self.downloads if not download.here)

    @property
    def representations(self) -> int:
        return sum(cost.representations or 0 for cost in self.models)

    @property
    def weights(self) -> int:
        return sum(cost.weights or 0 for cost in self.models)

    @property
    def kept_for_tasks(self) -> int:
        """Bytes while the largest training runs."""
        return max((task.cache for task in self.tasks), default=0)

    @property
    def task_results(self) -> int:
        """Bytes that all trainings leave."""
        return sum(task.results for task in self.tasks)

    @property
    def disk(self) -> int:
        """Bytes when all is there at once."""
        passing = (self.archives or 0) + (self.unpacked or 0)
        of_tasks = self.task_data[0] + self.kept_for_tasks + self.task_results
        return passing + self.weights + self.representations + self.results + of_tasks

    @property
    def cpu_seconds(self) -> tuple[float, float]:
        """Of all extractions whose time is known."""
        return _added(cost.cpu_seconds for cost in self.models if cost.cpu_seconds)

    @property
    def training_gpu_seconds(self) -> float:
        """Of all trainings, at the assumed speed."""
        return sum(task.operations for task in self.tasks) / self.gpu_operations_per_second

    @property
    def training_seconds(self) -> tuple[float, float]:
        """Of all trainings."""
        return _added(task.cpu_seconds for task in self.tasks)

    @property
    def computing(self) -> dict[str, tuple[float, float]]:
        """Shortest and longest time of all jobs on the CPU threads, by what they do; score jobs run side by side."""
        scores = self.score_seconds / self.cpu_threads
        return {"extraction": self.cpu_seconds, "scores": (scores, scores), "training": self.training_seconds}


def _added(times: Iterable[tuple[float, float]]) -> tuple[float, float]:
    known = list(times)
    return sum(low for low, _ in known), sum(high for _, high in known)


def read_calibration(path: Path = ROOT / "resources/calibration.yaml") -> dict:
    """The table of measurements."""
    return read_yaml(path)


def costs_of(
    experiment: Experiment, here: Mapping[str, bool], calibration: Mapping, sharing: Sharing = NOTHING_SHARED
) -> Costs:
    """What an experiment takes.

    Args:
        here: `audio`, `alignments`, names of models, and addresses of files of vectors, attributes, ratings, … →
            whether their files are on this machine.
        calibration: as `read_calibration` gives it.
        sharing: what is taken from another experiment.
    """
    config = experiment.config
    samples, corpus = config["samples"], config["corpus"]
    speech = split_amount(corpus["name"], corpus["split"], experiment.audio, given=corpus["audio"] is not None)
    there, each = speech.utterances, speech.each
    frames = min(samples["utterances"], there)
    sizes = SampleSizes.of(samples)
    # Where every label is kept, how many there are is not known yet: about as many as of English.
    phones = len(experiment.phones.phones or PHONES)
    types = {"utterance": speech.speakers}
    rows = {span.name: sizes.rows(span, types.get(span.name, phones)) for span in SEGMENTS}
    rows["utterance"] = min(rows["utterance"], there)
    drawn = Drawn(frames * each, rows)
    other = {each.rows.folder: each.rows for each in experiment.properties.values() if not each.rows.is_standard}
    others = {name: OWN_SEGMENTS // samples["count"] if of.table else rows[of.of] for name, of in other.items()}
    union = _union(there, frames, sum(drawn.segments.values()), samples["count"])
    models = []
    for name, entry in experiment.models.items():
        new = {folder: count for folder, count in others.items() if folder not in sharing.passes.get(name, {})}
        is_new = name not in sharing.models
        stored = Drawn(drawn.seconds, rows | new) if is_new else Drawn(0, new)
        passes = is_new + bool(new)
        models.append(
            model_cost(entry, stored, samples["count"], passes, union * each, config["representations"], calibration)
        )
    scores = score_costs(experiment, drawn, phones, calibration["scores"], sharing)
    heads = [(task, model) for task in experiment.tasks for model in experiment.models]
    taken_heads = sum(sharing.has_heads(*pair) for pair in heads)
    needed = _Needed(
        audio=not sharing.experiment or any(cost.passes for cost in models) or _measures_audio(experiment, sharing),
        alignments=not sharing.experiment,
        tasks=taken_heads < len(heads),
    )
    archive = experiment.audio.bytes if experiment.audio.is_url and needed.audio else 0
    if needed.alignments and experiment.alignments is not None and experiment.alignments.is_url and archive is not None:
        archive = None if experiment.alignments.bytes is None else archive + experiment.alignments.bytes
    extraction = calibration["extraction"]
    return Costs(
        experiment=config["experiment"],
        corpus=f"{corpus['name']}/{corpus['split']}",
        samples=samples["count"],
        properties=tuple(config["properties"]),
        downloads=tuple(_downloads(experiment, here, needed)),
        known=speech.known,
        utterances=union,
        seconds=union * each,
        shares=sharing.experiment,
        taken=(len(sharing.models), scores.taken, taken_heads),
        archives=archive,
        unpacked=_unpacked(experiment.audio) if needed.audio else 0,
        keep=corpus["keep"],
        tasks=task_costs(experiment, calibration, sharing),
        task_data=task_data(experiment.task_sources.values() if needed.tasks else []),
        models=tuple(models),
        absent=len(experiment.absent),
        scores=scores.count,
        score_jobs=scores.jobs,
        score_seconds=scores.seconds,
        results=scores.bytes + _figures(experiment),
        gpu_seconds=sum(cost.operations or 0 for cost in models) / extraction["gpu_operations_per_second"],
        gpu_operations_per_second=extraction["gpu_operations_per_second"],
        cpu_threads=extraction["cpu_threads"],
    )


@dataclass(frozen=True)
class _Needed:
    """Which parts of the corpus, and whether data of tasks, a run reads that takes results of another experiment."""

    audio: bool
    alignments: bool
    tasks: bool


def _measures_audio(experiment: Experiment, sharing: Sharing) -> bool:
    """Whether a score that is not shared compares with the audio."""
    return any(
        question.target.family(question.rows) and not sharing.has_scores(name, model, question.target.other_model)
        for name, question in experiment.properties.items()
        for model in experiment.models
    )


def _figures(experiment: Experiment) -> int:
    """Bytes of all figures and the report."""
    tasks, models = len(experiment.tasks), len(experiment.models)
    subjects = {PROPERTY: len(experiment.properties), TASK: tasks, EXPERIMENT: 1, TASKS: min(tasks, 1)}
    count = sum(number * len(figures_of(subject)) for subject, number in subjects.items())
    return count * (FIGURE_BYTES + MODEL_BYTES * models + CHART_BYTES) + REPORT_BYTES


def _union(there: int, frames: int, segments: int, count: int) -> int:
    """Expected utterances in any sample set, if segments lie anywhere in the split."""
    missed = (1 - frames / there) ** count * math.exp(-count * segments / there)
    return round(there * (1 - missed))


def _unpacked(audio: Source) -> int | None:
    if audio.is_folder:
        return 0
    size = audio.bytes if audio.is_url else audio.path.stat().st_size
    return None if size is None else round(UNPACKED * size)


def _downloads(experiment: Experiment, here: Mapping[str, bool], needed: _Needed) -> list[Download]:
    found = []
    for kind in ("audio", "alignments"):
        source = getattr(experiment, kind) if getattr(needed, kind) else None
        if source is not None and source.is_url and not (kind == "alignments" and source == experiment.audio):
            found.append(Download(kind, source.origin, source.bytes, "", here[kind]))
    for name, entry in (experiment.models | experiment.parents).items():
        if entry.kind in ("hub", "url"):
            # Checkpoints hold 32-bit numbers, mostly.
            encoder = Encoder.of(entry)
            size = 4 * encoder.parameters if encoder else None
            certainty = "about" if entry.kind == "hub" else "at least"
            found.append(Download(name, entry.origin, size, certainty, here[name]))
    words = {file.source.origin: (name, file.source) for name, file in experiment.word_files.items()}
    words |= {file.source.origin: (file.name, file.source) for read in experiment.read_files.values() for file in read}
    found += [
        Download(name, location, source.bytes, "", here[location])
        for location, (name, source) in words.items()
        if source.is_url
    ]
    of_corpus = {download.source for download in found}
    of_tasks = experiment.task_sources if needed.tasks else {}
    tasks = {source.origin: (name, source) for name, source in of_tasks.items() if source.is_url}
    found += [
        Download(name, location, source.bytes, "", here[name])
        for location, (name, source) in tasks.items()
        if location not in of_corpus
    ]
    return found
