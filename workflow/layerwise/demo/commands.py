"""Spoken commands for the demo's intent task, made by the synthesiser of the demo corpus.

Whoever hears one knows what is to be done (action), to what (object) and where (location): the three labels of Fluent
Speech Commands (Lugosch et al. 2019), in whose layout the set is packed. Sentences and speech are this project's own.

    python -m layerwise.demo.commands OUTPUT_FOLDER

The same call on the same machine gives the same bytes.
"""

from __future__ import annotations

import csv
import io
import random
import tarfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import soundfile

from layerwise.constants import SAMPLE_RATE
from layerwise.demo.command_line import Progress, make_or_measure, silent, told
from layerwise.demo.flite import SILENCE, Flite, SynthesisError
from layerwise.demo.packing import add_to_tar, flac, timeless_tar
from layerwise.demo.speakers import Prompt, Speaker, demo_speakers
from layerwise.demo.synthesis import synthesise
from layerwise.seeds import short_seed

ARCHIVE = "demo_commands.tar.gz"
ROOT = "demo_commands"
COLUMNS = ("path", "speakerId", "transcription", "action", "object", "location")

PER_ACTION = 54
"""Commands of each action: three for each of the 18 speakers, in less than 6 MB."""

PAUSE_SECONDS = 0.05
"""What is left of the pauses before and after a command."""

PARTS = {0: "valid", 3: "test"}
"""Position of a speaker among those of one voice → part; the others train. Every part has every voice."""


@dataclass(frozen=True)
class Action:
    """What can be asked for.

    Attributes:
        phrases: ways to say it, with {object} and {where} or {from}.
        objects: what it can be done to.
        locations: in which places; `none` is not said.
    """

    name: str
    phrases: tuple[str, ...]
    objects: tuple[str, ...]
    locations: tuple[str, ...]

    @property
    def targets(self) -> list[tuple[str, str]]:
        """All (object, location)."""
        return list(product(self.objects, self.locations))


EVERYWHERE = ("none", "kitchen", "bedroom", "garage")
THINGS, LEVELS = ("lamp", "music", "heating"), ("music", "heating", "volume")
ACTIONS = (
    Action("start", ("switch on the {object} {where}", "start the {object} {where}"), THINGS, EVERYWHERE),
    Action("stop", ("shut down the {object} {where}", "stop the {object} {where}"), THINGS, EVERYWHERE),
    Action("raise", ("raise the {object} {where}", "more {object} {where}"), LEVELS, EVERYWHERE),
    Action("lower", ("lower the {object} {where}", "less {object} {where}"), LEVELS, EVERYWHERE),
    Action(
        "fetch",
        ("fetch my {object} {from}", "get me the {object} {from}"),
        ("shoes", "keys", "juice", "towel"),
        EVERYWHERE,
    ),
)


@dataclass(frozen=True)
class Command:
    """A prompt and its labels; `part` is train, valid or test."""

    prompt: Prompt
    part: str
    action: str
    object: str
    location: str


def draw_commands(actions: Sequence[Action], speakers: Sequence[Speaker], per_action: int, seed: int) -> list[Command]:
    """As many commands of each action, dealt to the speakers in turn; in order of their identifiers.

    Within an action, targets come round robin in a drawn order, and so do phrases.

    Raises:
        SynthesisError: `per_action` cannot be dealt evenly.
    """
    if per_action % len(speakers):
        raise SynthesisError(
            f"{per_action} commands of an action cannot be dealt evenly to {len(speakers)} speakers: ask for a multiple"
        )
    counts = dict.fromkeys(speakers, 0)
    commands = []
    for action in actions:
        draw = random.Random(short_seed(seed, action.name))
        said = [(target, phrase) for phrase in action.phrases for target in action.targets]
        rounds: list = []
        while len(rounds) < per_action:
            rounds += draw.sample(said, len(said))
        for index, ((thing, place), phrase) in enumerate(rounds[:per_action]):
            speaker = speakers[index % len(speakers)]
            identifier = f"{speaker.identifier}-{counts[speaker]:03d}"
            counts[speaker] += 1
            text = phrase.format(object=thing, **_said(place))
            prompt = Prompt(identifier, speaker, text.strip(), short_seed(seed, identifier))
            commands.append(Command(prompt, part_of(speaker, speakers), action.name, thing, place))
    return sorted(commands, key=lambda command: command.prompt.identifier)


def _said(place: str) -> dict[str, str]:
    if place == "none":
        return {"where": "", "from": ""}
    return {"where": f"in the {place}", "from": f"from the {place}"}


