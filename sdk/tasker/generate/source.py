"""What is generated from: a template of a YAML file, read, with the names that its files have. Reads files."""

from __future__ import annotations

import os
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from tasker.errors import GenerateError
from tasker.generate.naming import snake
from tasker.generate.plan import Plan, make_plan
from tasker.yaml_template import load_templates

if TYPE_CHECKING:
    from tasker.vocabulary import Vocabulary

__all__ = ["Source", "name_files", "read_sources"]


@dataclass(frozen=True, slots=True)
class Source:
    """A template to generate from. `name` is what its files begin with: `order_processing`.

    `location` leads to its file from the folder that is generated into, and so do `resources` and `compositions` to
    those of what its compositions name.
    """

    name: str
    file: Path
    plan: Plan
    location: str
    resources: str | None = None
    compositions: tuple[str, ...] = ()

    @property
    def options(self) -> str:
        """The options that name these files to commands in a shell, each behind a space."""
        named = [] if self.resources is None else [("--resources", self.resources)]
        named += [("--compositions", each) for each in self.compositions]
        return "".join(f" {option} {shlex.quote(file)}" for option, file in named)


def read_sources(
    files: Sequence[Path], into: Path, vocabulary: Vocabulary | None = None
) -> list[Source]:
    """The templates of YAML files, or of folders of them, to be generated into a folder. `vocabulary`: what their
    compositions may name.

    Raises TemplateError for what is wrong in a file; GenerateError for two templates whose files would be called the
    same.
    """
    found: dict[str, Source] = {}
    for given in files:
        for loaded in load_templates(given, vocabulary=vocabulary):
            template = loaded.template
            name = snake(template.name)
            if name in found:
                raise GenerateError(
                    f"{loaded.file} and {found[name].file} both have a template whose files would be called"
                    f" {name}. Generate them into folders of their own, with --out"
                )
            location = Path(os.path.relpath(loaded.file, into)).as_posix()
            found[name] = Source(name, Path(loaded.file), make_plan(template), location)
    return list(found.values())


def name_files(
    source: Source, resources: Path | None, compositions: Sequence[Path], into: Path
) -> Source:
    """The template with the files of what its compositions name, to be generated into a folder."""

    def lead(path: Path) -> str:
        return Path(os.path.relpath(path, into)).as_posix()

    return replace(
        source,
        resources=None if resources is None else lead(resources),
        compositions=tuple(map(lead, compositions)),
    )
