"""What the database answers to a request that it refuses, as what Tasker raises. Pure."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import psycopg

from tasker.errors import (
    ConflictError,
    DatabaseUnavailable,
    InvalidInputError,
    InvalidStateError,
    NotAllowedError,
    NotFoundError,
    NotInstalledError,
)
from tasker_sql.session import passes

__all__ = ["request_errors"]

_REQUEST_ERRORS = {
    kind.sqlstate: kind
    for kind in (NotFoundError, InvalidInputError, ConflictError, InvalidStateError)
}

_NOT_INSTALLED = {"3F000", "42883", "42P01"}  # no such schema, function, table
_NOT_ALLOWED = "42501"


@contextmanager
def request_errors() -> Generator[None]:
    """Raise what the database refuses as RequestError, its absence as DatabaseUnavailable, and what is missing in it as
    NotInstalledError or NotAllowedError.
    """
    try:
        yield
    except psycopg.Error as error:
        kind = _REQUEST_ERRORS.get(error.sqlstate or "")
        if kind is not None:
            raise kind(error.diag.message_primary or str(error), error.diag.message_hint) from error
        if passes(error):
            raise DatabaseUnavailable(str(error)) from error
        if error.sqlstate in _NOT_INSTALLED:
            raise NotInstalledError(error.diag.message_primary or str(error)) from error
        if error.sqlstate == _NOT_ALLOWED:
            raise NotAllowedError(error.diag.message_primary or str(error)) from error
        if isinstance(error, psycopg.DataError):  # a NUL, for instance
            detail = error.diag.message_detail or error.diag.message_primary or str(error)
            raise InvalidInputError(f"the database cannot store this: {detail}") from error
        raise
