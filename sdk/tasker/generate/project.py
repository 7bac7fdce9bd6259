"""A whole project for a template: its types, handlers, tests and client, the template itself, and what a package needs.

Reads the files that `tasker init` makes projects of, and the READMEs beside this one.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

import orjson

from tasker.errors import GenerateError
from tasker.generate.examples import example_or
from tasker.generate.files import Generated
from tasker.generate.generators import What, generate
from tasker.generate.naming import one_line
from tasker.generate.plan import Example
from tasker.generate.source import Source
from tasker.scaffold import PLACEHOLDER, Language, read_sources_of

__all__ = ["handlers_file", "make_project"]

_READMES = Path(__file__).parent / "projects"
_PACKAGE_FILES = ("pyproject.toml", ".gitignore", "Gemfile", "package.json", "tsconfig.json")


def make_project(source: Source, language: Language, folder: Path) -> list[Generated]:
    """The files of a project. Raises GenerateError, also where the folder has another template under that name."""
    here = replace(source, location=source.file.name)
    files = [file for what in What for file in generate(here, language, what)]
    tests = next(len(file.pieces or ()) for file in files if "test" in file.path.name)
    return [
        _copy(source, folder),
        *_write_package(here, language),
        Generated(PurePosixPath("README.md"), _write_readme(here, language, tests), ()),
        *files,
    ]


def handlers_file(source: Source, language: Language) -> str:
    """The file that workers are given."""
    suffix = {Language.python: "py", Language.ruby: "rb", Language.typescript: "ts"}[language]
    return f"{source.name}_handlers.{suffix}"


def _copy(source: Source, folder: Path) -> Generated:
    text = source.file.read_text("utf-8")
    there = folder / source.file.name
    # As text, so that ends of lines make no difference; what is no UTF-8 is another file.
    if there.exists() and there.read_text("utf-8", "surrogateescape") != text:
        raise GenerateError(
            f"{there} is another template than {source.file}. Generate from the one in the project: it is what runs"
        )
    return Generated(PurePosixPath(source.file.name), text, ())


def _write_package(source: Source, language: Language) -> Iterator[Generated]:
    name = re.sub(r"[^a-z0-9_-]", "_", source.name)[:29].strip("_-") or "project"
    for path, text in read_sources_of(language):
        if path.name in _PACKAGE_FILES:
            yield Generated(PurePosixPath(path.as_posix()), text.replace(PLACEHOLDER, name), ())


def _write_readme(source: Source, language: Language, handlers: int) -> str:
    template = source.plan.template
    about = one_line(template.description or "")
    values = {
        "title": one_line(template.name),
        "about": f"{about.rstrip('.')}." if about else "A workflow.",
        "template": source.file.name,
        "options": source.options,
        "name": source.name,
        "full_name": shlex.quote(f"{template.namespace}/{template.name}"),
        "input": shlex.quote(_example(source)),
        "tests": str(handlers + 1 if language is Language.python else handlers),
    }
    text = (_READMES / f"{language}.md").read_text("utf-8")
    return re.sub(r"\{(\w+)\}", lambda found: values[found[1]], text)


def _example(source: Source) -> str:
    return orjson.dumps(example_or(Example(source.plan.template.input_schema), {})).decode()
