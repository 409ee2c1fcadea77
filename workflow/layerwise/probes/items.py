"""An utterance of a task: its recording, its speaker, its part, and what is to be learned of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from layerwise.constants import SAMPLE_RATE
from layerwise.corpus.problems import Problem
from layerwise.corpus.times import comparable
from layerwise.probes.kinds.kind import Target


@dataclass(frozen=True)
class Item:
    """An utterance of a task.

    Attributes:
        part: train, dev or test; None: to be decided by its speaker.
        path: of the recording.
        target: labels in the order of the columns; or phones; or words.
        num_samples: at 16 kHz; 0: not known yet.
        start: seconds of the recording before it.
    """

    item_id: str
    speaker_id: str
    part: str | None
    path: Path
    target: Target
    num_samples: int = 0
    start: float = 0.0

    def problem(self, problem: str, detail: str) -> Problem:
        """A reason to leave it out, or a doubt about it."""
        return Problem(self.item_id, self.path.as_posix(), problem, detail)


def exceeds(num_samples: int, seconds: float) -> bool:
    """Whether so many samples are longer than a number of seconds."""
    return bool(comparable(num_samples / SAMPLE_RATE) > comparable(seconds))
