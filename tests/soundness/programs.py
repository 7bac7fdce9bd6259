"""Steps made by chance, over all primitives, that mostly hold together. Pure.

An author writes steps one after the other and keeps a belief of what each gives and under which conditions it runs.
The belief only leads: what is accepted is for the checker to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from tests.soundness.expressions import Known, Writer, known
from tests.soundness.shapes import Shape, closed, make_object, make_shape, types_of

from tasker_grammar.composition import Composition
from tasker_grammar.resources import Resources

Step = dict[str, Any]
Guards = frozenset[tuple[str, str]]
"""What must have been chosen for a step to run: which branch of which decision."""

KINDS = {
    "transform": 6, "validate": 3, "assert": 2, "acquire": 5, "persist": 3, "emit": 2, "decide": 2, "fan_out": 2,
    "wait": 1, "gate": 1, "invoke": 2, "compose": 1, "converge": 1,
}  # fmt: skip
TEXT: Shape = {"type": "string"}
WHOLE: Shape = {"type": "integer"}
WRITES = ("persist", "emit")


@dataclass(frozen=True)
class Made:
    """A step that was written: what it should give, and when it runs."""

    id: str
    shape: Shape
    guards: Guards


@dataclass
class Author:
    """Writes steps. `fragment`: by the rules for what is proposed: named schemas only, a gate before each write."""

    chance: Random
    resources: Resources
    compositions: Mapping[str, Composition] = field(default_factory=dict[str, Composition])
    fragment: bool = False
    noise: float = 0.02
    kinds: Mapping[str, int] = field(default_factory=lambda: KINDS)
    """How often it writes a step of which kind."""
    lists: bool = True
    """Whether it stores lists of rows, which may be empty, too."""
    count: int = 0

    def name(self, stem: str) -> str:
        """An id that no other step has."""
        self.count += 1
        return f"{stem}_{self.count}"

    def steps(
        self, given: Mapping[str, Shape], size: int, depth: int = 2
    ) -> tuple[list[Step], Made]:
        """Some steps in any order, and the one that gives the result."""
        page = Page(self, dict(given), depth)
        page.fill(size, frozenset(), frozenset())
        result = page.finish(frozenset(), [])
        self.chance.shuffle(page.written)
        return page.written, result


@dataclass
class Page:
    """The steps of one level: of a whole program, or within a fan-out."""

    author: Author
    given: dict[str, Shape]
    depth: int
    made: list[Made] = field(default_factory=list[Made])
    written: list[Step] = field(default_factory=list[Step])
    used: set[str] = field(default_factory=set[str])
    gated: bool = False
    """Whether a gate stands before all of it."""

    @property
    def chance(self) -> Random:
        return self.author.chance

    def fill(self, size: int, guards: Guards, gates: frozenset[str]) -> None:
        """Write so many steps under these conditions."""
        for _ in range(size):
            kinds = [
                kind
                for kind in KINDS
                if self.depth > 0 or kind not in ("fan_out", "decide", "compose")
            ]
            kind = self.chance.choices(kinds, [self.author.kinds[kind] for kind in kinds])[0]
            gates |= frozenset(
                m.id
                for m in self.made
                if m.id.startswith("gate")
                and m.guards <= guards
                and "expired" not in m.shape["properties"]
            )
            getattr(self, f"write_{kind}")(guards, gates)

    def seen(self, guards: Guards) -> list[Known]:
        """What expressions may read under these conditions."""
        return [
            entry
            for name, shape in [
                *self.given.items(),
                *((m.id, m.shape) for m in self.made if m.guards <= guards),
            ]
            for entry in known(f".{name}", shape)
        ]

    def expression(self, wanted: Shape, guards: Guards, depth: int = 3) -> str:
        """An expression for a shape."""
        text = Writer(self.chance, self.author.noise).write(wanted, self.seen(guards), depth)
        self.used |= {m.id for m in self.made if f".{m.id}" in text}
        return text

    def add(self, kind: str, shape: Shape, guards: Guards, step: Step) -> Made:
        """Put a step down."""
        made = Made(step["id"], shape, guards)
        self.made.append(made)
        written = {"kind": kind, **step}
        if self.chance.random() < 0.15 and len(self.made) > 1:
            other = self.chance.choice(self.made[:-1])
            if other.guards <= guards and other.id not in step.get("needs", ()):
                written["needs"] = [*step.get("needs", ()), other.id]
                self.used.add(other.id)
        self.written.append(written)
        return made

    def write_transform(self, guards: Guards, gates: frozenset[str]) -> Made:
        """A value, sometimes with the contract that it should keep."""
        schemas = self.author.resources.schemas
        step: Step = {"id": self.author.name("made")}
        if self.chance.random() < 0.25 and schemas:
            step["output"] = self.chance.choice(sorted(schemas))
            shape = schemas[step["output"]]
        else:
            shape = make_shape(self.chance, 2)
            if self.chance.random() < 0.2 and not self.author.fragment:
                step["output"] = shape
        step["value"] = self.expression(shape, guards)
        return self.add("transform", shape, guards, step)

    def write_validate(self, guards: Guards, gates: frozenset[str]) -> Made:
        """A value held to a contract; or each of a list."""
        name = self.chance.choice(sorted(self.author.resources.schemas))
        shape = self.author.resources.schemas[name]
        schema: Any = name if self.author.fragment or self.chance.random() < 0.6 else shape
        step: Step = {"id": self.author.name("checked"), "schema": schema}
        lists = [
            each for each in self.seen(guards) if each.sure and types_of(each.shape) == ("array",)
        ]
        if lists and self.chance.random() < 0.5:
            source = self.chance.choice(lists)
            self.used |= {m.id for m in self.made if source.text.startswith(f".{m.id}")}
            bad = closed(
                {"index": WHOLE, "value": source.shape.get("items", True), "errors": _list(TEXT)}
            )
            step |= {"value": source.text, "on_failure": "partition"}
            shape = closed({"valid": _list(shape), "invalid": _list(bad)})
        else:
            anything = [each.text for each in self.seen(guards) if each.shape is True]
            if anything and self.chance.random() < 0.7:
                step["value"] = self.chance.choice(anything)
                self.used |= {m.id for m in self.made if f".{m.id}" == step["value"]}
            else:
                wanted = True if self.chance.random() < 0.15 else shape
                step["value"] = self.expression(wanted, guards)
            if self.chance.random() < 0.5:
                step["on_failure"] = "fail"
        return self.add("validate", shape, guards, step)

    def write_assert(self, guards: Guards, gates: frozenset[str]) -> Made:
        """Something that has to be true."""
        step = {
            "id": self.author.name("sure"),
            "that": self.expression({"type": "boolean"}, guards, 2)
            + self.chance.choice(("", " or true", " | . or (. | not)")),
            "code": self.chance.choice(("OUT_OF_RANGE", "NOT_ENOUGH")),
            "message": "it has to be so",
        }
        return self.add("assert", closed({"passed": {"const": True}}), guards, step)

    def write_acquire(self, guards: Guards, gates: frozenset[str]) -> Made:
        """Something read from an endpoint."""
        name = self.chance.choice(sorted(self.author.resources.endpoints))
        endpoint = self.author.resources.endpoints[name]
        params = self.expression(endpoint.params, guards, 2)
        step = {"id": self.author.name("fetched"), "resource": name, "params": params}
        return self.add("acquire", endpoint.result, guards, step)

    def write_persist(self, guards: Guards, gates: frozenset[str]) -> Made:
        """A row or some rows written to a table."""
        name = self.chance.choice(sorted(self.author.resources.tables))
        table = self.author.resources.tables[name]
        step: Step = {
            "id": self.author.name("stored"),
            "resource": name,
            **self.behind_gate(guards, gates),
        }
        step["mode"] = self.chance.choice(table.modes)
        if not self.author.lists or self.chance.random() < 0.5:
            step["row"] = self.expression(table.row, guards, 2)
        else:
            step["rows"] = self.expression({**_list(table.row), "maxItems": 5}, guards)
        return self.add("persist", closed({"rows": WHOLE, "changed": WHOLE}), guards, step)

    def write_emit(self, guards: Guards, gates: frozenset[str]) -> Made:
        """An event."""
        name = self.chance.choice(sorted(self.author.resources.events))
        payload = self.expression(self.author.resources.events[name].payload, guards, 2)
        step: Step = {"id": self.author.name("told"), "event": name, "payload": payload}
        step |= self.behind_gate(guards, gates)
        if self.chance.random() < 0.3:
            step["key"] = self.expression({"type": "string", "minLength": 1}, guards, 1)
        return self.add("emit", closed({"event_id": TEXT}), guards, step)

    def behind_gate(self, guards: Guards, gates: frozenset[str]) -> Step:
        """What a fragment's write needs: a gate before it."""
        left_out = self.chance.random() < max(self.author.noise, 0.04)
        if not self.author.fragment or self.gated or left_out:
            return {}
        gate = (
            self.chance.choice(sorted(gates))
            if gates
            else self.write_gate(guards, gates, needed=True).id
        )
        self.used.add(gate)
        return {"needs": [gate]}

    def write_gate(self, guards: Guards, gates: frozenset[str], *, needed: bool = False) -> Made:
        """A question to people."""
        step: Step = {"id": self.author.name("gate"), "title": self.expression(TEXT, guards, 1)}
        if self.chance.random() < 0.4:
            step["show"] = self.expression(make_object(self.chance, 1), guards, 2)
        if self.chance.random() < 0.4:
            step["timeout"] = "2h"
        answer: dict[str, Shape] = {"by": {"type": ["string", "null"]}, "at": TEXT, "note": TEXT}
        if not needed and self.chance.random() < 0.3:
            step["on_no"] = "give"
            shape = closed(
                {**answer, "approved": {"type": "boolean"}, "expired": {"type": "boolean"}},
                frozenset({"note"}),
            )
        else:
            shape = closed({**answer, "approved": {"const": True}}, frozenset({"note"}))
        return self.add("gate", shape, guards, step)

    def write_wait(self, guards: Guards, gates: frozenset[str]) -> Made:
        """A pause."""
        step: Step = {"id": self.author.name("waited")}
        if self.chance.random() < 0.7:
            step["for"] = self.chance.choice(("1s", "5m", 2.5))
        else:
            step["until"] = self.expression(
                {"type": self.chance.choice(("number", "string"))}, guards, 1
            )
        return self.add("wait", closed({"at": TEXT}), guards, step)

    def write_invoke(self, guards: Guards, gates: frozenset[str]) -> Made:
        """A developer's handler."""
        name = self.chance.choice(sorted(self.author.resources.actions))
        action = self.author.resources.actions[name]
        step: Step = {"id": self.author.name("invoked"), "action": name}
        if action.effect == "idempotent_write":
            step |= self.behind_gate(guards, gates)
        step["input"] = self.expression(action.input, guards, 2)
        return self.add("invoke", action.result, guards, step)

    def write_compose(self, guards: Guards, gates: frozenset[str]) -> Made:
        """A composition used as a step."""
        names = sorted(self.author.compositions)
        if not names:
            return self.write_transform(guards, gates)
        found = self.author.compositions[self.chance.choice(names)]
        step: Step = {"id": self.author.name("composed"), "composition": found.name}
        if any("gate" in str(part["id"]) or part["kind"] in WRITES for part in found.steps):
            step |= self.behind_gate(guards, gates)
        if found.parameters:
            assert found.example is not None
            step["with"] = dict(found.example.arguments)
        step["input"] = self.expression(found.input, guards)
        assert found.output is not None
        return self.add("compose", found.output, guards, step)

    def write_fan_out(self, guards: Guards, gates: frozenset[str]) -> Made:
        """Steps for each item of a list."""
        lists = [
            each for each in self.seen(guards) if each.sure and types_of(each.shape) == ("array",)
        ]
        if not lists:
            return self.write_acquire(guards, gates)
        source = self.chance.choice(lists)
        items = source.shape.get("items", True)
        outer = {m.id: m.shape for m in self.made if m.guards <= guards}
        seen = {**self.given, **outer, "item": items, "index": WHOLE}
        before = self.behind_gate(guards, gates)
        inner = Page(self.author, seen, self.depth - 1, gated=self.gated or bool(before))
        inner.fill(self.chance.randint(1, 3), frozenset(), frozenset())
        result = inner.finish(frozenset(), [])
        self.used |= {
            m.id for m in self.made if any(f".{m.id}" in str(step) for step in inner.written)
        }
        self.used |= {m.id for m in self.made if source.text.startswith(f".{m.id}")}
        self.chance.shuffle(inner.written)
        step: Step = {
            "id": self.author.name("each"), "over": source.text, "steps": inner.written, "result": result.id,
            "max_items": self.chance.choice((2, 5, 10)), **before,
        }  # fmt: skip
        if self.chance.random() < 0.4:
            step["concurrency"] = self.chance.randint(1, 4)
        shape = _list(result.shape)
        if self.chance.random() < 0.4:
            step["on_item_error"] = "skip"
            failed = closed({"index": WHOLE, "code": TEXT, "message": TEXT})
            shape = closed({"results": shape, "failed": _list(failed)})
        return self.add("fan_out", shape, guards, step)

    def write_decide(self, guards: Guards, gates: frozenset[str]) -> None:
        """A choice with a few steps for each branch, put together again."""
        decide = self.author.name("choice")
        names = [f"case_{n}" for n in range(self.chance.randint(1, 2))]
        step: Step = {"id": decide, "cases": []}
        conditions = [self.expression({"type": "boolean"}, guards, 2) for _ in names]
        shape = closed({"branch": {"enum": [*names, "else"]}})
        ends: list[Made] = []
        self.add("decide", shape, guards, step)
        written = self.written[-1]
        self.depth -= 1
        for name in [*names, "else"]:
            inside = guards | {(decide, name)}
            before = len(self.made)
            self.fill(self.chance.randint(1, 2), inside, gates)
            ends.append(self.finish(inside, self.made[before:]))
            gather = {each["id"] for each in self.written if each.get("mode") == "created"}
            chosen = [m.id for m in self.made[before:] if m.guards == inside and m.id not in gather]
            if name == "else":
                written["else"] = chosen
            else:
                written["cases"].append(
                    {"name": name, "when": conditions[len(written["cases"])], "then": chosen}
                )
        self.depth += 1
        self.used.add(decide)
        self.together(ends, guards)

    def together(self, ends: Sequence[Made], guards: Guards) -> Made:
        """A convergence of branches, of which one ran."""
        step: Step = {"id": self.author.name("joined"), "needs": [each.id for each in ends]}
        step["mode"] = "all" if self.chance.random() < self.author.noise else "created"
        self.used |= {each.id for each in ends}
        shape = closed({each.id: each.shape for each in ends}, frozenset(each.id for each in ends))
        return self.add("converge", shape, guards, step)

    def write_converge(self, guards: Guards, gates: frozenset[str]) -> Made:
        """A convergence of steps that all ran."""
        here = [m for m in self.made if m.guards <= guards]
        if not here:
            return self.write_transform(guards, gates)
        ends = self.chance.sample(here, min(len(here), 2))
        step: Step = {"id": self.author.name("gathered"), "needs": [each.id for each in ends]}
        step["mode"] = self.chance.choice(("all", "created"))
        self.used |= {each.id for each in ends}
        return self.add("converge", closed({each.id: each.shape for each in ends}), guards, step)

    def finish(self, guards: Guards, among: Sequence[Made]) -> Made:
        """A last step that uses all that nobody has used yet, under these conditions."""
        left = [m for m in (among or self.made) if m.id not in self.used and m.guards == guards]
        self.used |= {m.id for m in left}
        data = [
            m for m in left if not m.id.startswith(("gate", "waited", "sure", "stored", "told"))
        ]
        step: Step = {
            "id": self.author.name("result"),
            "needs": [m.id for m in left if m not in data],
        }
        read = {m.id: m.shape for m in data}
        parts = [f"{name}: .{name}" for name in read]
        extra = make_shape(self.chance, 1)
        parts.append(f"more: {self.expression(extra, guards, 2)}")
        step["value"] = "{" + ", ".join(parts) + "}"
        if not step["needs"]:
            del step["needs"]
        made = Made(step["id"], closed({**read, "more": extra}), guards)
        self.made.append(made)
        self.written.append({"kind": "transform", **step})
        return made


def _list(items: Shape) -> Shape:
    return {"type": "array", "items": items}


def walk(steps: Sequence[Step]) -> Iterator[Step]:
    """All steps, those within others too."""
    for step in steps:
        yield step
        yield from walk(step.get("steps", ()))
