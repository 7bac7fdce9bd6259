"""What is generated passes each language's strictest checks, for templates of many shapes, and its tests pass."""

from __future__ import annotations

import shutil

import pytest
from tests.generate.support import (
    CHECKS,
    HOSTILE,
    ROOT,
    TEMPLATES,
    check_ruby,
    generate_all,
    record,
    run,
    step,
    write_template,
)

from tasker.scaffold import Language
from tasker_ffi_bridge.node import find_library, find_node

TEXT, NUMBER, INTEGER = {"type": "string"}, {"type": "number"}, {"type": "integer"}

SHIPPED = [
    *sorted(TEMPLATES.glob("*.yaml")),
    *(
        path
        for path in sorted((ROOT / "examples").rglob("*.yaml"))
        if "compositions" not in path.parts  # whose steps have no handlers
    ),
    ROOT / "sdk/tasker/projects/ruby/signup.yaml",
]

ODD_NAMES = [
    "class", "end", "def", "my-step", "1st", "größe", "日本", "Cart", "self", "input-2", "types", "list",
    "handler", "step", "test", "a b", "a_b", "a-b", "send", "hash", "new", "import", "nil", "None", "x" * 128,
    "constructor", "__proto__", "then", "ctx2", "$ref", "it's", 'say "no"', "#{x}", "back\\slash", "`tick`", "*-slash",
]  # fmt: skip

MANY_SCHEMAS = record(
    required=["id", "class", "odd"],
    id={"type": "string", "format": "uuid", "description": HOSTILE},
    **{"class": {"enum": ["a", "b-c", None, 3]}},
    when={"type": "string", "format": "date-time"},
    day={"type": "string", "format": "date"},
    address={"type": "string", "format": "ipv4"},
    secret={"type": "string", "format": "password"},
    odd={"enum": [HOSTILE, "*/", "\n", '"', "'", "#{1}"]},
    pair={"type": "array", "prefixItems": [TEXT, INTEGER], "items": False, "minItems": 2},
    note={"type": ["string", "null"], "maxLength": 9},
    either={"anyOf": [INTEGER, {"$ref": "#/$defs/node"}, {"type": "null"}]},
    shape={"oneOf": [record(kind={"const": "p"}), record(["kind"], kind={"const": "q"}, n=NUMBER)]},
    counts={"type": "object", "additionalProperties": {"type": "integer", "minimum": 0}},
    mixed={"type": ["string", "integer"], "minLength": 2, "minimum": 4},
    anything={},
    whatever=True,
    extended={"allOf": [{"$ref": "#/$defs/base"}, record(extra=TEXT)]},
    tree={"$ref": "#/$defs/tree"},
    deep=record(deep=record(deep=record(deep=TEXT))),
    list={"type": "array", "items": {"type": "array", "items": {"type": "string", "pattern": "^a+$"}}},
) | {
    "title": "Order",
    "description": HOSTILE,
    "$defs": {
        "node": record([], children={"type": "array", "items": {"$ref": "#/$defs/node"}}),
        "tree": {"type": "array", "items": {"$ref": "#/$defs/tree"}},
        "base": record(b=INTEGER),
    },
}  # fmt: skip


def odd_names(folder):
    results = [TEXT, record(**{"class": TEXT, "my-field": INTEGER, HOSTILE[:60]: TEXT}), None]
    steps = [step(name, results[n % 3], description=HOSTILE) for n, name in enumerate(ODD_NAMES)]
    last = step("last step", dependencies=[each["name"] for each in steps])
    return write_template(folder, [*steps, last], name="class", description=HOSTILE)


def many_schemas(folder):
    clash = record(other=TEXT) | {"title": "Order"}
    steps = [
        step("one", MANY_SCHEMAS, handler=HOSTILE.replace("\r\n", " ").replace("\u2028", " ")),
        step("two", clash, dependencies=["one"]),
        step("three", record(date=TEXT) | {"title": "Date"}, dependencies=["one", "two"]),
        step("four", {"type": "array", "items": record(x=TEXT)}, dependencies=["three"]),
        step("five", {"type": ["object", "null"], **record(a=TEXT)} | {"type": ["object", "null"]}),
    ]
    return write_template(folder, steps, name="many_schemas", input_schema=MANY_SCHEMAS)


def all_kinds(folder):
    """Decisions, batches of all strategies, dynamic steps, compensations, one handler for several steps."""
    item = record(n=INTEGER)
    steps = [
        step("route", type="decision"),
        step("left", TEXT, dependencies=["route"]),
        step("right", NUMBER, dependencies=["route"], expands=["search"]),
        step("meet", TEXT, type="deferred_convergence", dependencies=["left", "right"]),
        step("split", {"type": "array", "items": item}, type="batchable", dependencies=["meet"]),
        step("load", item, type="batch_worker", dependencies=["split"], handler="load item",
             batch_config={"failure_strategy": "continue_on_failure"}),
        step("sum", INTEGER, type="deferred_convergence", dependencies=["load"]),
        step("search", TEXT, type="dynamic", input_schema=record(["query"], query=TEXT, limit=INTEGER)),
        step("gather", type="deferred_convergence", dependencies=["search", "sum"]),
        step("again", TEXT, dependencies=["meet"], handler="shared"),
        step("once-more", TEXT, dependencies=["again"], handler="shared"),
        step("pay", record(id=TEXT), dependencies=["again"], compensate={"handler": {"callable": "refund"}}),
        step("untyped batch", type="batchable", dependencies=["pay"]),
        step("worker", type="batch_worker", dependencies=["untyped batch"],
             compensate={"handler": {"callable": "undo worker"}, "when": "started"}),
    ]  # fmt: skip
    return write_template(folder, steps, name="all_kinds", input_schema=record(a=TEXT))


MADE = [odd_names, many_schemas, all_kinds]


@pytest.mark.parametrize("language", list(Language))
def test_the_shipped_templates_give_code_that_passes(tmp_path, language):
    for number, template in enumerate(SHIPPED):
        generate_all(template, language, tmp_path / str(number))
    if language is not Language.ruby:
        CHECKS[language](tmp_path)
        return
    for folder in tmp_path.iterdir():
        check_ruby(folder)


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("make", MADE, ids=lambda make: make.__name__)
def test_hard_templates_give_code_that_passes_and_whose_tests_pass(tmp_path, make, language):
    generate_all(make(tmp_path), language, tmp_path)
    CHECKS[language](tmp_path)
    match language:
        case Language.python:
            run_python_tests(tmp_path)
        case Language.ruby:
            [test] = (tmp_path / "test").iterdir()
            library = ROOT / "ffi_bridge" / "ruby" / "lib"
            said = run("ruby", "-w", "-I", library, test, cwd=tmp_path)
            assert "0 failures, 0 errors, 0 skips" in said.stdout
            assert said.stderr == ""
        case Language.typescript:
            register = find_library() / "src" / "register.ts"
            flags = ["--experimental-strip-types", "--disable-warning=ExperimentalWarning"]
            run(find_node(), *flags, "--import", register, "--test", cwd=tmp_path)


def run_python_tests(folder):
    """The tests of the handlers alone: those with the engine are run where a database is."""
    import sys

    environment = {"PYTHONDONTWRITEBYTECODE": "1", "PATH": shutil.os.environ["PATH"]}
    only = ["-k", "not comes_to_its_end", "-p", "no:cacheprovider", "-W", "error"]
    run(sys.executable, "-m", "pytest", "-q", *only, ".", cwd=folder, env=environment)
