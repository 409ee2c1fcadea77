"""How much a file from elsewhere may declare before memory, disk or time is given to it.

Each limit is set in the module that reads the file, with its reason, far above real use. Here is what they share.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from layerwise.errors import LayerwiseError


class LimitError(LayerwiseError):
    """An environment variable that raises a limit says no number."""


@dataclass(frozen=True)
class Limit:
    """The most that is read of something.

    Attributes:
        name: of the environment variable that raises it.
        default: what it is without that.
        unit: of both, for messages.
    """

    name: str
    default: int
    unit: str

    @property
    def value(self) -> int:
        """What holds now.

        Raises:
            LimitError: the environment variable says no whole number.
        """
        given = os.environ.get(self.name)
        if given is None:
            return self.default
        if not (given.isascii() and given.isdigit() and len(given) <= 18):
            raise LimitError(f"{self.name} in the environment is {given!r}; expected a whole number of {self.unit}")
        return int(given)

    def require(self, found: int, what: str, error: Callable[[str], LayerwiseError]) -> None:
        """Refuse what is above the limit.

        Args:
            what: the file and its part, for the message: `x.zip: the content of a.TextGrid`.
            error: what is raised.
        """
        if found > self.value:
            raise error(
                f"{what} has {found} {self.unit}, and no more than {self.value} are read. Where that is right, raise "
                f"the limit: export {self.name}={found}"
            )
