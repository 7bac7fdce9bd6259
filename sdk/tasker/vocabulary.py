"""What the compositions in templates may name: resources, and other compositions. Reads the files it is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tasker.actions.invoking import Invocable, invocable_of, with_actions
from tasker.actions.resources_file import load_resources
from tasker.compositions import load_compositions
from tasker.errors import DefinitionError
from tasker_grammar.catalog import Catalog, bundled
from tasker_grammar.resources import Resources

__all__ = ["Vocabulary", "add_actions", "hold_resources", "load_vocabulary", "read_actions"]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What compositions may name. By default no resources, and the compositions that come with Tasker."""

    resources: Resources = field(default_factory=Resources)
    compositions: Catalog = field(default_factory=bundled)


def load_vocabulary(
    resources: str | Path | None = None, compositions: Sequence[str | Path] = ()
) -> Vocabulary:
    """The vocabulary of a file of resources, and of files of compositions, or folders of them, beside Tasker's own.

    Raises `ResourcesError` or `CompositionError` with everything that is wrong in the files.
    """
    known = Vocabulary()
    if resources is not None:
        known = replace(known, resources=load_resources(Path(resources)))
    if compositions:
        known = replace(known, compositions=load_compositions(compositions))
    return known


def hold_resources(given: object, where: str) -> Resources:
    """Resources, as a caller gave them. Raises `DefinitionError` for what is none, as the name of their file."""
    if isinstance(given, Resources):
        return given
    hint = "Give them loaded: resources=load_resources('resources.yaml'), from tasker.actions.resources_file"
    raise DefinitionError(f"{where}: its resources are {given!r}. {hint}")


def read_actions(functions: Iterable[Callable[..., Any]]) -> dict[str, Invocable]:
    """What compositions may invoke of these functions, by name. Raises `DefinitionError` for one that is no action."""
    found: dict[str, Invocable] = {}
    for function in functions:
        invocable = invocable_of(function)
        if invocable is None:
            raise DefinitionError(f"{function!r} is no action: put @action above it")
        found[invocable.name] = invocable
    return found


def add_actions(vocabulary: Vocabulary, functions: Iterable[Callable[..., Any]]) -> Vocabulary:
    """The vocabulary with functions that compositions may invoke. Raises `DefinitionError`."""
    found = read_actions(functions)
    return replace(vocabulary, resources=with_actions(vocabulary.resources, found))
