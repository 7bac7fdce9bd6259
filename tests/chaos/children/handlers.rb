# frozen_string_literal: true

# The steps of `abroad.py` that are in Ruby. Each run writes into the ledger what a run in Python does, and its worker's
# process. Results are marks.

require "json"
require "securerandom"
require "tasker"

HOST = Process.ppid

# Appends one line to the ledger, in one call, so that who is killed tears no line but the own.
def write_down(event, **facts)
  at = Process.clock_gettime(Process::CLOCK_MONOTONIC)
  line = JSON.generate({ event: event, at: at, pid: Process.pid, host: HOST, language: "ruby", **facts })
  File.open(ENV.fetch("CHAOS_LEDGER"), "a") { |ledger| ledger.syswrite("\n#{line}\n") }
end

# One run of a handler: the block gets its id, and returns its value.
def run(ctx, saw = {})
  id = "#{Process.pid}-#{SecureRandom.hex(6)}"
  write_down("run", run: id, task: ctx.task.id, no: ctx.step_number, step: ctx.step_name, attempt: ctx.attempt,
                    key: ctx.idempotency_key, saw: saw.transform_values { |mark| [mark["run"]] })
  value = yield id
  write_down("end", run: id)
  { value: value, run: id }
rescue Exception => e
  write_down("left", run: id, by: e.is_a?(Tasker::Suspended) ? "Left" : e.class.name)
  raise
end

Tasker.step("rb_left") do |open:, input:, ctx:|
  run(ctx, "open" => open) do
    sleep(input["pause"] + input["long"])
    raise Tasker::RetryableError, "the first attempts fail" if ctx.attempt <= input["failures"]

    open["value"] + 1
  end
end

Tasker.step("rb_carry") do |deal:, input:, ctx:|
  run(ctx) do
    sleep(input["pause"] + (deal.zero? ? input["long"] : 0))
    deal
  end
end

Tasker.step("rb_gather") do |wait:, input:, ctx:|
  run(ctx, "wait" => wait) do |id|
    saved = ctx.run("before") { "#{id}:before" }
    write_down("passed", run: id, name: "before", saved: saved)
    leaf = ctx.run_task("chaos/chain", { number: input["number"], pause: input["pause"] }, name: "leaf")
    wait["value"] + leaf["value"]
  end
end

write_down("child")
