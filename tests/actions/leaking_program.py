"""A worker that reads and writes with secrets, in ways that go well and in ways that fail; all it logs and traces is
printed. Arguments: the database, the HTTP server.
"""

import json
import logging
import sys
from typing import Any

import anyio
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tasker import Client, Retry, TaskFailed, Worker, Workflow
from tasker_grammar.composition import Composition
from tasker_grammar.resources import Resources

CODES = ("ok", "refused", "redirected", "slow", "hidden", "elsewhere")


def resources_of(server: str) -> Resources:
    secret, host = {"$secret": "token"}, server.removeprefix("http://")
    common: dict[str, Any] = {
        "base_url": server,
        "private_hosts": [host],
        "headers": {"Authorization": secret, "X-Key": secret},
        "timeout": 0.5,
    }
    endpoints = {code: {**common, "path": f"/{code}"} for code in CODES[:4]}
    endpoints["hidden"] = {"base_url": {"$secret": "base"}, "timeout": 0.5}
    row = {
        "type": "object",
        "properties": {"id": {"type": "integer"}},
        "required": ["id"],
        "additionalProperties": False,
    }
    tables = {
        "elsewhere": {"table": "t", "row": row, "key": ["id"], "database": {"$secret": "books"}}
    }
    return Resources.model_validate({"endpoints": endpoints, "tables": tables})


def composed(code: str) -> Composition:
    if code == "elsewhere":
        step = {
            "id": "end",
            "kind": "persist",
            "resource": code,
            "mode": "upsert",
            "row": "{id: 1}",
        }
    else:
        step = {"id": "end", "kind": "acquire", "resource": code, "params": "{}"}
    return Composition.model_validate({"name": code, "steps": [step], "result": "end"})


async def main(url: str, server: str) -> None:
    logging.basicConfig(level=logging.DEBUG)
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    flows: list[Workflow] = []
    resources = resources_of(server)
    for code in CODES:
        flow = Workflow(code, namespace="leaks", resources=resources)
        flow.compose("step", composed(code), retry=Retry(max_attempts=2, backoff="none", jitter=0))
        flows.append(flow)
    ended: dict[str, str] = {}
    async with Worker(*flows, url=url, resources=resources), Client(url) as client:
        for flow in flows:
            task = await client.submit(flow, {})
            try:
                ended[flow.name] = json.dumps(await task.result(timeout=60))
            except TaskFailed as failed:
                ended[flow.name] = str(failed)
    for span in exporter.get_finished_spans():
        print(span.to_json())
    print(json.dumps(ended))


if __name__ == "__main__":
    anyio.run(main, *sys.argv[1:])
