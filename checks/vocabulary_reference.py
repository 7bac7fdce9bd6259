"""Writes the vocabulary of compositions, in full, from what is there in the code."""

from __future__ import annotations

from tasker_grammar.catalog import bundled
from tasker_grammar.vocabulary import gather, write


def render() -> str:
    """The generated part of docs/vocabulary.md."""
    _, text = write(gather(bundled()), "full").split("\n\n", 1)
    return text
