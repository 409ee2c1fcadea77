"""How far long work is: now and then a line with what is done and to do, how fast it goes and how long it still takes.

A job shows these lines in its log and, with its name, on the terminal (`layerwise.experiment.job`). Who uses the
package as a library gets them from this module's logger.

Each line stays, and is written whole: several jobs and Snakemake share a terminal, and whatever one of them draws in
place, the next one writes over. That is why this is no tqdm: its bars are drawn in place, on one stream, without the
name of a job and, in a log, as one line without end; and its rate counts from the beginning.
"""

from __future__ import annotations

import logging
import math
import os
from collections import deque
from collections.abc import Callable
from time import monotonic

from layerwise.errors import LayerwiseError

log = logging.getLogger(__name__)

INTERVAL = "LAYERWISE_PROGRESS_SECONDS"  # in the environment: seconds between two lines
SECONDS, FIRST_SECONDS = 30.0, 10.0  # between two lines; before the first, so that quick work says nothing
_RECENT = 11  # lines over which a rate is taken: the last five minutes


class ProgressError(LayerwiseError):
    """The environment says no time between two lines."""


class ProgressLine:
    """What is counted, and a line about it when it is time for one.

    Once the work is whole, nothing is said: that a job is done is for Snakemake to say.

    Attributes:
        done: units that are done.
        note: a few words for the end of the line, such as the newest value of a metric.

    Args:
        what: is being done, such as `extracting`.
        total: units in all; None: not known.
        unit: what is counted, in the plural.
        done: units that were there before: they count as done, and not for the rate.
        at_most: whether the work may end before the total.
        shown: words for a number of units that say themselves what they are, in place of `unit`: such as 1.2 GB.

    Raises:
        ProgressError: `LAYERWISE_PROGRESS_SECONDS` is no number.
    """

    def __init__(
        self,
        what: str,
        total: float | None,
        unit: str = "",
        *,
        done: float = 0,
        at_most: bool = False,
        shown: Callable[[float], str] | None = None,
    ) -> None:
        self.done, self.note = done, ""
        self._what, self._total, self._unit, self._shown = what, total, unit, shown
        self._at_most = "at most " if at_most else ""
        self._seconds = _interval()
        now = monotonic()
        self._next = now + min(FIRST_SECONDS, self._seconds)
        self._marks: deque[tuple[float, float]] = deque([(now, done)], maxlen=_RECENT)  # (time, done) of each line

    def add(self, units: float = 1) -> None:
        """So many more are done."""
        self.reach(self.done + units)

    def reach(self, done: float) -> None:
        """So many are done in all."""
        self.done = done
        now = monotonic()
        if now >= self._next and not self._is_whole():
            log.info("%s", self._line(now))
            self._next = now + self._seconds
            self._marks.append((now, done))

    def _is_whole(self) -> bool:
        # Sums of seconds round; what lacks less than a billionth, lacks nothing.
        return self._total is not None and self.done >= self._total * (1 - 1e-9)

    def _line(self, now: float) -> str:
        then, before = self._marks[0]
        rate = (self.done - before) / (now - then) if now > then else 0.0
        parts = [self._counted()]
        if rate > 0:
            parts.append(f"{self._shown(rate)}/s" if self._shown else _pace(rate))
            if self._total is not None:
                parts.append(f"{self._at_most}{in_words((self._total - self.done) / rate)} left")
        return f"{self._what}: {', '.join([*parts, *filter(None, [self.note])])}"

    def _counted(self) -> str:
        shown = self._shown or "{:,.0f}".format
        counted = shown(self.done)
        if self._total is not None:
            counted += f" of {self._at_most}{shown(self._total)}"
        if self._unit:
            counted += f" {self._unit}"
        if self._total is not None:
            counted += f" ({math.floor(100 * self.done / self._total)} %)"
        return counted


_UNITS = {"years": 365 * 86_400, "days": 86_400, "h": 3600, "min": 60}


def in_words(seconds: float, largest: str = "years") -> str:
    """A time in the largest unit of which it has more than one: 50 s, 3.4 min, 12 h, 43 years.

    Args:
        largest: the largest unit to be used: lengths of audio are counted in hours (`h`), however long they are.
    """
    units = list(_UNITS)
    for unit in units[units.index(largest) :]:
        if seconds >= 1.5 * _UNITS[unit]:
            length = seconds / _UNITS[unit]
            return f"{length:,.{0 if length >= 10 else 1}f} {unit}"
    return f"{seconds:.0f} s"


def _pace(rate: float) -> str:
    """Units a second, a minute or an hour, whichever is a number that one reads easily."""
    unit, length = next((each for each in (("s", 1), ("min", 60)) if rate * each[1] >= 1), ("h", 3600))
    return f"{rate * length:,.{0 if rate * length >= 10 else 1}f}/{unit}"


def _interval() -> float:
    given = os.environ.get(INTERVAL, SECONDS)
    try:
        seconds = float(given)
    except ValueError:
        seconds = math.nan
    if not seconds >= 0:
        raise ProgressError(f"{INTERVAL} in the environment is {given!r}; expected a number of seconds, 0 or more")
    return seconds
