# frozen_string_literal: true

require_relative "helper"

class TestCalls < Minitest::Test
  PATIENCE = 20

  def setup
    @host, out = IO.pipe
    @calls = Tasker::Calls.new(Tasker::Output.new(out))
    @run = Tasker::Run.new("run-1", 1, @calls)
  end

  def test_a_run_that_was_cancelled_just_before_it_asks_does_not_wait
    @run.cancel
    assert_raises(Tasker::Stopped) { Timeout.timeout(PATIENCE) { @calls.ask(@run, "checkpoint", {}) } }
  end

  def test_only_the_run_that_is_cancelled_is_woken
    other = Tasker::Run.new("run-2", 2, @calls)
    asking = [@run, other].map { |run| ask(run) }
    ids = Array.new(2) { JSON.parse(Timeout.timeout(PATIENCE) { @host.gets }) }.to_h { |line| [line["params"]["run"], line["id"]] }
    @run.cancel
    @calls.take_answer("id" => ids["run-2"], "result" => { "saved" => true })
    @calls.take_answer("id" => ids["run-1"], "result" => { "saved" => true })
    assert_equal({ "saved" => true }, asking.last.join(PATIENCE).value)
    assert_raises(Tasker::Stopped) { asking.first.join(PATIENCE) }
  end

  private

  def ask(run)
    Thread.new do
      Thread.current.report_on_exception = false
      run.ask("checkpoint", { "name" => run.name })
    end
  end
end
