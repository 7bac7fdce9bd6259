"""The primitives, one module each. `interface` says what one is; PRIMITIVES has them by kind. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasker_grammar.primitives.interface import Primitive

__all__ = ["PRIMITIVES"]

PRIMITIVES: Mapping[str, Primitive[Any, Any]] = {}
