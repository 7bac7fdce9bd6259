"""Secrets: looked up by name where they are used, and kept nowhere. Reads the environment or files, when asked.

A secret is `TASKER_SECRET_<NAME>` in the environment, or a file of its name in a folder, as Docker and Kubernetes
mount them. A value never shows itself: not in a repr, a log, or an error.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from tasker.errors import TaskerError
from tasker_grammar.resources import Secret

__all__ = [
    "SecretError",
    "Secrets",
    "Sensitive",
    "read_environment",
    "read_folder",
    "read_secrets",
    "reveal",
]

_PREFIX = "TASKER_SECRET_"
_FOLDER = "TASKER_SECRETS"
_LARGEST = 65_536  # bytes


class SecretError(TaskerError):
    """A secret is not there, or cannot be read. The message names it and says where it was looked for."""


@dataclass(frozen=True, slots=True, repr=False)
class Sensitive:
    """A text that does not show itself. `value` is it, for the one place where it is used.

    `file`: where it was read, if from a file.
    """

    value: str
    file: Path | None = None

    def __repr__(self) -> str:
        return "Sensitive(***)"


Secrets = Callable[[str], Sensitive]
"""Gives a secret by its name. Raises SecretError."""


def read_secrets(
    folder: Path | None = None, environment: Mapping[str, str] = os.environ
) -> Secrets:
    """Where secrets come from: the folder, if one is given or named by TASKER_SECRETS, then the environment."""
    named = folder or (Path(environment[_FOLDER]) if environment.get(_FOLDER) else None)
    if named is None:
        return read_environment(environment)

    def from_both(name: str) -> Sensitive:
        try:
            return read_folder(named)(name)
        except SecretError as error:
            if variable_of(name) in environment:
                return read_environment(environment)(name)
            raise SecretError(f"{error}, nor {variable_of(name)} in the environment") from None

    return from_both


def read_environment(environment: Mapping[str, str] = os.environ) -> Secrets:
    """Secrets from the environment: `billing-token` is TASKER_SECRET_BILLING_TOKEN."""

    def from_environment(name: str) -> Sensitive:
        variable = variable_of(name)
        value = environment.get(variable)
        if not value:
            raise SecretError(f"there is no secret {name}: {variable} is not set")
        return Sensitive(value)

    return from_environment


def read_folder(folder: Path) -> Secrets:
    """Secrets from a folder: `billing/token` is the file of that name below it, without the end of its last line."""

    def from_folder(name: str) -> Sensitive:
        path = folder / name
        # No way leads out by the name; a link may, because whoever fills the folder has set it.
        if any(part in ("", ".", "..") for part in name.split("/")):
            raise SecretError(f"{name} is no name of a secret")
        try:
            with path.open("rb") as file:
                data = file.read(_LARGEST + 1)
            text = data.decode()
        except UnicodeDecodeError:
            raise SecretError(f"the secret {name} is no UTF-8 text") from None
        except OSError:
            raise SecretError(f"there is no secret {name}: no file {path} can be read") from None
        if not text or len(data) > _LARGEST:
            raise SecretError(f"the secret {name} is empty, or longer than {_LARGEST:,} bytes")
        return Sensitive(text.removesuffix("\n").removesuffix("\r"), path)

    return from_folder


def reveal(text: str | Secret, secrets: Secrets) -> str:
    """A text as it is, or the secret that stands for it. Raises SecretError."""
    return text if isinstance(text, str) else secrets(text.name).value


def variable_of(name: str) -> str:
    """The environment's name for a secret."""
    return _PREFIX + re.sub(r"[^A-Z0-9]", "_", name.upper())
