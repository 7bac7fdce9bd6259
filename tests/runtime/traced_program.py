"""Runs one task, with or without an OpenTelemetry SDK, and prints what was recorded as JSON.

A program of its own, because a process can set its providers up but once.
"""

import json
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
from tests.bridge.support import COMMAND

from tasker import Client, Retry, StepContext, Worker, Workflow
from tasker.template import StepDefinition, Template
from tasker_ffi_bridge import Bridge

traced = Workflow("traced", namespace="telemetry")


@traced.step(retry=Retry(max_attempts=2, backoff="none"))
def flaky(ctx: StepContext) -> int:
    if ctx.attempt == 1:
        raise OSError("once")
    return 1


@traced.step
async def last(flaky: int) -> int:
    from opentelemetry import trace

    with trace.get_tracer("mine").start_as_current_span("inside"):
        return flaky + 1


abroad = Template("telemetry", "abroad", "1", (StepDefinition("show", "trace"),))


async def run_abroad(url: str) -> Any:
    """The trace context that a child is sent."""
    async with Worker(abroad, url=url, bridges=[Bridge(COMMAND)]), Client(url) as client:
        task = await client.submit(abroad.full_name)
        return await task.result(timeout=30)


async def run(url: str) -> str:
    async with Worker(traced, url=url), Client(url) as client:
        task = await client.submit(traced)
        assert await task.result(timeout=30) == 2
    return str(task.id)


def describe_span(span: Any) -> dict[str, Any]:
    return {
        "name": span.name,
        "kind": span.kind.name,
        "trace": f"{span.context.trace_id:032x}",
        "id": f"{span.context.span_id:016x}",
        "parent": span.parent and f"{span.parent.span_id:016x}",
        "status": span.status.status_code.name,
        "attributes": dict(span.attributes),
    }


def describe_points(metric: Any) -> list[dict[str, Any]]:
    return [
        {
            "attributes": dict(point.attributes),
            "count": point.count if hasattr(point, "count") else point.value,
        }
        for point in metric.data.data_points
    ]


def run_traced(url: str, run: Callable[[str], Awaitable[Any]] = run) -> dict[str, Any]:
    from opentelemetry import metrics, trace
    from opentelemetry.sdk.metrics import MeterProvider
    from opentelemetry.sdk.metrics.export import InMemoryMetricReader
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    spans, reader = InMemorySpanExporter(), InMemoryMetricReader()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    trace.set_tracer_provider(provider)
    metrics.set_meter_provider(MeterProvider([reader]))
    came_to = anyio.run(run, url)
    data = reader.get_metrics_data()
    assert data is not None
    return {
        "came_to": came_to,
        "spans": [describe_span(span) for span in spans.get_finished_spans()],
        "metrics": {
            metric.name: describe_points(metric)
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        },
    }


def run_traced_abroad(url: str) -> dict[str, Any]:
    return run_traced(url, run_abroad)


def run_plainly(url: str) -> dict[str, Any]:
    task_id = anyio.run(run, url)
    return {"came_to": task_id, "sdk": "opentelemetry.sdk" in sys.modules}


if __name__ == "__main__":
    modes = {"traced": run_traced, "abroad": run_traced_abroad, "plain": run_plainly}
    recorded = modes[sys.argv[1]](sys.argv[2])
    print(json.dumps(recorded))
