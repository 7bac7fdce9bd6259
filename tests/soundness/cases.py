"""Whole cases made by chance: a composition or a fragment, what it may name, and what it is given. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.soundness.outside import make_resources
from tests.soundness.programs import KINDS, Author, Step, walk
from tests.soundness.shapes import Shape, make_object
from tests.soundness.watching import WATCHED

from tasker_grammar.catalog import Catalog, bundled
from tasker_grammar.checking import Report, check_composition, check_fragment
from tasker_grammar.composition import Bounds, Composition
from tasker_grammar.resources import Resources
from tasker_grammar.schema_types import type_of
from tasker_grammar.types import Field, Object

BOUNDS = Bounds(max_steps=60, max_depth=60, max_work=100_000, max_writes=5_000)
SECRET_KINDS = {**KINDS, "gate": 0, "wait": 0, "decide": 5, "acquire": 8, "emit": 5}
REAL_KINDS = {**KINDS, "invoke": 0, "assert": 1, "persist": 5, "emit": 4}
_PARAMETERS = {"resource": ("endpoint", "table"), "event": ("event",), "action": ("action",)}


@dataclass(frozen=True)
class Case:
    """What is checked and run: steps with their result, as a composition or as a fragment."""

    seed: int
    resources: Resources
    library: Mapping[str, Composition]
    input: Shape
    steps: list[Step]
    result: str
    fragment: bool
    bounds: Bounds = BOUNDS

    existing: tuple[str, ...] = ()
    """Ids that a fragment may not take."""
    contract: Shape = None
    """What the result must fit, if anything is said."""
    more: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Further fields of the composition, or of the fragment."""

    def as_composition(self) -> Composition:
        """It as a composition, with a name of its own."""
        return Composition(
            name=f"made_{self.seed}", input=self.input, steps=tuple(self.steps), result=self.result
        )

    @property
    def catalog(self) -> Catalog:
        """The compositions that it may use: its own, and those that come with Tasker."""
        return Catalog((*bundled().compositions, *self.library.values()))


def check(case: Case) -> Report:
    """What the checker says, with all primitives watched."""
    written = {"steps": case.steps, "result": case.result, **case.more}
    if case.fragment:
        return check_fragment(
            {"version": "1", **written},
            case.resources,
            case.catalog,
            Object({"input": Field(type_of(case.input))}),
            bounds=case.bounds,
            existing=case.existing,
            result=case.contract,
            kinds=WATCHED,
        )
    if case.contract is not None:
        written["output"] = case.contract
    whole = {"name": "made", "input": case.input, **written}
    return check_composition(whole, case.resources, case.catalog, kinds=WATCHED)


def make_case(seed: int, *, secret: bool = False, known: Resources | None = None) -> Case:
    """The case of this number. `secret`: it is a composition with labels, that asks nobody. `known`: it is a
    composition with these resources.
    """
    chance = Random(f"case {seed}")
    fragment = not secret and known is None and chance.random() < 0.4
    resources = known or make_resources(chance, labelled=secret or chance.random() < 0.25)
    noise = chance.choice((0.0, 0.0, 0.03, 0.1))
    kinds = SECRET_KINDS if secret else KINDS if known is None else REAL_KINDS
    library = {
        name: _part(chance, resources, name, kinds)
        for name in [f"part_{seed}_{n}" for n in range(chance.randint(0, 2))]
    }
    given = make_object(chance, 3)
    author = Author(chance, resources, library, fragment, noise, kinds, lists=known is None)
    steps, result = author.steps({"input": given}, chance.randint(2, 8))
    contract = result.shape if chance.random() < 0.3 else None
    return Case(seed, resources, library, given, steps, result.id, fragment, contract=contract)


def _part(chance: Random, resources: Resources, name: str, kinds: Mapping[str, int]) -> Composition:
    """A composition to be used by others, sometimes with parameters; its example has arguments for them."""
    given = make_object(chance, 2)
    steps, result = Author(
        chance, resources, noise=0.0, kinds=kinds, lists=kinds is not REAL_KINDS
    ).steps({"input": given}, chance.randint(1, 3), depth=1)
    arguments: dict[str, Any] = {}
    parameters: dict[str, Any] = {}
    for step in walk(steps):
        for key, kinds in _PARAMETERS.items():
            if key in step and chance.random() < 0.3:
                kind = kinds[-1] if step["kind"] == "persist" else kinds[0]
                mark = f"p_{len(parameters)}"
                parameters[mark], arguments[mark] = {"kind": kind}, step[key]
                step[key] = {"$param": mark}
        if "value" in step and chance.random() < 0.3:
            mark = f"p_{len(parameters)}"
            parameters[mark], arguments[mark] = {"kind": "expression"}, step["value"]
            step["value"] = {"$param": mark}
    return Composition.model_validate(
        {
            "name": name,
            "input": given,
            "output": result.shape,
            "steps": steps,
            "result": result.id,
            "parameters": parameters,
            "example": {"with": arguments},
        }
    )
