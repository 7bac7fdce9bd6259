"""Decisions, batches, their workers and convergences in Ruby and TypeScript, through the whole engine."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.runtime.support import run

from tasker import Client, Worker, load_templates
from tasker.languages import make_bridges

pytestmark = pytest.mark.anyio

TEMPLATE = """\
name: grow
namespace_name: other
version: 1.0.0
steps:
  - {name: route, type: decision, handler: {callable: route}}
  - {name: split, type: batchable, handler: {callable: split}, dependencies: [route]}
  - {name: load, type: batch_worker, handler: {callable: load}, dependencies: [split]}
  - {name: skip, handler: {callable: skip}, dependencies: [route]}
  - {name: close, type: deferred_convergence, handler: {callable: close}, dependencies: [load, skip]}
"""
RUBY = """
require "tasker"
Tasker.decision("route") { |input:, ctx:| input["rows"].zero? ? "skip" : "split" }
Tasker.batch("split") { |input:| Tasker.slices(input["rows"], 100) }
Tasker.step("load") { |split:, ctx:| [split["stop"] - split["start"], ctx.kind] }
Tasker.step("skip") { "nothing" }
Tasker.step("close") { |ctx:, load: nil, skip: nil| [load, skip, ctx.kind] }
"""
TYPESCRIPT = """
import { batch, batchWorker, decision, slices, type Slice, step } from "tasker-pg";
type Rows = { rows: number };
decision<Rows>("route", ({ input }) => (input.rows === 0 ? "skip" : "split"));
batch<Rows, Slice>("split", ({ input }) => slices(input.rows, 100));
batchWorker<Slice>("load", ({ item, ctx }) => [item.stop - item.start, ctx.kind]);
step("skip", () => "nothing");
step("close", ({ results, ctx }) => [results["load"] ?? null, results["skip"] ?? null, ctx.kind]);
"""


@pytest.mark.parametrize(("file", "program"), [("grow.rb", RUBY), ("grow.ts", TYPESCRIPT)])
async def test_a_task_grows_by_what_a_child_says(
    client: Client, database: str, tmp_path: Path, file: str, program: str
) -> None:
    (tmp_path / file).write_text(program)
    (tmp_path / "grow.yaml").write_text(TEMPLATE)
    [loaded] = load_templates(tmp_path / "grow.yaml")
    await client.register(loaded.template)
    bridges = make_bridges([str(tmp_path / file)], [], worker="grow", grace=10)
    async with Worker(loaded.template, url=database, bridges=bridges):
        grown = await run(client, "other/grow", {"rows": 250})
        parts = [[size, "batch_worker"] for size in (100, 100, 50)]
        assert grown == [parts, None, "deferred_convergence"]
        skipped = await run(client, "other/grow", {"rows": 0})
        assert skipped == [None, "nothing", "deferred_convergence"]
