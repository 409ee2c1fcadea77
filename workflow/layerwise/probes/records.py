"""What heads reached, as records for files: rates with intervals, what guessing reaches, and remarks."""

from __future__ import annotations

from layerwise.cells import OK
from layerwise.layers import WEIGHTED
from layerwise.probes.kinds.kind import KINDS
from layerwise.probes.metrics import METRICS
from layerwise.probes.rates import interval, rate
from layerwise.probes.sweep import Settings, Sweep, Tested
from layerwise.probes.tasks import PARTS


def content_of(sweep: Sweep, tested: Tested, blocks: int) -> dict:
    """What the JSON file of a training says: facts that all heads share, and a record for each.

    Args:
        blocks: of the model, for the depth of its layers.
    """
    settings, progress, answers = sweep.settings, sweep.progress, sweep.answers
    rows = {part: sweep.utterances.rows(part) for part in PARTS}
    unseen = {part: answers.unseen(rows[part]) for part in ("dev", "test")}
    said, speakers = sweep.utterances.targets_of("test"), sweep.utterances.speakers_of("test")
    baselines = answers.baselines(sweep.utterances.targets_of("train"), said)
    known = baselines._asdict() | {f"n_{part}": len(rows[part]) for part in PARTS}
    known["test_speakers"] = speakers and len(set(speakers))
    kind = KINDS[settings.kind]
    can_exceed = not kind.measured.higher_is_better
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
                **kind.further_metrics(said, answered),
                **known,
                "step": best["step"],
                "dev_value": best["value"],
                "status": OK,
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


def predictions_of(settings: Settings, tested: Tested) -> dict[str, tuple]:
    """Answers, errors and lengths of each head; counts of right answers become errors."""
    higher = METRICS[settings.metric].higher_is_better
    return {
        name: (tested.answers[name], length - found if higher else found, length)
        for name, (found, length) in ((name, counts.T) for name, counts in tested.counts.items())
    }


def _remarks(sweep: Sweep, name: str, unseen: int, speakers: int | None) -> str:
    """What a reader should know of a value that is none the less measured."""
    settings, progress = sweep.settings, sweep.progress
    best, perfect = progress.best[name], float(METRICS[settings.metric].higher_is_better)
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
