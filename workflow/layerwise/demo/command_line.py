"""What the programs that make the demo's archives share: options, progress, and digests of what was made."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from hashlib import md5, sha256
from pathlib import Path
from typing import TypeVar

from layerwise.errors import LayerwiseError

Thing = TypeVar("Thing")
Progress = Callable[[str], None]  # told now and then, in a line, what has been done


def silent(line: str) -> None:
    """Progress that nobody wants to see."""


def told(things: Sequence[Thing], what: str, progress: Progress) -> Iterator[Thing]:
    """Things one after the other; after every hundred of them, progress is told."""
    for number, thing in enumerate(things, start=1):
        yield thing
        if number % 100 == 0:
            progress(f"{number} of {len(things)} {what}")


def make_or_measure(
    module: str,
    about: str | None,
    *,
    make: Callable[[Path, int, int, Progress], object],
    archives: Callable[[Path], Sequence[Path]],
    describe: Callable[[Sequence[Path]], str],
    count: tuple[str, int],
    arguments: Sequence[str] | None,
) -> None:
    """A program that makes archives in a folder, or finds them there, and says what they hold.

    Args:
        module: of `layerwise.demo`.
        about: a sentence for its help.
        make: makes them, given the folder, how many things, a seed and the progress to tell.
        archives: their paths in a folder.
        describe: what they hold, in lines of text.
        count: the option that says how many things, and its default.
        arguments: None: those of the command line.
    """
    option, number = count
    parser = argparse.ArgumentParser(prog=f"python -m layerwise.demo.{module}", description=about)
    parser.add_argument("folder", type=Path, metavar="OUTPUT_FOLDER", help="where the archives go")
    parser.add_argument(option, dest="count", type=int, default=number, help="how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="seed of everything that is drawn (default: %(default)s)")
    parser.add_argument("--measure", action="store_true", help="make nothing, only measure what is in the folder")
    options = parser.parse_args(arguments)
    made = archives(options.folder)
    try:
        if not options.measure:
            make(options.folder, options.count, options.seed, print)
        print(describe(made))
    except (LayerwiseError, FileNotFoundError) as error:
        raise SystemExit(str(error)) from error
    for archive in made:
        content = archive.read_bytes()
        print(f"{archive.name}: {len(content)} bytes, md5 {md5(content).hexdigest()}")
        print(f"  sha256 {sha256(content).hexdigest()}")
