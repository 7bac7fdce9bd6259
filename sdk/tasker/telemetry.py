"""OpenTelemetry spans and metrics, through the API only. Without an SDK set up they cost a check.

Spans: `tasker.submit` (producer), and `tasker.step` (consumer) for each attempt, a child of the submit span through the
trace context that is stored with the task. Metrics: `tasker.steps` and `tasker.step.duration` by outcome,
`tasker.exchange.batch` in steps.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

from opentelemetry import metrics, trace
from opentelemetry.trace import ProxyTracerProvider, Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from tasker.grant import Grant
from tasker.outcome import Completed, Outcome, Waiting

__all__ = [
    "exchanged",
    "start_step_span",
    "step_ended",
    "step_span",
    "submit_span",
    "trace_context",
    "tracing",
]

_tracer = trace.get_tracer("tasker")
_meter = metrics.get_meter("tasker")
_propagator = TraceContextTextMapPropagator()
_steps = _meter.create_counter("tasker.steps", "{step}", "Attempts that ended, by outcome")
_durations = _meter.create_histogram("tasker.step.duration", "s", "How long handlers ran")
_batches = _meter.create_histogram(
    "tasker.exchange.batch", "{step}", "Outcomes and grants per exchange"
)


def submit_span(template: str, tasks: int) -> AbstractContextManager[Span | None]:
    """The span of a submission."""
    if not tracing():
        return nullcontext()
    attributes = {"tasker.template": template, "tasker.tasks": tasks}
    return _tracer.start_as_current_span(
        "tasker.submit", kind=SpanKind.PRODUCER, attributes=attributes
    )


def trace_context(span: Span | None = None) -> dict[str, str] | None:
    """A span, by default the current one, as W3C trace context, to be handed on; None outside of any."""
    given = trace.get_current_span() if span is None else span
    if not given.get_span_context().is_valid:
        return None
    carrier: dict[str, str] = {}
    _propagator.inject(carrier, trace.set_span_in_context(given))
    return carrier or None


def step_ended(grant: Grant, outcome: Outcome, seconds: float, span: Span | None) -> None:
    """Count an attempt that ended."""
    kind = type(outcome).__name__.lower()
    definition = grant.definition
    attributes = {
        "tasker.template": definition.template,
        "tasker.step": definition.name,
        "tasker.outcome": kind,
    }
    _steps.add(1, attributes)
    _durations.record(seconds, attributes)
    if span is not None:
        span.set_attribute("tasker.outcome", kind)
        if not isinstance(outcome, Completed | Waiting):
            span.set_status(Status(StatusCode.ERROR, outcome.failure.message))


def exchanged(outcomes: int, grants: int) -> None:
    """Record the size of an exchange."""
    _batches.record(outcomes, {"tasker.direction": "outcomes"})
    _batches.record(grants, {"tasker.direction": "grants"})


def tracing() -> bool:
    """Whether anybody collects spans."""
    return not isinstance(trace.get_tracer_provider(), ProxyTracerProvider)


def start_step_span(grant: Grant) -> Span:
    """Start the span of one attempt, a child of the one that submitted its task."""
    definition = grant.definition
    return _tracer.start_span(
        f"tasker.step {definition.name}",
        context=_propagator.extract(grant.task.trace_context or {}),
        kind=SpanKind.CONSUMER,
        attributes={
            "tasker.namespace": definition.namespace,
            "tasker.template": definition.template,
            "tasker.version": definition.version,
            "tasker.step": definition.name,
            "tasker.task_id": grant.task.task_id,
            "tasker.attempt": grant.attempt,
        },
    )


def step_span(grant: Grant) -> AbstractContextManager[Span]:
    """The span of one attempt, the current one within."""
    return trace.use_span(start_step_span(grant), end_on_exit=True)
