"""The documentation's pages, and what the checks and tests look at in them. Reads files."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
"""The documentation, whose examples are run."""

PAGES = [
    *DOCS,
    *(ROOT / name for name in ("CHANGELOG.md", "CONTRIBUTING.md", "examples/README.md")),
    *sorted((ROOT / "examples" / "compositions").rglob("*.md")),
]
"""All pages, whose links are checked."""

_FENCE = re.compile(r"(?P<fence>`{3,})(?P<info>[^`]*)")
_LINK = re.compile(r"(?<!!)\[(?:[^\[\]]|\[[^\]]*\])*\]\((?P<target>[^()\s]+)\)")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, the words after it, its text, and the line its text begins on."""

    page: Path
    line: int
    language: str
    words: tuple[str, ...]
    text: str

    @property
    def where(self) -> str:
        """The page and the line, as editors take it."""
        page = self.page.relative_to(ROOT) if self.page.is_relative_to(ROOT) else self.page
        return f"{page}:{self.line}"

    @property
    def file(self) -> str | None:
        """The file that the block is, if it says so: `file=orders.py`."""
        return next(
            (word.removeprefix("file=") for word in self.words if word.startswith("file=")), None
        )


def read_blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page."""
    blocks: list[Block] = []
    opened: tuple[str, int, list[str], list[str]] | None = None
    for number, line in enumerate(page.read_text("utf-8").splitlines(), 1):
        match = _FENCE.fullmatch(line.strip())
        if opened is None:
            if match:
                opened = (match["fence"], number + 1, match["info"].split(), [])
        elif line.strip() == opened[0]:
            _, begin, info, text = opened
            blocks.append(Block(page, begin, *_split(info), "\n".join(text) + "\n"))
            opened = None
        else:
            opened[3].append(line)
    assert opened is None, f"{page}:{opened[1] if opened else 0}: a fence is not closed"
    return blocks


def read_prose(page: Path) -> str:
    """The page with its fenced blocks emptied, so that what is left stands on its own lines."""
    lines = page.read_text("utf-8").splitlines()
    for block in read_blocks(page):
        count = block.text.count("\n")
        lines[block.line - 1 : block.line - 1 + count] = [""] * count
    return "\n".join(lines)


def read_tables(page: Path, heading: str) -> list[list[list[str]]]:
    """The tables below a heading, down to the next one: rows of cells, the head and its rule left out."""
    section = re.split(r"^#+ +(.+)$", read_prose(page), flags=re.MULTILINE)
    text = section[section.index(heading) + 1]
    tables: list[list[list[str]]] = []
    for chunk in re.findall(r"(?:^\|.*\|$\n?)+", text, flags=re.MULTILINE):
        rows = [
            [cell.strip() for cell in re.split(r"(?<!\\)\|", row)[1:-1]]
            for row in chunk.splitlines()
        ]
        tables.append(rows[2:])
    return tables


def quoted(cell: str) -> list[str]:
    """What stands in backticks."""
    return re.findall(r"`([^`]+)`", cell)


def find_links(page: Path) -> Iterator[tuple[int, str]]:
    """The line and the target of each link."""
    for number, line in enumerate(read_prose(page).splitlines(), 1):
        for match in _LINK.finditer(line):
            yield number, match["target"]


def find_anchors(page: Path) -> set[str]:
    """What a link into the page may name after its #, as GitHub makes it from the headings."""
    anchors: set[str] = set()
    for heading in re.findall(r"^#+ +(.+)$", read_prose(page), flags=re.MULTILINE):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
        base = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        count = 0
        while (anchor := base if count == 0 else f"{base}-{count}") in anchors:
            count += 1
        anchors.add(anchor)
    return anchors


def _split(info: list[str]) -> tuple[str, tuple[str, ...]]:
    return (info[0], tuple(info[1:])) if info else ("", ())
