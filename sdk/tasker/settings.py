"""What the environment says. Read when asked, never on import."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from tasker.errors import InvalidInputError

__all__ = ["Settings", "read_settings"]

_POOLERS = {"": None, "auto": None, "none": False, "transaction": True}


@dataclass(frozen=True, slots=True)
class Settings:
    """`url`: the database, from TASKER_DATABASE_URL; None means the embedded one.

    `home`: where the embedded database lives, from TASKER_HOME. `pooled`: whether a pooler in transaction mode stands
    before the database, from TASKER_POOLER (none, transaction, or auto); None means that it is found out.
    """

    url: str | None
    home: Path
    pooled: bool | None


def read_settings(environment: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings. Raises InvalidInputError when TASKER_POOLER is none of its values."""
    pooler = environment.get("TASKER_POOLER", "")
    if pooler not in _POOLERS:
        raise InvalidInputError(f"TASKER_POOLER is {pooler!r}", "Use none, transaction or auto.")
    home = environment.get("TASKER_HOME")
    return Settings(
        url=environment.get("TASKER_DATABASE_URL") or None,
        home=Path(home).expanduser().resolve() if home else _default_home(),
        pooled=_POOLERS[pooler],
    )


def _default_home() -> Path:
    """The user's data folder; root's is closed to the user that the server runs as, so root has another."""
    return Path("/var/lib/tasker") if os.geteuid() == 0 else platformdirs.user_data_path("tasker")
