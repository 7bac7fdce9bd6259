"""Finds what a worker is to run: workflows and handlers in modules, templates in YAML files beside.

Imports user code, so what that code does on import happens. Touches sys.path and the file system.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import sysconfig
import traceback
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from tasker.binding import ACTION, Handler, handlers_in
from tasker.checking import check
from tasker.errors import TaskerError
from tasker.template import Template
from tasker.workflow import Workflow
from tasker.yaml_template import LoadedTemplate, load_all_templates

if TYPE_CHECKING:
    from tasker.vocabulary import Vocabulary

__all__ = [
    "BadCommand",
    "Discovery",
    "DiscoveryError",
    "NoProgram",
    "discover",
    "find_folder",
]

# Tasker's own code, Python's, and what is installed beside it.
_NOT_THEIRS = {
    Path(__file__).parent,
    *(Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")),
}


class DiscoveryError(TaskerError):
    """A module or a template file cannot be loaded, or there is nothing in it to run."""


class BadCommand(DiscoveryError):
    """A command line with a program of handlers names none, or cannot be read."""


class NoProgram(DiscoveryError):
    """There is no such program to start."""


@dataclass(frozen=True, slots=True)
class Discovery:
    """What was found: workflows, handlers outside workflows, templates from YAML files, and actions: functions that
    compositions may invoke.
    """

    workflows: tuple[Workflow, ...]
    handlers: tuple[Handler, ...]
    loaded: tuple[LoadedTemplate, ...]
    actions: tuple[Callable[..., Any], ...] = ()

    @property
    def templates(self) -> tuple[Template, ...]:
        """The templates from files."""
        return tuple(one.template for one in self.loaded)

    @property
    def handler_names(self) -> frozenset[str]:
        """The names of all handlers, those of workflows among them."""
        own = (name for workflow in self.workflows for name in workflow.handlers)
        return frozenset(own).union(handler.name for handler in self.handlers)

    def add_actions_to(self, vocabulary: Vocabulary | None) -> Vocabulary | None:
        """What compositions may name, with the actions that were found."""
        return _with_actions(vocabulary, self.actions)

    @property
    def warnings(self) -> Iterator[str]:
        """What is likely a mistake in a template, a line each."""
        for workflow in self.workflows:
            for fault in check(workflow.template):
                if fault.severity == "warning":
                    yield fault.line_about(workflow.full_name)
        for one in self.loaded:
            yield from map(str, one.warnings)

    @property
    def all_templates(self) -> tuple[Template, ...]:
        """The templates of the workflows, then those from files."""
        return (*(workflow.template for workflow in self.workflows), *self.templates)


def discover(
    modules: Sequence[str],
    template_paths: Sequence[Path] = (),
    environment: str | None = None,
    vocabulary: Vocabulary | None = None,
) -> Discovery:
    """Load modules, by dotted name or by file path, and YAML files, or folders of them.

    A name is looked for in the current folder first, as `python -m` does. Workflows and handlers
    count wherever in a module they are named, also when they were imported into it. `environment`
    is applied to the YAML templates; `vocabulary` is what their compositions may name, beside the modules' actions.
    Raises DiscoveryError, TemplateError for what is wrong inside a
    template file, and UnknownEnvironmentError when no template has that environment.
    """
    workflows: dict[int, Workflow] = {}
    handlers: dict[int, Handler] = {}
    actions: dict[int, Callable[..., Any]] = {}
    for given in modules:
        module = _load(given)
        here = [value for value in vars(module).values() if isinstance(value, Workflow)]
        handlers_here = handlers_in(vars(module))
        actions_here = [value for value in vars(module).values() if _is_action(value)]
        if not here and not handlers_here and not actions_here:
            raise DiscoveryError(f"{given} has no workflow and no handler. {_where(module)}")
        workflows.update((id(workflow), workflow) for workflow in here)
        handlers.update((id(handler), handler) for handler in handlers_here)
        actions.update((id(function), function) for function in actions_here)
    known = _with_actions(vocabulary, [*actions.values()])
    loaded = load_all_templates(template_paths, environment=environment, vocabulary=known)
    return Discovery(
        tuple(workflows.values()),
        tuple(handlers.values()),
        tuple(loaded),
        tuple(actions.values()),
    )


def _is_action(value: object) -> bool:
    return hasattr(value, "__dict__") and ACTION in vars(value)


def _with_actions(
    vocabulary: Vocabulary | None, functions: Collection[Callable[..., Any]]
) -> Vocabulary | None:
    """The vocabulary, with the functions that compositions may invoke."""
    if not functions:
        return vocabulary
    from tasker.vocabulary import Vocabulary, add_actions

    return add_actions(vocabulary or Vocabulary(), functions)


def find_folder(given: str) -> Path:
    """The folder whose files make up a module: that of its outermost package, or its own.

    Imports nothing. Raises DiscoveryError when there is no such module or file.
    """
    if _is_path(given):
        path = _existing(given)
        root, name = _split_path(path)
        top = root / name.partition(".")[0]
        return top if top.is_dir() else root
    _put_first(Path.cwd())
    outermost = given.partition(".")[0]
    spec = importlib.util.find_spec(outermost)
    if spec is None:
        raise _missing(outermost)
    _find_inner(given, spec)
    places = [spec.origin] if spec.origin else list(spec.submodule_search_locations or ())
    path = Path(places[0]) if places else Path.cwd()
    return path if path.is_dir() else path.parent


def _find_inner(given: str, outermost: ModuleSpec) -> None:
    """See that a module of a package is there, whose file has not run. Raises DiscoveryError when it is not."""
    spec, parts = outermost, given.split(".")
    for number in range(2, len(parts) + 1):
        if spec.submodule_search_locations is None:
            return  # no package: what importing says is better
        name = ".".join(parts[:number])
        found = PathFinder.find_spec(name, list(spec.submodule_search_locations))
        if found is None:
            raise _missing(name)
        spec = found


def _load(given: str) -> ModuleType:
    if not _is_path(given):
        _put_first(Path.cwd())
        return _import(given, given)
    path = _existing(given)
    if path.is_dir() and not (path / "__init__.py").exists():
        raise DiscoveryError(f"{given} is a folder that is no package: name a file in it")
    root, name = _split_path(path)
    _put_first(root)
    module = _import(name, given)
    found = Path(module.__file__ or "").resolve()
    if found not in (path, path / "__init__.py"):
        raise DiscoveryError(f"{given} cannot be loaded: its name is taken by {found}. Rename it")
    return module


def _import(name: str, given: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{name}.".startswith(f"{error.name}."):
            raise _missing(error.name) from None
        raise DiscoveryError(_describe(error, given)) from error
    except (Exception, SystemExit) as error:
        raise DiscoveryError(_describe(error, given)) from error


def _describe(error: BaseException, given: str) -> str:
    """One line: the innermost place in the user's own code, and the error."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{given} cannot be loaded: {error.filename}:{error.lineno}: {error.msg}"
    frames = traceback.extract_tb(error.__traceback__)
    nearest = ([frame for frame in frames if _is_theirs(frame.filename)] or frames)[-1]
    at = f"{nearest.filename}:{nearest.lineno}: "
    return f"{given} cannot be loaded: {at}{type(error).__name__}: {error}"


def _is_theirs(filename: str) -> bool:
    folders = set(Path(filename).parents)
    return not (filename.startswith("<") or folders & _NOT_THEIRS)


def _missing(name: str) -> DiscoveryError:
    return DiscoveryError(
        f"there is no module {name}. Looked in {Path.cwd()} and where Python does; a file is given"
        " by its path, as in flows/orders.py"
    )


def _existing(given: str) -> Path:
    path = Path(given).resolve()
    if not path.exists():
        raise DiscoveryError(f"there is no file {given}")
    return path


def _is_path(given: str) -> bool:
    return given.endswith(".py") or os.sep in given


def _split_path(path: Path) -> tuple[Path, str]:
    """The folder to look in and the dotted name to import, for a file that may be in packages."""
    names = [path.stem] if path.name != "__init__.py" else []
    folder = path.parent
    while (folder / "__init__.py").exists():
        names.append(folder.name)
        folder = folder.parent
    return folder, ".".join(reversed(names))


def _put_first(folder: Path) -> None:
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


def _where(module: ModuleType) -> str:
    if hasattr(module, "__path__"):
        return "It is a package: name the module in it that defines them, or import them there"
    return 'Define a Workflow, or put @handler("name") above a function'
