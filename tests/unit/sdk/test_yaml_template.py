"""Templates from YAML: what is accepted, what is refused, and what is said about it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tasker import Retry, TemplateError, load_templates
from tasker.yaml_template import LoadedTemplate, parse_templates

LINEAR = """\
name: mathematical_sequence
namespace_name: rust_e2e_linear
version: 1.0.0
input_schema:
  type: object
  required: [even_number]
steps:
  - name: linear_step_1
    handler:
      callable: tasker_example_rs::step_handlers::linear_workflow::LinearStep1Handler
      initialization: { operation: square, step_number: 1 }
    dependencies: []
    retry: { retryable: true, max_attempts: 3, backoff: exponential, backoff_base_ms: 1000, max_backoff_ms: 30000 }
    timeout_seconds: 30
  - name: linear_step_2
    handler:
      callable: tasker_example_rs::step_handlers::linear_workflow::LinearStep2Handler
    dependencies: [linear_step_1]
"""

DECISION = """\
name: approval_routing_py
namespace_name: conditional_approval_py
version: 1.0.0
steps:
  - name: validate_request_py
    handler: { callable: conditional_approval.step_handlers.ValidateRequestHandler }
  - name: routing_decision_py
    type: decision
    dependencies: [validate_request_py]
    handler:
      callable: conditional_approval.step_handlers.RoutingDecisionHandler
      initialization: { thresholds: { small: 1000, large: 5000 } }
  - name: finalize_approval_py
    type: deferred_convergence
    dependencies: [auto_approve_py, manager_approval_py]
    handler: { callable: conditional_approval.step_handlers.FinalizeApprovalHandler }
  - name: auto_approve_py
    dependencies: [routing_decision_py]
    handler: { callable: conditional_approval.step_handlers.AutoApproveHandler }
  - name: manager_approval_py
    dependencies: [routing_decision_py]
    handler: { callable: conditional_approval.step_handlers.ManagerApprovalHandler }
"""

BATCH = """\
name: csv_product_inventory_analyzer_py
namespace_name: csv_processing_py
version: "1.0.0"
steps:
  - name: analyze_csv_py
    type: batchable
    handler: { callable: batch_processing.step_handlers.CsvAnalyzerHandler,
               initialization: { batch_size: 200, max_workers: 5 } }
  - name: process_csv_batch_py
    type: batch_worker
    dependencies: [analyze_csv_py]
    handler: { callable: batch_processing.step_handlers.CsvBatchProcessorHandler }
    batch_config: { batch_size: 200, parallelism: 5, cursor_field: row_number,
                    worker_template: process_csv_batch_py, failure_strategy: continue_on_failure }
  - name: aggregate_csv_results_py
    type: deferred_convergence
    dependencies: [process_csv_batch_py]
    handler: { callable: batch_processing.step_handlers.CsvResultsAggregatorHandler }
"""

EVENTS = """\
name: domain_event_publishing_py
namespace_name: domain_events_py
version: 1.0.0
steps:
  - name: domain_events_py_validate_order
    handler: { callable: domain_events_py.step_handlers.ValidateOrderHandler }
    publishes_events:
      - name: order.validated
        condition: success
        delivery_mode: fast
        schema: { type: object, required: [order_id, validation_timestamp] }
"""

EVERYTHING = """\
name: all
namespace_name: shop
version: 1.10
description: every field there is
metadata: {author: me, tags: [a], created_at: 2024-05-01, notes: free}
system_dependencies: {primary: default, secondary: []}
domain_events: []
input_schema: {type: object}
lifecycle: {max_duration_minutes: 90}
steps:
  - name: first
    description: begins
    step_type: standard
    system_dependency:
    depends_on: []
    handler: {callable: shop.First, method: validate, initialization: {n: 1, keep: true}}
    retry: {max_attempts: 4, backoff: fibonacci, backoff_base_ms: 250, max_backoff_ms: 4000}
    timeout_seconds: 30
    total_timeout_seconds: 120
    queue: slow
    publishes_events: []
    input_schema: {type: object, properties: {input: {type: object}}}
    result_schema: {type: object, required: [ok]}
  - name: second
    dependencies: [first]
    handler: {callable: shop.Second, method: call}
    retry: {retryable: false, max_attempts: 9, permanent_errors: [Refused], jitter: 0}
environments:
  test:
    steps:
      - {name: ALL, timeout_seconds: 5, retry: {max_attempts: 2}}
      - {name: first, handler: {initialization: {n: 2, more: x}}}
