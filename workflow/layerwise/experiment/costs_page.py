"""What an experiment takes, as the page of text that `snakemake estimate` prints."""

from __future__ import annotations

from collections.abc import Sequence

from layerwise.errors import LINE, shown
from layerwise.experiment.costs import Costs
from layerwise.experiment.model_costs import ModelCost
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
                ("all at once", _size(found.disk), ""),
            ]
        ),
        "",
        f"Extraction: {found.forward_passes:,} forward passes, {_many(len(found.models), 'model')} × about "
        f"{found.utterances:,} utterances, {in_words(found.seconds)} of audio each"
        + (", twice: other poolings and tables of segments are a pass of their own" if found.passes > 1 else ""),
        *_table(
            [("", "representations", f"on {found.cpu_threads} CPU threads", "")]
            + [
                (cost.name, _size(cost.representations), _range(cost.cpu_seconds), _basis(cost))
                for cost in found.models
            ]
        ),
        f"  on {found.cpu_threads} CPU threads: {_range(found.cpu_seconds)} in all",
        f"  on a GPU: not measured. Assuming {found.gpu_operations_per_second / 1e12:g} × 10¹² operations a second, "
        f"{in_words(found.gpu_seconds)} of computing in all",
        "",
        f"Scores: {found.scores:,} in {_many(found.score_jobs, 'job')}, "
        f"about {in_words(found.score_seconds)} of one core",
        "",
        *([f"Tasks: {', '.join(found.tasks)}; training is not estimated", ""] if found.tasks else []),
        "Times come from resources/calibration.yaml, measured on another machine: take them for orders of magnitude.",
    ]
    return "\n".join(shown(line.rstrip(), LINE) for line in lines) + "\n"


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
