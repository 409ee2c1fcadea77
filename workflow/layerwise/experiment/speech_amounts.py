"""How much speech a split or a part of a task has, before anything of it is here.

Catalogues say it where it is published. Else it is assumed: from the bytes of an archive or folder, or from nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from layerwise.experiment.configuration.experiment import Experiment
from layerwise.experiment.configuration.sources import Source
from layerwise.files.catalogues import read_yaml
from layerwise.files.shipped import ROOT
from layerwise.probes.parts import HELD_OUT
from layerwise.probes.tasks import TaskEntry

# Of FLAC at 16 kHz: LibriSpeech dev-clean has 337,926,286 bytes for 19,396 s. And its utterances' mean length.
BYTES_PER_SECOND, SECONDS_PER_UTTERANCE = 17_422, 7.2
SECONDS, SPEAKERS = 19_396, 40  # of LibriSpeech dev-clean, where nothing is known
COMMANDS, COMMAND_SECONDS = 10_000, 3.0  # assumed, of recordings with labels: how many, and how long each is


@dataclass(frozen=True)
class Amount:
    """How much speech there is.

    Attributes:
        known: whether a catalogue says so; else it is assumed.
    """

    utterances: int
    seconds: float
    speakers: int = SPEAKERS
    known: bool = True

    @property
    def each(self) -> float:
        """Seconds of an utterance."""
        return self.seconds / self.utterances

    def share(self, share: float) -> Amount:
        """A part of it, of one utterance at least."""
        utterances = max(1, round(share * self.utterances))
        return replace(self, utterances=utterances, seconds=utterances * self.each)

    def at_most(self, hours: float | None) -> Amount:
        """As much of it as `hours` allow; None: all."""
        return self if hours is None or self.seconds <= 3600 * hours else self.share(3600 * hours / self.seconds)


def split_amount(corpus: str, split: str, audio: Source, given: bool) -> Amount:
    """How much a split of a corpus has.

    Args:
        audio: where its recordings come from.
        given: whether the configuration names them: they may be anything, whatever the split is called.
    """
    if not given:
        facts = read_yaml(ROOT / "resources/corpora.yaml")[corpus]["splits"][split]
        if "utterances" in facts and "hours" in facts:
            return Amount(facts["utterances"], 3600 * facts["hours"], facts.get("speakers", SPEAKERS))
    return _assumed(audio)


def task_parts(experiment: Experiment, task: TaskEntry) -> dict[str, Amount]:
    """How much each part of a task has: train, dev and test, with the `hours` of its recipe.

    Utterances that are longer than `max_seconds`, or have nothing to learn, are counted: how many is not known yet.
    """
    of_layout = {"corpus": _of_corpus, "table": _of_table}.get(task.layout, _of_data)
    return {part: amount.at_most(task.recipe["hours"]) for part, amount in of_layout(experiment, task).items()}


def _of_corpus(experiment: Experiment, task: TaskEntry) -> dict[str, Amount]:
    own = experiment.config["corpus"]
    amounts = {}
    for split in task.splits:
        audio, given = experiment.task_sources[f"{task.corpus}/{split}/audio"], False
        if (task.corpus, split) == (own["name"], own["split"]):  # the audio of the experiment itself
            audio, given = experiment.audio, own["audio"] is not None
        amounts[split] = split_amount(str(task.corpus), split, audio, given)
    if not task.held_out:
        return {str(part): amounts[split] for split, part in task.splits.items()}
    (amount,) = amounts.values()
    return _divided(amount, task.held_out)


def _of_data(experiment: Experiment, task: TaskEntry) -> dict[str, Amount]:
    data = read_yaml(ROOT / "resources/tasks.yaml")["data"][task.data]
    if "parts" not in data:
        return _divided(Amount(COMMANDS, COMMANDS * COMMAND_SECONDS, known=False), HELD_OUT)
    return {part: Amount(facts["utterances"], 3600 * facts["hours"]) for part, facts in data["parts"].items()}


def _of_table(experiment: Experiment, task: TaskEntry) -> dict[str, Amount]:
    """A line of the table for each utterance, where it is here."""
    source, rows = experiment.task_sources[f"{task.name}/table"], COMMANDS
    if not source.is_url:
        with source.path.open("rb") as lines:
            rows = max(3, sum(1 for line in lines if line.strip()) - 1)
    return _divided(Amount(rows, rows * COMMAND_SECONDS, known=False), HELD_OUT)


def _divided(amount: Amount, held_out: Mapping) -> dict[str, Amount]:
    """Parts of a split whose speakers are divided; of named ones each is taken to say as much as any other."""
    shares = {
        part: wanted if isinstance(wanted, (int, float)) else len(wanted) / amount.speakers
        for part, wanted in held_out.items()
    }
    left = max(0.0, 1 - sum(shares.values()))
    return {part: amount.share(share) for part, share in ({"train": left} | shares).items()}


def _assumed(audio: Source) -> Amount:
    """As the archive's size suggests, or else as LibriSpeech dev-clean has it."""
    size = audio.bytes
    if audio.is_folder:
        size = sum(path.stat().st_size for path in audio.path.rglob("*") if path.is_file())
    elif not audio.is_url:
        size = audio.path.stat().st_size
    seconds = SECONDS if size is None else size / BYTES_PER_SECOND
    return Amount(max(1, round(seconds / SECONDS_PER_UTTERANCE)), seconds, known=False)
