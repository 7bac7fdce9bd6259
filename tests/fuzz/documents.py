"""YAML and JSON texts of templates with something wrong in them. Pure: all chance comes from the Random handed in."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import yaml
from tests.fuzz import hostile

ROOT = Path(__file__).parents[2]
FILES = sorted([*ROOT.glob("tests/templates/*.yaml"), *ROOT.glob("examples/**/*.yaml")])
PUBLISHED: Sequence[str] = [file.read_text("utf-8") for file in FILES]
DATA: Sequence[Any] = [each for text in PUBLISHED for each in yaml.safe_load_all(text)]

# Pieces that mean something in YAML, and where a text has one too many of them it means something else.
PIECES: Sequence[str] = (
    "&a ", "*a", "!!int ", "!!float ", "!!bool ", "!!null ", "!!str ", "!!map ", "!!seq ", "!!set ",
    "! ", "<<: *a\n", "!!binary ", "!!python/object:os.system ", "!!timestamp ", "!x ", "? ", "? [a]\n: 1\n", "---\n",
    "...\n", "%YAML 9.9\n", "%TAG ! tag:x,2000:\n", "|\n", ">-\n", "'", '"', "{", "}", "[", "]", ": ", "- ", "#",
    "\t", "\x00", "\x85", "\u2028", "\ufeff", "\ud800", "9" * 5_000, "0x" + "f" * 50, "1e999", ".nan", ".inf", "-.inf",
    "2026-01-01", "~", "null", "true", "=", "\\", "\\u0000", "\\ud800", "[" * 400, "{a: " * 400, "- " * 400, "? " * 200,
    "name: x\n", "steps: []\n", "handler: {callable: a}\n", "type: decision\n", "dependencies: [x]\n", "\n", "  ", "\r",
    "environments: {test: {steps: [{name: ALL}]}}\n", "\U0001f4a3", "0o77", "1_000", "12:30", "on",
)  # fmt: skip


def document(random: Random) -> str:
    """A template with a few things wrong in what it says, as YAML or JSON."""
    data = [hostile.mutated(random, random.choice(DATA)) for _ in range(random.choice((1, 1, 2)))]
    if random.randrange(2):
        return "\n---\n".join(json.dumps(each) for each in data)
    return yaml.safe_dump_all(data, allow_unicode=True, sort_keys=False)


def scrambled(random: Random) -> str:
    """A published template with a few things wrong in how it is written."""
    text = random.choice(PUBLISHED)
    for _ in range(random.choice((1, 1, 2, 4, 8))):
        at = random.randrange(len(text) + 1)
        end = min(len(text), at + random.choice((0, 1, 5, 40)))
        other = random.randrange(len(text) + 1)
        match random.randrange(4):
            case 0:
                text = text[:at] + text[end:]
            case 1:
                text = text[:at] + text[other : other + 60] + text[end:]
            case _:
                text = text[:at] + random.choice(PIECES) + text[end:]
    return text
