# frozen_string_literal: true

require_relative "helper"

class TestDurable < HandlerTest
  def test_run_calls_its_block_once_and_gives_the_same_each_time
    calls = 0
    outcome = run_step do |ctx:|
      first = ctx.run("charge") { { id: calls += 1 } }
      ctx.wait_event("paid")
      first
    end
    assert_equal({ "name" => "event:paid", "event" => "paid" }, outcome.wait)
    assert_equal({ "run:charge" => { "id" => 1 } }, outcome.saved)
    assert_equal({ "id" => 1 }, outcome.resume("event" => 7).result)
    assert_equal 1, calls
  end

  def test_sleeps_are_told_apart_by_their_order_or_name
    outcome = run_step do |ctx:|
      ctx.sleep(60)
      ctx.sleep("1m", name: "named")
      ctx.sleep(0.5)
    end
    assert_equal({ "name" => "sleep:1", "seconds" => 60.0 }, outcome.wait)
    assert_equal({ "name" => "sleep:named", "seconds" => 60.0 }, outcome.resume.wait)
    assert_equal({ "name" => "sleep:3", "seconds" => 0.5 }, outcome.resume.resume.wait)
    assert outcome.resume.resume.resume.complete?
  end

  def test_waiting_is_not_held_by_rescue_and_ensure_runs
    ensured = false
    outcome = run_step do |ctx:|
      ctx.sleep(1)
    rescue => error
      error
    ensure
      ensured = true
    end
    assert outcome.waits?
    assert ensured
  end

  def test_an_event_comes_or_times_out
    step = ->(ctx:) { ctx.wait_event(:paid, timeout: "1h") }
    outcome = run_step(&step)
    assert_equal({ "name" => "event:paid", "event" => "paid", "seconds" => 3600.0 }, outcome.wait)
    assert_nil outcome.resume("event" => nil).result
    assert_equal ["error", "Tasker::EventTimedOut"], outcome.resume({ "timeout" => true }).then { [_1.state, _1.error["type"]] }
  end

  def test_people_are_asked
    step = lambda do |ctx:|
      answer = ctx.ask("refund", "Pay it back?", data: { total: 5 }, form: { type: "string" }, who: ["boss"], timeout: 60)
      [answer.approved?, answer.answer, answer.by, answer.expired?]
    end
    outcome = run_step(&step)
    question = { "name" => "refund", "title" => "Pay it back?", "data" => { "total" => 5 }, "form" => { "type" => "string" },
                 "who" => ["boss"] }
    assert_equal({ "name" => "ask:refund", "seconds" => 60.0, "approval" => question }, outcome.wait)
    said = { "approved" => true, "answer" => "yes", "by" => "ann", "reason" => nil }
    assert_equal [true, "yes", "ann", false], outcome.resume(said).result
    assert_equal "Tasker::ApprovalTimedOut", outcome.resume({}).error["type"]
    assert_equal "Tasker::ContractError", outcome.resume(said.merge("answer" => nil)).error["type"]
  end

  def test_without_an_answer_the_default_holds
    outcome = run_step { |ctx:| ctx.ask("refund", timeout: 60, default: false).then { |said| [said.approved, said.expired] } }
    assert_equal "refund", outcome.wait["approval"]["title"]
    assert_equal [false, true], outcome.resume({}).result
  end

  def test_a_child_is_started_once_and_awaited
    step = lambda do |ctx:|
      child = ctx.start_task("shop/refund", { total: 5 }, priority: :high, tags: [:a])
      [ctx.wait_task(child, timeout: 5), ctx.wait_task(child, on_blocked: :raise)]
    end
    outcome = run_step(&step)
    asked = { "name" => "refund", "template" => "shop/refund", "input" => { "total" => 5 }, "on_parent_end" => "cancel",
              "priority" => "high", "tags" => ["a"] }
    assert_equal [asked], outcome.started
    id = outcome.saved.fetch("start:refund")
    assert_equal({ "name" => "task:refund", "task" => id, "seconds" => 5.0, "until_blocked" => false }, outcome.wait)
    second = outcome.resume("state" => "complete", "result" => 1)
    assert_equal({ "name" => "task:refund#2", "task" => id, "until_blocked" => true }, second.wait)
    assert_empty second.started
    assert_equal [1, 2], second.resume("state" => "resolved_manually", "result" => 2).result
  end

  def test_the_end_of_a_child_is_told_by_what_is_raised
    outcome = run_step do |ctx:|
      ctx.run_task("shop/refund")
    rescue Tasker::TaskFailed => error
      [error.state, error.errors.map(&:to_s), error.reason]
    rescue Tasker::TaskCancelled => error
      error.reason
    end
    failed = { "state" => "error", "errors" => [{ "step" => "pay", "type" => "X", "message" => "no" }], "reason" => "late" }
    assert_equal ["error", ["pay: X: no"], "late"], outcome.resume(failed).result
    assert_equal "by hand", outcome.resume("state" => "cancelled", "reason" => "by hand").result
    assert_equal "Tasker::TaskTimedOut", outcome.resume("timeout" => true).error["type"]
    assert_match(/there is no task/, outcome.resume("state" => nil).error["message"])
  end

  def test_checkpoints_replace_each_other
    step = lambda do |ctx:|
      from = ctx.last_checkpoint&.cursor || 0
      ctx.checkpoint(from + 1, { sum: from })
      ctx.checkpoint(from + 2)
      raise "again" if from.zero?

      from
    end
    first = run_step(&step)
    assert_equal({ "checkpoint" => { "cursor" => 2, "partial" => nil } }, first.saved)
    assert_equal 2, run_step(saved: first.saved, &step).result
  end

  def test_a_lost_lease_is_retried
    [->(ctx:) { ctx.run("a") { 1 } }, ->(ctx:) { ctx.checkpoint(1) }, ->(ctx:) { ctx.start_task("a/b") }].each do |step|
      outcome = run_step(lease_lost: true, &step)
      assert_equal "retry", outcome.state
      assert_match(/the lease was lost/, outcome.error["message"])
    end
  end

  def test_a_cancelled_run_is_left_by_any_call_that_would_wait
    [->(ctx:) { ctx.run("a") { 1 } }, ->(ctx:) { ctx.checkpoint(1) }, ->(ctx:) { ctx.sleep(1) },
     ->(ctx:) { ctx.check_cancelled }].each { |step| assert_equal "cancelled", run_step(cancelled: true, &step).state }
    assert_equal [true], run_step(cancelled: true) { |ctx:| [ctx.cancelled?] }.result
  end

  def test_names_are_used_once_and_have_a_length
    { ->(ctx:) { 2.times { ctx.run("a") { 1 } } } => /two runs are named a/,
      ->(ctx:) { ctx.run("a" * 256) { 1 } } => /1 to 255 characters, not 256/,
      ->(ctx:) { ctx.sleep("soon") } => /sleep:1: "soon" is no duration/,
      ->(ctx:) { ctx.sleep(-1) } => /from 0 seconds to ten years/,
      ->(ctx:) { ctx.start_task("refund") } => %r{write "namespace/name"},
      ->(ctx:) { ctx.start_task("a/b", priority: "urgent") } => /priority is "urgent"/,
      ->(ctx:) { ctx.wait_task("7") } => /"7" is no task's id/ }.each do |step, why|
      outcome = run_step(&step)
      assert_equal "error", outcome.state
      assert_match why, outcome.error["message"]
    end
  end

  def test_progress_and_log
    outcome = run_step do |ctx:|
      ctx.progress(1, total: 2, note: "half")
      ctx.logger.info("shipping", charge: 7, odd: Object)
      ctx.logger.debug { "dear" }
      nil
    end
    assert_equal [{ "done" => 1, "total" => 2, "note" => "half" }], outcome.progress
    assert_equal [{ "level" => "info", "message" => "shipping", "fields" => { "charge" => 7, "odd" => "Object" } },
                  { "level" => "debug", "message" => "dear", "fields" => {} }], outcome.logs
    assert_equal "error", run_step { |ctx:| ctx.progress(Float::NAN) }.state
  end

  def test_the_context_knows_the_step_and_its_task
    undone = { name: "pay", idempotency_key: "k", completed: false }
    outcome = run_step(input: 1, kind: "compensation", undoes: undone, task: { namespace: "shop", tags: ["a"] },
                       step: { attempt: 2, config: { eur: true }, deadline: Time.now.to_f + 50 }) do |ctx:|
      [ctx.attempt, ctx.config, ctx.task.namespace, ctx.task.input, ctx.tags, ctx.undoes.name, ctx.undoes.completed,
       ctx.remaining.between?(40, 50), ctx.deadline.utc?, ctx.idempotency_key]
    end
    assert_equal [2, { "eur" => true }, "shop", 1, ["a"], "pay", false, true, true,
                  "00000000-0000-0000-0000-000000000001:1"], outcome.result
  end
end

class TestExpansion < HandlerTest
  def test_steps_take_from_each_other
    outcome = run_step do
      more = Tasker::Expansion.new({ rounds: 1 })
      search = more.add("search", query: "cats")
      more.add("summarize", found: search, plan: more.existing("plan")).after(more.existing("audit"), search)
      more
    end
    assert_equal({ "rounds" => 1 }, outcome.result)
    assert_equal [{ "step" => "search", "values" => { "query" => "cats" }, "takes" => {}, "after" => [] },
                  { "step" => "summarize", "values" => {}, "takes" => { "found" => 0, "plan" => "plan" }, "after" => ["audit", 0] }],
                 outcome.expansion
  end

  def test_nodes_of_another_expansion_are_refused
    more = Tasker::Expansion.new
    other = Tasker::Expansion.new.add("a")
    assert_raises(Tasker::PermanentError) { more.add("b", from: other) }
    assert_raises(Tasker::PermanentError) { more.existing("a").after(other) }
    assert_raises(Tasker::ContractError) { more.add("b", list: [other]) }
    assert_equal 0, more.size
  end
end
