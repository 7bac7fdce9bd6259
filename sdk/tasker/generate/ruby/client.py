"""A client in Ruby: methods that submit tasks over a connection of the caller's. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from tasker.generate.files import Generated, header
from tasker.generate.naming import pascal
from tasker.generate.ruby.expressions import (
    FROZEN,
    has_struct,
    load,
    quote,
    sign,
)
from tasker.generate.source import Source
from tasker.generate.types import ListOf

__all__ = ["write_client"]


def write_client(source: Source) -> Iterator[Generated]:
    """The code with which other programs submit tasks, over a connection that they have."""
    plan, template = source.plan, source.plan.template
    head, module = header(plan, source.file.name, "#"), pascal(f"{source.name} client")
    types = f"{pascal(f'{source.name} types')}::"
    given = (
        "input.to_h"
        if has_struct(plan, plan.input) and not isinstance(plan.input, ListOf)
        else "input"
    )
    came = load(plan, plan.result, 'said["result"]', types)
    yield Generated(
        PurePosixPath(f"{source.name}_client.rb"),
        f"""{FROZEN}{head}
require "json"
require "time"
require_relative "{source.name}_types"

module {module}
  # Raised for a task that came to nothing.
  class TaskFailed < StandardError; end

  SUBMIT = <<~SQL
    select tasker.submit_task($1, $2, $3::jsonb, version => $4, idempotency_key => $5, on_conflict => $6,
      priority => $7::integer, tags => array(select jsonb_array_elements_text($8::jsonb)),
      start_at => $9::timestamptz) as id
  SQL
  RESULT = "select tasker.get_task_result($1::uuid)::text as said"
  private_constant :SUBMIT, :RESULT

  # Submit a task, in the transaction that the connection is in.
  # @param connection [PG::Connection] of the gem pg
  # @return [String] its id
  def self.submit(connection, input, idempotency_key: nil, on_conflict: "reject", priority: 0, tags: [], start_at: nil)
    values = [{quote(template.namespace)}, {quote(template.name)}, JSON.generate({given}), {quote(template.version)},
              idempotency_key, on_conflict, priority, JSON.generate(tags), start_at&.iso8601(6)]
    connection.exec_params(SUBMIT, values)[0]["id"]
  end

  # Wait for the end of a task.
  # @param timeout [Numeric, nil] seconds
  # @return what it came to
  # @raise [TaskFailed] when it came to nothing
  def self.result(connection, id, timeout: nil)
    began = Process.clock_gettime(Process::CLOCK_MONOTONIC)
    pause = 0.01
    loop do
      said = JSON.parse(connection.exec_params(RESULT, [id])[0]["said"])
      case said["state"]
      when "complete", "resolved_manually" then return {came}
      when "error", "cancelled", "blocked_by_failures"
        raise TaskFailed, "task #{{id}} is in state #{{said["state"]}}: #{{JSON.generate(said["errors"])}}"
      end
      waited = Process.clock_gettime(Process::CLOCK_MONOTONIC) - began
      raise TaskFailed, "task #{{id}} has not ended in #{{timeout}} s" if timeout && waited > timeout

      sleep(pause)
      pause = [pause * 2, 1.0].min
    end
  end
end
""",
    )
    yield Generated(
        PurePosixPath(f"sig/{source.name}_client.rbs"),
        f"""{head}
module {module}
  class TaskFailed < ::StandardError
  end

  def self.submit: (untyped connection, {sign(plan, plan.input, types)} input,
    ?idempotency_key: ::String?, ?on_conflict: ::String, ?priority: ::Integer,
    ?tags: ::Array[::String], ?start_at: ::Time?) -> ::String
  def self.result: (untyped connection, ::String id, ?timeout: ::Numeric?) -> {sign(plan, plan.result, types)}
end
""",
    )
