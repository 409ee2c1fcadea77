"""What an experiment will fetch, fill and take, before anything of it is here.

Bytes are counted from what the catalogues say of corpora and models. Hours come from a small table of measurements on
another machine (resources/calibration.yaml), so they are right in their order of magnitude. No network, no torch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from layerwise.alignments.arpabet import PHONES
from layerwise.constants import MEL_BANDS, MEL_SECONDS, SAMPLE_RATE
from layerwise.corpus.lending import UNPACKED
from layerwise.errors import LINE, shown
from layerwise.experiment.configuration import Experiment, Source
from layerwise.files.catalogues import read_yaml
from layerwise.files.disk_space import readable
from layerwise.files.shipped import ROOT
from layerwise.models.catalogue import ModelEntry
from layerwise.representations.size import Drawn, layer_sizes, representation_bytes
from layerwise.scoring.properties import PROPERTIES
from layerwise.spans import SEGMENTS, SPANS, SampleSizes

CONV_CHANNELS, CONV_KERNELS, CONV_STRIDES = 512, (10, 3, 3, 3, 3, 2, 2), (5, 2, 2, 2, 2, 2, 2)
POSITION_KERNEL, POSITION_GROUPS = 128, 16
# Of FLAC at 16 kHz: LibriSpeech dev-clean has 337,926,286 bytes for 19,396 s. And its utterances' mean length.
BYTES_PER_SECOND, SECONDS_PER_UTTERANCE = 17_422, 7.2
# What the smoke experiment leaves: of a trial in score files, beside each correlation, and in tables; of a plot, in its
# two formats and the report.
TRIAL_BYTES, CORRELATION_BYTES, ROW_BYTES, PLOT_BYTES = 2_600, 25, 2_200, 100_000
SECONDS_PER_ATTENTION = 20  # utterances are at most about as long


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
class ModelCost:
    """What one model takes; None: not known before its checkpoint has been read.

    Attributes:
        weights, representations: bytes on the disk.
        operations: floating-point operations of all forward passes.
        cpu_seconds: shortest and longest time of the extraction on a few CPU threads.
        measured: whether a model of this size class was measured; else the time is calculated from Base's.
    """

    name: str
    weights: int | None
    representations: int | None
    operations: float | None
    cpu_seconds: tuple[float, float] | None
    measured: bool


@dataclass(frozen=True)
class Estimate:
    """What an experiment takes.

    Attributes:
        known: whether the catalogue knows how much audio the split has; else it is assumed.
        utterances, seconds: union of all sample sets: what passes through each model once.
        archives, unpacked: bytes, None where not known; deleted on the way unless `keep`.
        scores: number of scores; a job has some of them. results: bytes of scores, tables, plots and report.
        score_seconds: of one core.
        gpu_seconds: of all extractions, at an assumed speed.
        cpu_threads: that the times of extraction were measured with.
        tasks: downstream tasks, of which only the downloads are estimated.
    """

    experiment: str
    corpus: str
    samples: int
    properties: tuple[str, ...]
    downloads: tuple[Download, ...]
    known: bool
    utterances: int
    seconds: float
    archives: int | None
    unpacked: int | None
    keep: bool
    tasks: tuple[str, ...]
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
    def forward_passes(self) -> int:
        return self.utterances * len(self.models)

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
    def disk(self) -> int:
        """Bytes when all is there at once."""
        passing = (self.archives or 0) + (self.unpacked or 0)
        return passing + self.weights + self.representations + self.results

    @property
    def cpu_seconds(self) -> tuple[float, float]:
        """Of all extractions whose time is known."""
        known = [cost.cpu_seconds for cost in self.models if cost.cpu_seconds]
        return sum(low for low, _ in known), sum(high for _, high in known)


def read_calibration(path: Path = ROOT / "resources/calibration.yaml") -> dict:
    """The table of measurements."""
    return read_yaml(path)


def estimate(experiment: Experiment, here: Mapping[str, bool], calibration: Mapping) -> Estimate:
    """What an experiment takes.

    Args:
        here: `audio`, `alignments` and names of models → whether their files are on this machine.
        calibration: as `read_calibration` gives it.
    """
    config = experiment.config
    samples, corpus = config["samples"], config["corpus"]
    split = _split(corpus)
    known = split is not None
    there, hours = split or _assumed(experiment.audio)
    each = 3600 * hours / there
    frames = min(samples["utterances"], there)
    sizes = SampleSizes.of(samples)
    drawn = Drawn(frames * each, {span.name: sizes.rows(span, PHONES) for span in SEGMENTS})
    union = _union(there, frames, sum(drawn.segments.values()), samples["count"])
    models = tuple(
        _model_cost(entry, drawn, samples["count"], union * each, config["representations"], calibration)
        for entry in experiment.models.values()
    )
    scores = _Scores.of(experiment, drawn, calibration["scores"])
    archive = experiment.audio.bytes if experiment.audio.is_url else 0
    if experiment.alignments is not None and experiment.alignments.is_url and archive is not None:
        archive = None if experiment.alignments.bytes is None else archive + experiment.alignments.bytes
    extraction = calibration["extraction"]
    return Estimate(
        experiment=config["experiment"],
        corpus=f"{corpus['name']}/{corpus['split']}",
        samples=samples["count"],
        properties=tuple(config["properties"]),
        downloads=tuple(_downloads(experiment, here)),
        known=known,
        utterances=union,
        seconds=union * each,
        archives=archive,
        unpacked=_unpacked(experiment.audio),
        keep=corpus["keep"],
        tasks=tuple(experiment.tasks),
        models=models,
        absent=len(experiment.absent),
        scores=scores.count,
        score_jobs=scores.jobs,
        score_seconds=scores.seconds,
        results=scores.bytes + PLOT_BYTES * (3 * len(config["properties"]) + 1),
        gpu_seconds=sum(cost.operations or 0 for cost in models) / extraction["gpu_operations_per_second"],
        gpu_operations_per_second=extraction["gpu_operations_per_second"],
        cpu_threads=extraction["cpu_threads"],
    )


# The corpus


def _split(corpus: Mapping) -> tuple[int, float] | None:
    """Utterances and hours of a split that the catalogue knows."""
    if corpus["audio"] is not None:
        return None
    split = read_yaml(ROOT / "resources/corpora.yaml")[corpus["name"]]["splits"][corpus["split"]]
    if "utterances" in split and "hours" in split:
        return split["utterances"], split["hours"]
    return None


def _assumed(audio: Source) -> tuple[int, float]:
    """Utterances and hours as the archive's size suggests, or else as LibriSpeech dev-clean has them."""
    size = audio.bytes
    if audio.is_folder:
        size = sum(path.stat().st_size for path in audio.path.rglob("*") if path.is_file())
    elif not audio.is_url:
        size = audio.path.stat().st_size
    seconds = 19_396 if size is None else size / BYTES_PER_SECOND
    return max(1, round(seconds / SECONDS_PER_UTTERANCE)), seconds / 3600


