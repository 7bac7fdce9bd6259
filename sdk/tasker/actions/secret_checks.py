"""Says which secrets that resources name are not here, and which lie open to others. Touches where secrets are.

No value shows itself in what is said.
"""

from __future__ import annotations

import logging
import os
import shlex
import stat
from collections.abc import Iterator
from pathlib import Path

from tasker.actions.secrets import SecretError, Secrets, Sensitive
from tasker_grammar.findings import Finding
from tasker_grammar.resources import Resources, Secret

__all__ = ["check_secrets", "tell_secrets"]

_log = logging.getLogger(__name__)

_NOT_THERE, _OPEN = "R508", "R511"


def check_secrets(resources: Resources, secrets: Secrets) -> Iterator[Finding]:
    """Which secrets cannot be found here, and which files of secrets others may read. Paths lead into the file of
    resources.
    """
    for path, secret in _secrets_of(resources):
        found = _look_up(secret.name, secrets)
        if isinstance(found, str):
            hint = "Workers need it; set it where they run."
            yield Finding(_NOT_THERE, "warning", found, hint, path)
        elif found.file is not None and (who := _readers_of(found.file)):
            what = f"{who} may read the secret {secret.name} in {found.file}"
            hint = f"Run: chmod 600 {shlex.quote(str(found.file))}"
            yield Finding(_OPEN, "warning", what, hint, path)


def tell_secrets(resources: Resources, secrets: Secrets) -> None:
    """Warn of the same in the log, a line for those that are not there, and a line for those that lie open."""
    found = list(check_secrets(resources, secrets))
    absent = dict.fromkeys(each.message for each in found if each.code == _NOT_THERE)
    if absent:
        _log.warning("steps that need these will fail: %s", "; ".join(absent))
    bare = dict.fromkeys(f"{each.message} ({each.hint})" for each in found if each.code == _OPEN)
    if bare:
        _log.warning("secrets lie open: %s", "; ".join(bare))


def _look_up(name: str, secrets: Secrets) -> Sensitive | str:
    try:
        return secrets(name)
    except SecretError as error:
        return str(error)
    except Exception as error:  # of whoever gives the secrets; its message may hold anything
        return f"the secret {name} cannot be looked up ({type(error).__name__})"


def _readers_of(file: Path) -> str:
    """Who else may read a file, as far as it and its folder say. A closed folder keeps out whom the file lets in."""
    try:
        own, folder = file.stat(), file.parent.stat()
    except OSError:  # it was taken away just now
        return ""
    # Whom the folder lets through, at the bits of whom a file lets read.
    through = folder.st_mode << 2
    open_to = own.st_mode & through & (stat.S_IRGRP | stat.S_IROTH)
    if own.st_uid != os.geteuid():
        open_to &= ~stat.S_IRGRP  # it may be by the group that this process reads it
    if open_to & stat.S_IROTH:
        return "everybody"
    return "its group" if open_to else ""


def _secrets_of(resources: Resources) -> Iterator[tuple[str, Secret]]:
    for name, endpoint in resources.endpoints.items():
        texts = {"base_url": endpoint.base_url}
        texts |= {f"headers/{header}": text for header, text in endpoint.headers.items()}
        for field, text in texts.items():
            if isinstance(text, Secret):
                yield f"/endpoints/{name}/{field}", text
    for name, table in resources.tables.items():
        if table.database is not None:
            yield f"/tables/{name}/database", table.database
