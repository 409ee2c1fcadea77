"""What the pages of this repository say: their links, commands and configurations."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
README = REPOSITORY / "README.md"
FAULTS = REPOSITORY / "tests/FAULTS.md"
MESSAGES = REPOSITORY / "tests/MESSAGES.md"
DOCS = sorted((REPOSITORY / "docs").glob("*.md"))
PAGES = [
    README,
    *DOCS,
    FAULTS,
    MESSAGES,
    *(REPOSITORY / f"{folder}/README.md" for folder in ("profiles", "results", "resources/demo")),
]
PAGES += [REPOSITORY / "workflow/layerwise/README.md"]

_FENCE = re.compile(r"^( *)```([^\n`]*)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
FRAGMENT = "fragment"  # of a block that is no configuration by itself: ```yaml fragment


@dataclass(frozen=True)
class Block:
    """A block of code on a page."""

    page: Path
    line: int
    language: str
    text: str

    @property
    def place(self) -> str:
        return f"{name_of(self.page)}:{self.line}"


def name_of(page: Path) -> str:
    return str(page.relative_to(REPOSITORY))


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def blocks(page: Path) -> list[Block]:
    text = text_of(page)
    return [
        Block(
            page,
            text.count("\n", 0, found.start()) + 1,
            found[2].strip(),
            re.sub(f"^{found[1]}", "", found[3], flags=re.M),
        )
        for found in _FENCE.finditer(text)
    ]


def prose(page: Path) -> str:
    """A page without its blocks of code."""
    return _FENCE.sub("", text_of(page))


def quoted(page: Path) -> list[str]:
    """What stands in backticks, in one line each."""
    return [" ".join(code.split()) for code in re.findall(r"`([^`]+)`", prose(page))]


def links(page: Path) -> list[str]:
    """Targets of links, but for those of other sites."""
    found = re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`]*`", "", prose(page)))
    return [target for target in found if not re.match(r"\w+:", target)]


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub gives to headings."""
    titles = re.findall(r"^#+ +(.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def commands(page: Path, program: str) -> list[list[str]]:
    """The arguments of each call of a program, in blocks and in the text."""
    lines = []
    for block in blocks(page):
        if block.language in ("", "sh"):
            lines += re.sub(r"\\\n\s*", "", block.text).splitlines()
    parts = [part.strip() for line in [*lines, *quoted(page)] for part in line.removeprefix("$ ").split("&&")]
    parts = [re.sub(r"^([A-Z]+=\S+ )+", "", part) for part in parts]
    return [list(arguments_of(part, program)) for part in parts if re.match(rf"{re.escape(program)}(\s|$)", part)]


def arguments_of(command: str, program: str) -> tuple[str, ...]:
    """What follows a program in a command, without a comment at its end."""
    return tuple(shlex.split(command.removeprefix(program), comments=True))
