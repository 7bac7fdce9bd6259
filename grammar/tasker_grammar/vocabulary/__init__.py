"""The vocabulary: all that may be said in the grammar, for people and for models that are to write it. Pure.

It is read from what is there: the primitives, the functions of expressions, the catalog, the codes of findings.
`entries` gathers, `documents` writes.
"""

from __future__ import annotations

from tasker_grammar.vocabulary.documents import SIZES, Size, as_json, write
from tasker_grammar.vocabulary.entries import SORTS, Entry, Sort, gather, search

__all__ = ["SIZES", "SORTS", "Entry", "Size", "Sort", "as_json", "gather", "search", "write"]