def _union(there: int, frames: int, segments: int, count: int) -> int:
    """Expected utterances in any sample set, if segments lie anywhere in the split."""
    missed = (1 - frames / there) ** count * math.exp(-count * segments / there)
    return round(there * (1 - missed))


def _unpacked(audio: Source) -> int | None:
    if audio.is_folder:
        return 0
    size = audio.bytes if audio.is_url else audio.path.stat().st_size
    return None if size is None else round(UNPACKED * size)


def _downloads(experiment: Experiment, here: Mapping[str, bool]) -> list[Download]:
    found = []
    for kind in ("audio", "alignments"):
        source = getattr(experiment, kind)
        if source is not None and source.is_url and not (kind == "alignments" and source == experiment.audio):
            found.append(Download(kind, source.origin, source.bytes, "", here[kind]))
    for name, entry in (experiment.models | experiment.parents).items():
        if entry.kind in ("hub", "url"):
            # Checkpoints hold 32-bit numbers, mostly.
            size = 4 * _parameters(entry) if entry.is_planned and entry.width else None
            certainty = "about" if entry.kind == "hub" else "at least"
            found.append(Download(name, entry.origin, size, certainty, here[name]))
    of_corpus = {download.source for download in found}
    tasks = {source.origin: (name, source) for name, source in experiment.task_sources.items() if source.is_url}
    found += [
        Download(name, location, source.bytes, "", here[name])
        for location, (name, source) in tasks.items()
        if location not in of_corpus
    ]
    return found


# Models


