"""A client in TypeScript: functions that submit tasks over a connection of the caller's. Starts Node."""

from __future__ import annotations

from pathlib import PurePosixPath

from tasker.generate.files import Generated, header
from tasker.generate.naming import pascal
from tasker.generate.source import Source
from tasker.generate.typescript.expressions import (
    annotate,
    quote,
)
from tasker.generate.typescript.tool import format_code

__all__ = ["write_client"]


def write_client(source: Source) -> Generated:
    """The module with which other code submits tasks, over a connection that it has."""
    plan, template = source.plan, source.plan.template
    name, given, result = pascal(source.name), annotate(plan.input), annotate(plan.result)
    typed = "types." in f"{given} {result}"
    imports = f'import type * as types from "./{source.name}_types.ts";\n\n' if typed else ""
    text = f"""{header(plan, source.file.name, "//")}
{imports}/** A connection to the database, such as a Client or a Pool of the package pg. */
export interface Connection {{
  query(text: string, values: unknown[]): Promise<{{ rows: unknown[] }}>;
}}

/** What can be said of a task beside its input. */
export interface SubmitOptions {{
  /** Under one key there is one task. A second is refused, or with `onConflict` the first one's id is given. */
  readonly idempotencyKey?: string;
  readonly onConflict?: "reject" | "return_existing";
  /** From -2, the lowest, to 2. */
  readonly priority?: number;
  readonly tags?: readonly string[];
  readonly startAt?: Date;
}}

/** Submit a task, in the transaction that the connection is in. Gives its id. */
export async function submit{name}(
  connection: Connection,
  input: {given},
  options: SubmitOptions = {{}},
): Promise<string> {{
  const {{ rows }} = await connection.query(
    "select tasker.submit_task($1, $2, $3::jsonb, version => $4, idempotency_key => $5, on_conflict => $6," +
      " priority => $7, tags => $8::text[], start_at => $9::timestamptz) as id",
    [
      {quote(template.namespace)},
      {quote(template.name)},
      JSON.stringify(input),
      {quote(template.version)},
      options.idempotencyKey ?? null,
      options.onConflict ?? "reject",
      options.priority ?? 0,
      options.tags ?? [],
      options.startAt?.toISOString() ?? null,
    ],
  );
  return (rows[0] as {{ id: string }}).id;
}}

/** Wait for the end of a task, and give what it came to. Throws an Error when it came to nothing, or after `timeout`
seconds. */ export async function resultOf{name}(
  connection: Connection,
  id: string,
  {{ timeout = Infinity }}: {{ readonly timeout?: number }} = {{}},
): Promise<{result}> {{
  const until = Date.now() + timeout * 1000;
  for (let pause = 10; ; pause = Math.min(pause * 2, 1000)) {{
    const {{ rows }} = await connection.query("select tasker.get_taskstub_result($1::uuid)::text as said", [id]);
    const row = rows[0] as {{ said: string }};
    const said = JSON.parse(row.said) as {{ state: string; result: unknown; errors: unknown[] }};
    if (said.state === "complete" || said.state === "resolved_manually") return said.result as {result};
    if (["error", "cancelled", "blocked_by_failures"].includes(said.state)) {{
      throw new Error(`task ${{id}} is in state ${{said.state}}: ${{JSON.stringify(said.errors)}}`);
    }}
    if (Date.now() > until) throw new Error(`task ${{id}} has not ended in ${{timeout}} s`);
    await new Promise((resolve) => setTimeout(resolve, pause));
  }}
}}
"""
    return Generated(PurePosixPath(f"{source.name}_client.ts"), format_code(text))
