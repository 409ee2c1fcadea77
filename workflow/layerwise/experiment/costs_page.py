"""What an experiment takes, as the page of text that `snakemake estimate` prints."""

from __future__ import annotations

from collections.abc import Sequence

from layerwise.errors import LINE, shown
from layerwise.experiment.costs import Costs
from layerwise.experiment.model_costs import ModelCost
from layerwise.experiment.task_costs import TaskCost
from layerwise.files.disk_space import readable
from layerwise.progress import in_words


def render(found: Costs) -> str:
    """What an experiment takes, as a page of text."""
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
                *_disk_of_tasks(found),
                ("all at once", _size(found.disk), ""),
            ]
        ),
        "",
        *_taken(found),
        *_extraction(found),
        "",
        f"Scores: {found.scores:,} in {_many(found.score_jobs, 'job')}, "
        f"about {in_words(found.score_seconds)} of one core",
        "",
        *(_training(found) if found.tasks else []),
        _total(found),
        "",
        "Times come from resources/calibration.yaml, measured on another machine: take them for orders of magnitude.",
    ]
    return "\n".join(shown(line.rstrip(), LINE) for line in lines) + "\n"


def _taken(found: Costs) -> list[str]:
    """What another experiment has made."""
    if not found.shares:
        return []
    models, scores, heads = found.taken
    said = [f"representations of {_many(models, 'model')}", _many(scores, "score")]
    said += [f"heads of {_many(heads, 'model')}, one for each task"] if heads else []
    return [f"Taken from {found.shares}: {', '.join(said)}", ""]


def _extraction(found: Costs) -> list[str]:
    extracted = [cost for cost in found.models if cost.passes]
    if not extracted:
        return ["Extraction: none"]
    return [
        f"Extraction: {found.forward_passes:,} forward passes, {_many(len(extracted), 'model')} × about "
        f"{found.utterances:,} utterances, {in_words(found.seconds, 'h')} of audio each"
        + (", twice: other poolings and tables of segments are a pass of their own" if found.passes > 1 else ""),
        *_table(
            [("", "representations", f"on {found.cpu_threads} CPU threads", "")]
            + [(cost.name, _size(cost.representations), _range(cost.cpu_seconds), _basis(cost)) for cost in extracted]
        ),
        f"  on {found.cpu_threads} CPU threads: {_range(found.cpu_seconds)} in all",
        f"  on a GPU: not measured. Assuming {found.gpu_operations_per_second / 1e12:g} × 10¹² operations a second, "
        f"{in_words(found.gpu_seconds)} of computing in all",
    ]


def _disk_of_tasks(found: Costs) -> list[tuple[str, str, str]]:
    if not found.tasks:
        return []
    size, known = found.task_data
    return [
        (
            "data of tasks",
            _size(size, "about") if known else f"at least {readable(size)}",
            "kept until you delete them",
        ),
        ("layers for tasks", _size(found.kept_for_tasks), "deleted when a training ends"),
        ("answers of heads", _size(found.task_results), ""),
    ]


def _training(found: Costs) -> list[str]:
    heads, jobs = sum(task.heads for task in found.tasks), sum(task.jobs for task in found.tasks)
    return [
        f"Training: {_many(heads, 'head')} in {_many(jobs, 'job')}, side by side on the same passes of audio",
        *_table(
            [("", "heads", "updates of each", "audio", "passes", f"on {found.cpu_threads} CPU threads", "")]
            + [
                (
                    task.name,
                    f"{task.heads:,}",
                    f"{task.steps:,}{' at most' if task.can_end else ''}",
                    in_words(task.seconds, "h"),
                    f"{_many(task.models, 'model')} × {task.passes:.{0 if task.passes >= 10 else 1}f}",
                    _range(task.cpu_seconds),
                    _basis_of_task(task),
                )
                for task in found.tasks
            ]
        ),
        f"  on {found.cpu_threads} CPU threads: {_range(found.training_seconds)} in all",
        f"  on a GPU: not measured. By the same assumption, {in_words(found.training_gpu_seconds)} of computing in all",
        "",
    ]


def _basis_of_task(task: TaskCost) -> str:
    remarks = [] if task.known else ["the length of its audio is assumed"]
    if task.anew:
        size = readable(task.frames)
        remarks.append(f"frames of {_many(task.anew, 'job')} for every batch anew: {size} (probes.cache_gb)")
    if task.unknown:
        remarks.append(f"without {_many(task.unknown, 'model')} whose checkpoint has not been read")
    return "; ".join(remarks)


def _total(found: Costs) -> str:
    """The time of all jobs, and what most of it goes to."""
    low, high = (sum(ends) for ends in zip(*found.computing.values(), strict=True))
    largest = max(found.computing, key=lambda item: sum(found.computing[item]))
    share = sum(found.computing[largest]) / (low + high) if high else 0.0
    return f"Computing in all: {_range((low, high))} on {found.cpu_threads} CPU threads; {share:.0%} of it is {largest}"


def _fate(found: Costs) -> str:
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
    return "not known" if seconds is None else f"{in_words(seconds[0])} to {in_words(seconds[1])}"


def _table(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)] if rows else []
    return ["  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) for row in rows]