def _model_cost(
    entry: ModelEntry, drawn: Drawn, count: int, seconds: float, storage: Mapping, calibration: Mapping
) -> ModelCost:
    if not (entry.is_planned and entry.width):
        return ModelCost(entry.name, None, None, None, None, measured=False)
    sizes = layer_sizes(entry.layers, entry.width, _conv(entry)[0], entry.stride_seconds)
    shards = storage["shards"]
    part = Drawn(drawn.seconds / shards, {span: rows // shards for span, rows in drawn.segments.items()})
    stored = shards * representation_bytes(sizes, [part] * count, entry.stride_seconds, storage["dtype"])
    weights = 4 * _parameters(entry) if entry.kind != "folder" else 0
    operations = seconds * _operations_per_second(entry)
    times = calibration["extraction"]["cpu_seconds"]
    if measured := entry.size in times:
        low, high = times[entry.size]
    else:  # as many operations a second as Base
        share = _operations_per_second(entry) / _operations_per_second(_base())
        low, high = (share * time for time in times["Base"])
    return ModelCost(entry.name, weights, stored, operations, (low * seconds, high * seconds), measured)


def _base() -> ModelEntry:
    return ModelEntry("base", "base", "", conv_layers=7, blocks=12, stride_seconds=0.02, width=768)


def _conv(entry: ModelEntry) -> tuple[int, tuple[int, ...], tuple[int, ...]]:
    """Channels, kernels and strides of the conv encoder: the architecture's, or else wav2vec 2.0's."""
    given = entry.architecture
    kernels = tuple(given.get("conv_kernel", CONV_KERNELS))[: entry.conv_layers]
    strides = tuple(given.get("conv_stride", CONV_STRIDES))[: entry.conv_layers]
    return (given.get("conv_dim") or [CONV_CHANNELS])[0], kernels, strides


def _conv_weights(entry: ModelEntry) -> list[int]:
    channels, kernels, _ = _conv(entry)
    return [channels * (1 if number == 0 else channels) * kernel for number, kernel in enumerate(kernels)]


def _block_weights(entry: ModelEntry) -> int:
    wide = entry.architecture.get("intermediate_size", 4 * entry.width)
    return 4 * entry.width**2 + 2 * entry.width * wide


def _position_weights(entry: ModelEntry) -> int:
    kernel = entry.architecture.get("num_conv_pos_embeddings", POSITION_KERNEL)
    groups = entry.architecture.get("num_conv_pos_embedding_groups", POSITION_GROUPS)
    return entry.width**2 // groups * kernel


def _parameters(entry: ModelEntry) -> int:
    """Numbers in the weights: what wav2vec 2.0 and its kin have in common, without norms and heads."""
    into = _conv(entry)[0] * entry.width
    return sum(_conv_weights(entry)) + into + _position_weights(entry) + entry.blocks * _block_weights(entry)


def _operations_per_second(entry: ModelEntry) -> float:
    """Floating-point operations of the forward pass of a second of audio."""
    rate, convs = SAMPLE_RATE, 0.0
    for weights, stride in zip(_conv_weights(entry), _conv(entry)[2], strict=True):
        rate /= stride
        convs += 2 * weights * rate
    frames = 1 / entry.stride_seconds
    attention = 4 * SECONDS_PER_ATTENTION / 2 * frames * entry.width  # of a frame, with all others of its utterance
    return convs + frames * (2 * _position_weights(entry) + entry.blocks * (2 * _block_weights(entry) + attention))


# Scores


@dataclass(frozen=True)
class _Scores:
    count: int
    jobs: int
    seconds: float
    bytes: int

    @classmethod
    def of(cls, experiment: Experiment, drawn: Drawn, costs: Mapping) -> _Scores:
        config = experiment.config
        cca, samples = config["cca"], config["samples"]
        count = jobs = size = 0
        seconds = 0.0
        for name in config["properties"]:
            for entry in experiment.models.values():
                if not (entry.is_planned and entry.width):
                    continue
                layers = experiment.layers_of(name, entry)
                count += samples["count"] * len(layers)
                jobs += samples["count"] * math.ceil(len(layers) / cca["layers_per_job"])
                for layer in layers:
                    rows, dx, dy = _views(name, entry, layer, drawn, samples)
                    fits = cca["trials"] * len(cca["epsilons"]) / costs["fits"]
                    roots = costs["seconds_per_root"] * (dx**3 + dy**3)
                    svd = costs["seconds_per_svd"] * dx * dy * min(dx, dy)
                    products = costs["seconds_per_product"] * rows * (dx + dy) ** 2
                    seconds += samples["count"] * costs["chance"] * (products + fits * (roots + svd))
                    each = TRIAL_BYTES + CORRELATION_BYTES * min(dx, dy) + ROW_BYTES
                    size += samples["count"] * cca["trials"] * each
        return cls(count, jobs, seconds + costs["seconds_per_job"] * jobs, size)


def _views(name: str, entry: ModelEntry, layer: str, drawn: Drawn, samples: Mapping) -> tuple[float, int, int]:
    """Rows of a score, and dimensions of its views."""
    (size,) = layer_sizes([layer], entry.width, _conv(entry)[0], entry.stride_seconds)
    question = PROPERTIES[name]
    seconds_per_row = (
        MEL_SECONDS if layer.startswith("C") and layer != f"C{entry.conv_layers}" else entry.stride_seconds
    )
    span = SPANS[question.span]
    rows = drawn.segments[span.name] if span.is_segment else drawn.seconds / seconds_per_row
    labels = SampleSizes.of(samples).types(span, PHONES)
    other = {"mel": MEL_BANDS, "label": labels, "T0": entry.width}[question.target.name]
    return rows, size.width, other


# In words


def render(found: Estimate) -> str:
    """An estimate as a page of text."""
    about = "" if found.known else "; the length of the audio is not known, and assumed"
    absent = f" ({found.absent} more wait for files that you fetch)" if found.absent else ""
    lines = [
        f"{found.experiment}: {found.corpus}, {_many(len(found.models), 'model')}{absent}, "
        f"{_many(found.samples, 'sample set')}, {', '.join(found.properties)}{about}",
        "",
        "Downloads",
        *_table(
            [
                (item.name, _size(item.size, item.certainty), "here" if item.here else "to be fetched", item.source)
                for item in found.downloads
            ]
        ),
        f"  to be fetched: {_size(found.to_fetch, 'about' if any(item.certainty for item in found.downloads) else '')}"
        if found.downloads
        else "  none",
        "",
        "Disk",
        *_table(
            [
                ("archives", _size(found.archives, ""), _fate(found)),
                ("unpacked audio", _size(found.unpacked), _fate(found)),
                ("models", _size(found.weights), ""),
                ("representations", _size(found.representations), "kept until you delete them"),
                ("scores, tables, plots", _size(found.results), ""),
                ("all at once", _size(found.disk), ""),
            ]
        ),
        "",
        f"Extraction: {found.forward_passes:,} forward passes, {_many(len(found.models), 'model')} × about "
        f"{found.utterances:,} utterances, {_time(found.seconds)} of audio each",
        *_table(
            [("", "representations", f"on {found.cpu_threads} CPU threads", "")]
            + [
                (cost.name, _size(cost.representations), _range(cost.cpu_seconds), _basis(cost))
                for cost in found.models
            ]
        ),
        f"  on {found.cpu_threads} CPU threads: {_range(found.cpu_seconds)} in all",
        f"  on a GPU: not measured. Assuming {found.gpu_operations_per_second / 1e12:g} × 10¹² operations a second, "
        f"{_time(found.gpu_seconds)} of computing in all",
        "",
        f"Scores: {found.scores:,} in {_many(found.score_jobs, 'job')}, about {_time(found.score_seconds)} of one core",
        "",
        *([f"Tasks: {', '.join(found.tasks)}; training is not estimated", ""] if found.tasks else []),
        "Times come from resources/calibration.yaml, measured on another machine: take them for orders of magnitude.",
    ]
    return "\n".join(shown(line.rstrip(), LINE) for line in lines) + "\n"


def _fate(found: Estimate) -> str:
    return "kept (corpus.keep)" if found.keep else "deleted when no job needs it"


def _basis(cost: ModelCost) -> str:
    if cost.cpu_seconds is None:
        return "not known before its checkpoint has been read"
    return "" if cost.measured else "by calculation: no model of this size was measured"


def _many(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def _size(size: int | None, certainty: str = "about") -> str:
    if size is None:
        return "not known"
    return f"{certainty} {readable(size)}".strip() if size else "nothing"


def _range(seconds: tuple[float, float] | None) -> str:
    return "not known" if seconds is None else f"{_time(seconds[0])} to {_time(seconds[1])}"


def _time(seconds: float) -> str:
    for unit, length in (("h", 3600), ("min", 60)):
        if seconds >= 1.5 * length:
            return f"{seconds / length:.{0 if seconds >= 10 * length else 1}f} {unit}"
    return f"{seconds:.0f} s"


def _table(rows: list[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)] if rows else []
    return ["  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) for row in rows]
