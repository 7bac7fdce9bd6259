"""The functions of the language: one table, made of the groups that the modules of this folder hold. Pure."""

from tasker_grammar.expressions.library import lists, numbers, objects, ordering, streams, texts
from tasker_grammar.expressions.library.interface import Function, Site

__all__ = ["FUNCTIONS", "Function", "Site"]

FUNCTIONS: dict[tuple[str, int], Function] = {
    (function.name, len(function.parameters)): function
    for group in (streams, lists, ordering, objects, texts, numbers)
    for function in group.FUNCTIONS
}
"""All functions, by name and number of arguments."""
