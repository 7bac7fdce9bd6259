# frozen_string_literal: true

$LOAD_PATH.unshift(File.expand_path("../lib", __dir__))
require "minitest/autorun"
require "tasker/testing"
require "date"
require "set"
require "timeout"
require "tmpdir"

# A test whose handlers are forgotten after it.
class HandlerTest < Minitest::Test
  def teardown
    Tasker.registry.clear
    Tasker.concurrency = nil
  end

  def run_step(**given, &block)
    Tasker.registry.clear
    Tasker.step("h", &block)
    Tasker::Testing.run("h", **given)
  end
end