def part_of(speaker: Speaker, speakers: Sequence[Speaker]) -> str:
    """The part that a speaker belongs to, by its position among those of its voice."""
    voices = [other for other in speakers if other.voice == speaker.voice]
    return PARTS.get(voices.index(speaker), "train")


def trimmed(engine: Flite, prompt: Prompt) -> np.ndarray:
    """The samples of a prompt, (n,) int16 at 16 kHz, without most of the pauses around it."""
    utterance = synthesise(engine, prompt)
    spoken = [phone for phone in utterance.phones if phone.label != SILENCE]
    first, last = spoken[0].start - PAUSE_SECONDS, spoken[-1].end + PAUSE_SECONDS
    return utterance.samples[max(0, round(first * SAMPLE_RATE)) : round(last * SAMPLE_RATE)]


def make_commands(folder: Path, per_action: int = PER_ACTION, seed: int = 1, progress: Progress = silent) -> Path:
    """Make the set of commands: `demo_commands.tar.gz` in `folder`, which is made if missing.

    Raises:
        MissingEngineError: flite is not installed.
        SynthesisError: commands cannot be dealt evenly, or flite cannot read one.
    """
    engine = Flite()
    commands = draw_commands(ACTIONS, demo_speakers(), per_action, seed)
    folder.mkdir(parents=True, exist_ok=True)
    recordings = [(command, trimmed(engine, command.prompt)) for command in told(commands, "commands", progress)]
    pack(recordings, folder / ARCHIVE)
    return folder / ARCHIVE


def pack(recordings: Iterable[tuple[Command, np.ndarray]], archive: Path) -> None:
    """Write commands with their samples in the layout of Fluent Speech Commands.

    `data/{train,valid,test}_data.csv` name the recordings by `path`, below wavs/speakers/SPEAKER; the first column
    counts the rows and has no name. Recordings are FLAC. The bytes depend on nothing but what is given.
    """
    rows: dict[str, list[dict]] = {part: [] for part in ("train", "valid", "test")}
    with timeless_tar(archive) as tar:
        for command, samples in recordings:
            prompt = command.prompt
            path = f"wavs/speakers/{prompt.speaker.identifier}/{prompt.identifier}.flac"
            add_to_tar(tar, f"{ROOT}/{path}", flac(samples))
            values = (path, prompt.speaker.identifier, prompt.text, command.action, command.object, command.location)
            rows[command.part].append(dict(zip(COLUMNS, values, strict=True)))
        for part, table in rows.items():
            add_to_tar(tar, f"{ROOT}/data/{part}_data.csv", _as_csv(table))


def _as_csv(rows: Sequence[dict]) -> bytes:
    stream = io.StringIO(newline="")
    table = csv.DictWriter(stream, ["", *COLUMNS], lineterminator="\n")
    table.writeheader()
    table.writerows({"": number, **row} for number, row in enumerate(rows))
    return stream.getvalue().encode()


def describe(archive: Path) -> str:
    """What an archive of commands holds, as lines of text for people to read."""
    rows, seconds = [], 0.0
    with tarfile.open(archive) as tar:
        for member in tar:
            content = tar.extractfile(member).read()
            if member.name.endswith(".csv"):
                part = Path(member.name).name.removesuffix("_data.csv")
                rows += [row | {"part": part} for row in csv.DictReader(io.StringIO(content.decode()))]
            else:
                seconds += soundfile.info(io.BytesIO(content)).duration
    kinds = ", ".join(f"{len({row[column] for row in rows})} of {column}" for column in COLUMNS[3:])
    intents = {tuple(row[column] for column in COLUMNS[3:]) for row in rows}
    parts = []
    for part in ("train", "valid", "test"):
        mine = [row for row in rows if row["part"] == part]
        parts.append(f"{part} {len(mine)} of {len({row['speakerId'] for row in mine})} speakers")
    return "\n".join(
        (
            f"commands: {len(rows)}, {len(intents)} different (action, object, location)",
            f"classes: {kinds}",
            f"parts: {', '.join(parts)}",
            f"minutes: {seconds / 60:.2f}",
        )
    )


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the demo's spoken commands, or measure those that are there already."""
    make_or_measure(
        "commands",
        main.__doc__,
        make=make_commands,
        archives=lambda folder: [folder / ARCHIVE],
        describe=lambda archives: describe(archives[0]),
        count=("--per-action", PER_ACTION),
        arguments=arguments,
    )


if __name__ == "__main__":
    main()
