"""Definitions and tasks to draw."""

from hypothesis import strategies as st
from tests.cli.samples import make_step

NASTY = (
    'a"b\\\n<script>alert(1)</script> end; [x]{y}(z)|`w` %% #35; &amp; -->\x00\u202e漢字 '
    + "long " * 60
)


def define(*steps, name="order"):
    return {"namespace": "shop", "name": name, "version": "1.0.0", "steps": list(steps)}


def step(name, *depends_on, kind="standard", handler=None, **more):
    return {
        "name": name,
        "handler": handler or f"shop.{name}",
        "kind": kind,
        "depends_on": list(depends_on),
        **more,
    }


DIAMOND = define(step("a"), step("b", "a"), step("c", "a"), step("d", "b", "c"))
EVERY_KIND = define(
    step("check"),
    step("choose", "check", kind="decision"),
    step("card", "choose"),
    step("invoice", "choose", compensate={"handler": "shop.void"}),
    step("paid", "card", "invoice", kind="deferred_convergence"),
    step("split", "paid", kind="batchable"),
    step("pack", "split", kind="batch_worker"),
    step("packed", "pack", kind="deferred_convergence"),
    step("ask", "packed", expands=["poll"]),
    step("poll", kind="dynamic", expands=["poll"]),
    step("end", "ask", "poll", kind="deferred_convergence"),
)


def fan_out(count):
    parts = [step(f"part_{n}", "first") for n in range(count)]
    return define(step("first"), *parts, step("last", *(part["name"] for part in parts)))


def chain(count):
    return define(step("s0"), *(step(f"s{n}", f"s{n - 1}") for n in range(1, count)))


@st.composite
def definitions(draw, most=14):
    """A definition of any shape, in which steps come after earlier ones."""
    count = draw(st.integers(1, most))
    steps = []
    for n in range(count):
        parents = draw(st.sets(st.integers(0, n - 1), max_size=3)) if n else ()
        steps.append(step(f"s{n}", *(f"s{each}" for each in sorted(parents))))
    return define(*steps)


__all__ = [
    "DIAMOND",
    "EVERY_KIND",
    "NASTY",
    "chain",
    "define",
    "definitions",
    "fan_out",
    "make_step",
    "step",
]
