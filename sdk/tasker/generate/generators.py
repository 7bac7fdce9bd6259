"""Which files there are to generate, in each language. Imports the language's own generators when asked."""

from __future__ import annotations

from enum import StrEnum

from tasker.generate.files import Generated
from tasker.generate.source import Source
from tasker.scaffold import Language

__all__ = ["What", "generate"]


class What(StrEnum):
    """What can be generated of a template."""

    types = "types"
    handler = "handler"
    test = "test"
    client = "client"


def generate(source: Source, language: Language, what: What) -> list[Generated]:
    """The files of a template. Raises GenerateError."""
    match language:
        case Language.python:
            return _write_python(source, what)
        case Language.ruby:
            return _write_ruby(source, what)
        case Language.typescript:
            return _write_typescript(source, what)


def _write_python(source: Source, what: What) -> list[Generated]:
    from tasker.generate.python import client, handlers, tests, types

    match what:
        case What.types:
            return [types.write_types(source)]
        case What.handler:
            return [handlers.write_handlers(source)]
        case What.test:
            return [tests.write_tests(source)]
        case What.client:
            return [client.write_client(source)]


def _write_ruby(source: Source, what: What) -> list[Generated]:
    from tasker.generate.ruby import client, handlers, tests, types

    match what:
        case What.types:
            return list(types.write_types(source))
        case What.handler:
            return [handlers.write_handlers(source)]
        case What.test:
            return [tests.write_tests(source)]
        case What.client:
            return list(client.write_client(source))


def _write_typescript(source: Source, what: What) -> list[Generated]:
    from tasker.generate.typescript import client, handlers, tests, types

    match what:
        case What.types:
            return [types.write_types(source)]
        case What.handler:
            return [handlers.write_handlers(source)]
        case What.test:
            return [tests.write_tests(source)]
        case What.client:
            return [client.write_client(source)]