"""


def load(text: str, **options: Any) -> LoadedTemplate:
    (loaded,) = parse_templates(text, file="t.yaml", **options)
    return loaded


def refused(text: str) -> list[str]:
    with pytest.raises(TemplateError) as error:
        parse_templates(text, file="t.yaml")
    return [str(finding) for finding in error.value.findings]


def test_a_linear_template() -> None:
    loaded = load(LINEAR)
    assert loaded.warnings == ()
    assert loaded.template.full_name == "rust_e2e_linear/mathematical_sequence"
    first, second = loaded.template.to_json()["steps"]
    assert first["handler"].endswith("::LinearStep1Handler")
    assert first["config"] == {"operation": "square", "step_number": 1}
    assert first["attempt_time_limit"] == 30
    assert first["retry"] == {
        "max_attempts": 3,
        "backoff": "exponential",
        "base": 1.0,
        "cap": 30.0,
        "jitter": 0.1,
        "permanent_errors": [],
    }
    assert second["depends_on"] == ["linear_step_1"]


@pytest.mark.parametrize(
    ("text", "kinds", "warnings"),
    [
        (
            DECISION,
            ["standard", "decision", "deferred_convergence", "standard", "standard"],
            [],
        ),
        (
            BATCH,
            ["batchable", "batch_worker", "deferred_convergence"],
            [
                "t.yaml:13: warning: batch_size is not acted on. The batchable step's handler returns a list, with an"
                " item for each worker.",
                "t.yaml:13: warning: cursor_field is not acted on. The batchable step's handler returns a list, with an"
                " item for each worker.",
                "t.yaml:14: warning: worker_template is not acted on. The batchable step's handler returns a list,"
                " with an item for each worker.",
            ],
        ),
        (
            EVENTS,
            ["standard"],
            ["t.yaml:7: warning: publishes_events is not acted on. Events are not published yet."],
        ),
    ],
)
def test_templates_that_ask_for_more_load_with_warnings(
    text: str, kinds: list[str], warnings: list[str]
) -> None:
    loaded = load(text)
    assert [step.kind for step in loaded.template.steps] == kinds
    said = [str(warning) for warning in loaded.warnings]
    assert len(said) == len(warnings)
    assert all(one.startswith(other) for one, other in zip(said, warnings, strict=True))


def test_every_field_has_its_place() -> None:
    loaded = load(EVERYTHING)
    assert loaded.warnings == ()
    definition = loaded.template.to_json()
    assert {k: v for k, v in definition.items() if k != "steps"} == {
        "namespace": "shop",
        "name": "all",
        "version": "1.10",
        "description": "every field there is",
        "input_schema": {"type": "object"},
        "time_limit": 5400.0,
        "metadata": {"author": "me", "tags": ["a"], "created_at": "2024-05-01", "notes": "free"},
    }
    assert definition["steps"] == [
        {
            "name": "first",
            "handler": "shop.First.validate",
            "kind": "standard",
            "depends_on": [],
            "queue": "slow",
            "config": {"n": 1, "keep": True},
            "description": "begins",
            "retry": {
                "max_attempts": 4,
                "backoff": "fibonacci",
                "base": 0.25,
                "cap": 4.0,
                "jitter": 0.1,
                "permanent_errors": [],
            },
            "attempt_time_limit": 30.0,
            "step_time_limit": 120.0,
            "input_schema": {"type": "object", "properties": {"input": {"type": "object"}}},
            "result_schema": {"type": "object", "required": ["ok"]},
        },
        {
            "name": "second",
            "handler": "shop.Second",
            "kind": "standard",
            "depends_on": ["first"],
            "queue": None,
            "config": {},
            "description": None,
            "retry": {
                "max_attempts": 1,
                "backoff": "exponential",
                "base": 1.0,
                "cap": 60.0,
                "jitter": 0.0,
                "permanent_errors": ["Refused"],
            },
            "attempt_time_limit": None,
            "step_time_limit": None,
            "result_schema": None,
        },
    ]


def test_an_environment_changes_what_it_names_and_keeps_the_rest() -> None:
    first, second = load(EVERYTHING, environment="test").template.steps
    assert first.config == {"n": 2, "keep": True, "more": "x"}
    assert (first.attempt_time_limit, second.attempt_time_limit) == (5.0, 5.0)
    assert (first.retry.max_attempts, first.retry.backoff) == (2, "fibonacci")
    assert second.retry.max_attempts == 1  # still not retryable
    assert second.config == {}


def test_no_attempts_at_all_is_one_attempt() -> None:
    text = LINEAR.replace("max_attempts: 3", "max_attempts: 0")
    assert load(text).template.steps[0].retry.max_attempts == 1


def test_what_is_not_said_is_usual() -> None:
    assert load(EVENTS).template.steps[0].retry == Retry(base=1.0, cap=60.0)


def test_a_long_base_raises_the_usual_cap() -> None:
    text = LINEAR.replace("backoff_base_ms: 1000, max_backoff_ms: 30000", "backoff_base_ms: 90000")
    assert load(text).template.steps[0].retry.to_json()["cap"] == 90.0


def edited(old: str, new: str) -> str:
    assert old in EVERYTHING
    return EVERYTHING.replace(old, new)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (edited("name: all\n", ""), "t.yaml:1: error: name is missing. Add `name:`."),
        (edited("namespace_name: shop\n", ""), "t.yaml:1: error: namespace_name is missing."),
        (
            edited("    handler: {callable: shop.Second, method: call}\n", ""),
            "t.yaml:24: error: steps[1].handler is missing. Add `handler:`.",
        ),
        (
            edited("{callable: shop.Second, method: call}", "{method: call}"),
            "t.yaml:26: error: steps[1].handler.callable is missing. Add `callable:`.",
        ),
        (
            edited("timeout_seconds: 30", "timeout_seconds: 30s"),
            "t.yaml:18: error: steps[0].timeout_seconds is '30s'. It should be a number.",
        ),
        (
            edited("timeout_seconds: 30", "timeout_seconds: 0"),
            "t.yaml:18: error: attempt_time_limit is 0.0 seconds. It must be more than 0",
        ),
        (
            edited("max_attempts: 4", "max_attempts: four"),
            "t.yaml:17: error: steps[0].retry.max_attempts is 'four'. It should be a whole number.",
        ),
        (
            edited("max_attempts: 4", "max_attempts: -1"),
            "t.yaml:17: error: steps[0].retry.max_attempts is -1. It should be greater than or equal to 0.",
        ),
        (
            edited("max_attempts: 4", "max_attempts: 1001"),
            "t.yaml:17: error: steps[0].retry.max_attempts is 1001. It should be less than or equal to 1000.",
        ),
        (
            edited("jitter: 0}", "jitter: 1.5}"),
            "t.yaml:27: error: steps[1].retry.jitter is 1.5. It should be less than or equal to 1.",
        ),
        (
            edited("step_type: standard", "step_type: " + "x" * 80),
            "t.yaml:13: error: steps[0].step_type is '" + "x" * 56 + "...",
        ),
        (
            edited("backoff: fibonacci", "backoff: cubic"),
            "steps[0].retry.backoff is 'cubic'. It should be 'none', 'fixed', 'linear',",
        ),
        (
            edited("max_backoff_ms: 4000", "max_backoff_ms: 100"),
            "t.yaml:17: error: Retry: base (0.25) is longer than cap (0.1)",
        ),
        (
            edited("step_type: standard", "step_type: special"),
            "t.yaml:13: error: steps[0].step_type is 'special'. It should be 'standard', 'decision',",
        ),
        (
            edited("dependencies: [first]", "dependencies: first"),
            "t.yaml:25: error: steps[1].dependencies is 'first'. It should be a list: `dependencies: [first]`.",
        ),
        (
            edited("dependencies: [first]", "dependencies: [frist]"),
            't.yaml:25: error: step "second" depends on "frist", which is not a step. Did you mean "first"?',
        ),
        (
            edited("    depends_on: []", "    depends_on: [second]"),
            "t.yaml:15: error: steps wait for each other in a circle: first → second → first.",
        ),
        (
            edited("dependencies: [first]", "dependencies: [first]\n    depends_on: [first]"),
            "t.yaml:24: error: dependencies and depends_on name the same field. Keep one of them.",
        ),
        (
            edited("- name: second", "- name: first"),
            't.yaml:24: error: two steps are named "first".',
        ),
        (
            edited("queue: slow", "queue: SLOW"),
            "t.yaml:20: error: queue is 'SLOW'. It must be a lower-case letter",
        ),
        (
            edited("result_schema: {type: object", "result_schema: {type: thing"),
            "t.yaml:23: error: result_schema is no JSON Schema: 'thing' at $.type",
        ),
        (
            edited("{input: {type: object}}", "{inptu: {type: object}}"),
            't.yaml:22: error: step "first" takes "inptu", which nothing gives it. Did you mean "input"?',
        ),
        (
            edited("input_schema: {type: object}", "input_schema: 7"),
            "t.yaml:8: error: input_schema is no JSON Schema: a schema is an object, true or false, not 7",
        ),
        (
            edited("name: shop", "name: 1shop"),
            "t.yaml:2: error: namespace is '1shop'. It must be a letter",
        ),
        (
            edited("max_duration_minutes: 90", "max_duration_minutes: 0"),
            "t.yaml:9: error: lifecycle.max_d",
        ),
        (
            edited("metadata: {", "metadata: {author: you, "),
            't.yaml:5: error: "author" is given twice',
        ),
        (
            edited("version: 1.10", "version: [1]"),
            "t.yaml:3: error: version is a list. It should be a",
        ),
        ("- a\n- b\n", "t.yaml:1: error: it is a list. It should be a mapping."),
        ("just text", "t.yaml:1: error: it is 'just text'. It should be a mapping."),
        ("", "t.yaml:1: error: there is no template in it. Write one."),
        ("# nothing\n---\n", "t.yaml:1: error: there is no template in it."),
        ("a: [", "t.yaml:1: error: this is no YAML"),
        (
            "name: !!python/name:os.system x",
            "t.yaml:1: error: the tag python/name:os.system is not allowed",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, said: str) -> None:
    (finding,) = refused(text)
    assert said in finding


def test_everything_wrong_is_told_at_once() -> None:
    text = edited("max_attempts: 4", "max_attempts: x").replace("callable: shop.Second, ", "")
    findings = refused(text)
    assert [finding.split(" ")[0] for finding in findings] == ["t.yaml:17:", "t.yaml:26:"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            edited("description: every", "descripton: every"),
            't.yaml:4: warning: the field "descripton" is unknown and has no effect.'
            ' Did you mean "description"?',
        ),
        (
            edited("    depends_on: []", "    depend_on: []"),
            't.yaml:15: warning: the field "depend_on" is unknown and has no effect.'
            ' Did you mean "depends_on"?',
        ),
        (
            edited("    depends_on: []", "    zzz: []"),
            't.yaml:15: warning: the field "zzz" is unknown and has no effect. Remove it.',
        ),
        (
            edited("method: validate", "method: validate, resolver: x"),
            "t.yaml:16: warning: resolver is not acted on. Handlers are found by their name alone.",
        ),
        (
            edited("{max_duration_minutes: 90}", "{staleness_action: dlq}"),
            "t.yaml:9: warning: staleness_action is not acted on. Only max_duration_minutes is enforced.",
        ),
        (
            edited("primary: default", "primary: crm"),
            "t.yaml:6: warning: system_dependencies is not acted on. They have no effect.",
        ),
        (
            edited("domain_events: []", "domain_events: [{name: a}]"),
            "t.yaml:7: warning: domain_events is not acted on. Events are not published yet.",
        ),
        (
            edited("    queue: slow", "    composition: {do: x}"),
            "t.yaml:20: warning: composition is not acted on. The handler runs the step. Leave one of them out.",
        ),
        (
            edited("{name: first, handler: {ini", "{name: fist, handler: {ini"),
            't.yaml:32: warning: there is no step "fist" to change. Did you mean "first"?',
        ),
        (
            edited("retry: {max_attempts: 2}", "retries: {max_attempts: 2}"),
            't.yaml:31: warning: the field "retries" is unknown and has no effect. Did you mean "retry"?',
        ),
    ],
)
def test_what_has_no_effect_is_told(text: str, said: str) -> None:
    [warning] = load(text).warnings
    assert str(warning).rsplit(" [", 1)[0] == said


def test_a_file_may_hold_several_templates() -> None:
    loaded = parse_templates(f"---\n{LINEAR}---\n{EVENTS}")
    assert [one.template.name for one in loaded] == [
        "mathematical_sequence",
        "domain_event_publishing_py",
    ]


def test_a_directory_is_read_in_order_with_what_is_below(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "b.yml").write_text(EVENTS)
    (tmp_path / "sub" / "a.yaml").write_text(BATCH)
    (tmp_path / "a.yaml").write_text(LINEAR)
    (tmp_path / "notes.txt").write_text("not: [a template")
    loaded = load_templates(tmp_path)
    assert [Path(one.file).relative_to(tmp_path).as_posix() for one in loaded] == [
        "a.yaml",
        "b.yml",
        "sub/a.yaml",
    ]
    assert loaded[2].warnings[0].file == str(tmp_path / "sub" / "a.yaml")


def test_findings_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        (tmp_path / name).write_text("steps: 3")
    with pytest.raises(TemplateError) as error:
        load_templates(str(tmp_path))
    assert {Path(finding.file).name for finding in error.value.findings} == {"a.yaml", "b.yaml"}


def test_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "latin.yaml").write_bytes("name: caf\u00e9".encode("latin-1"))
    with pytest.raises(
        TemplateError, match=r"latin\.yaml:1: error: it cannot be read: it is not UTF-8"
    ):
        load_templates(tmp_path)
    with pytest.raises(TemplateError, match="it cannot be read: No such file"):
        load_templates(tmp_path / "none.yaml")
    with pytest.raises(TemplateError, match="it cannot be read: embedded null"):
        load_templates("no\0name.yaml")
    (tmp_path / "latin.yaml").unlink()
    with pytest.raises(TemplateError, match="there is no YAML file below"):
        load_templates(tmp_path)


def test_a_folder_that_goes_while_it_is_read_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: object) -> None:
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(Path, "rglob", gone)
    with pytest.raises(TemplateError, match="it cannot be read: No such file"):
        load_templates(tmp_path)
