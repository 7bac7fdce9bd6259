"""The primitives, one module each. `interface` says what one is; PRIMITIVES has them by kind. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tasker_grammar.primitives.acquire import Acquire
from tasker_grammar.primitives.assertion import Assert
from tasker_grammar.primitives.compose import Compose
from tasker_grammar.primitives.converge import Converge
from tasker_grammar.primitives.decide import Decide
from tasker_grammar.primitives.emit import Emit
from tasker_grammar.primitives.fan_out import FanOut
from tasker_grammar.primitives.gate import Gate
from tasker_grammar.primitives.interface import Primitive
from tasker_grammar.primitives.invoke import Invoke
from tasker_grammar.primitives.persist import Persist
from tasker_grammar.primitives.transform import Transform
from tasker_grammar.primitives.validate import Validate
from tasker_grammar.primitives.wait import Wait

__all__ = ["PRIMITIVES"]

_ALL: tuple[Primitive[Any, Any], ...] = (
    Acquire(),
    Transform(),
    Validate(),
    Assert(),
    Decide(),
    FanOut(),
    Converge(),
    Gate(),
    Persist(),
    Emit(),
    Wait(),
    Invoke(),
    Compose(),
)

PRIMITIVES: Mapping[str, Primitive[Any, Any]] = {each.kind: each for each in _ALL}
