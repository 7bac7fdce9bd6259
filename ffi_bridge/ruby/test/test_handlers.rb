# frozen_string_literal: true

require_relative "helper"

class TestHandlers < HandlerTest
  def test_keywords_take_the_input_the_results_and_the_context
    outcome = run_step(input: { total: 5 }, results: { cart: 7, "odd-name" => 8 }) do |input:, cart:, ctx:, absent: 3, **others|
      [input, cart, ctx.step_name, absent, others]
    end
    assert_equal [{ "total" => 5 }, 7, "h", 3, { "odd-name" => 8 }], outcome.result
  end

  def test_a_parent_named_like_the_context_wins
    assert_equal [1, "h"], run_step(results: { context: 1 }) { |context:, ctx:| [context, ctx.step_name] }.result
  end

  def test_a_keyword_that_nothing_fills_fails_for_good_and_says_what_there_is
    outcome = run_step(results: { validate_cart: 1 }) { |validate_card:| validate_card }
    assert_equal "error", outcome.state
    assert_match(/takes validate_card:, which step h does not have; it has validate_cart\. .*validate_card: nil/,
                 outcome.error["message"])
  end

  def test_parameters_that_are_no_keywords_are_refused_when_the_file_loads
    error = assert_raises(Tasker::DefinitionError) { Tasker.step("h") { |input, ctx:| [input, ctx] } }
    assert_match(/handler h has the parameter input; each is a keyword/, error.message)
    assert_raises(Tasker::DefinitionError) { Tasker.step("h") { |*all| all } }
    assert_raises(Tasker::DefinitionError) { Tasker.step("h") }
    assert_raises(Tasker::DefinitionError) { Tasker.step("") { 1 } }
    assert_raises(Tasker::DefinitionError) { Tasker.step("h", input_schema: 7) { 1 } }
  end

  def test_a_name_is_taken_once
    Tasker.step("h") { 1 }
    assert_match(/two handlers are named h/, assert_raises(Tasker::DefinitionError) { Tasker.step(:h) { 2 } }.message)
  end

  def test_a_class_has_an_instance_for_each_run
    define_class { def call(input:) = (@seen ||= []) << input }
    assert_equal [1], Tasker::Testing.run("c", input: 1).result
    assert_equal [2], Tasker::Testing.run("c", input: 2).result
  end

  def test_a_class_without_call_is_refused_by_name
    define_class { def perform = 1 }
    assert_match(/handler c is .*no public method call/, assert_raises(Tasker::DefinitionError) { Tasker::Testing.run("c") }.message)
  end

  def test_a_decision_returns_names
    Tasker.decision("d") { |input:| input }
    { "a" => ["a"], %w[a b] => %w[a b], nil => [] }.each do |said, branches|
      assert_equal branches, Tasker::Testing.run("d", input: said).result
    end
    [7, [1], { a: 1 }].each { |said| assert_equal "error", Tasker::Testing.run("d", input: said).state }
    assert_equal ["a"], Tasker::Testing.run("d", input: "a", kind: "decision").result
    assert_match(/is a decision, but step d is of kind batchable/, Tasker::Testing.run("d", kind: "batchable").error["message"])
  end

  def test_the_kind_of_the_step_decides_for_a_plain_handler
    assert_equal ["a"], run_step(kind: "decision") { :a }.result
    assert_equal "error", run_step(kind: "batchable") { 7 }.state
    %w[batch_worker deferred_convergence dynamic compensation].each { |kind| assert_equal 7, run_step(kind: kind) { 7 }.result }
  end

  def test_a_batch_returns_an_array
    Tasker.batch("b") { |input:| Tasker.slices(input, 2) }
    assert_equal [{ "start" => 0, "stop" => 2 }, { "start" => 2, "stop" => 3 }], Tasker::Testing.run("b", input: 3).result
    assert_equal [{ "start" => 0, "stop" => 1 }], Tasker::Testing.run("b", input: 1, kind: "batchable").result
    assert_match(/is a batch, but step b is of kind decision/, Tasker::Testing.run("b", kind: "decision").error["message"])
    assert_equal [], Tasker.slices(0, 5)
    [[-1, 2], [1, 0], [200_001, 2]].each { |total, size| assert_raises(ArgumentError) { Tasker.slices(total, size) } }
  end

  private

  def define_class(&body)
    Class.new(Tasker::StepHandler) do
      handles "c"
      class_eval(&body)
    end
  end
end

class TestErrors < HandlerTest
  class Declined < Tasker::PermanentError; end

  def test_what_is_raised_decides
    assert_equal "error", run_step { raise Declined, "no money" }.state
    assert_equal ["retry", 30.0], run_step { raise Tasker::RetryableError.new("later", retry_after: "30s") }.then { [_1.state, _1.delay] }
    assert_equal ["retry", nil], run_step { raise "oh" }.then { [_1.state, _1.delay] }
  end

  def test_the_error_is_known_by_its_classes_with_and_without_their_modules
    error = run_step { raise Declined, "no money" }.error
    assert_equal ["TestErrors::Declined", "no money"], error.values_at("type", "message")
    assert_equal %w[TestErrors::Declined Declined Tasker::PermanentError PermanentError Tasker::TaskerError TaskerError
                    StandardError Exception], error["kinds"]
  end

  def test_the_trace_has_the_handler_and_its_causes_but_not_the_library
    trace = run_step do
      Integer("x")
    rescue ArgumentError
      raise "unreadable"
    end.error["traceback"]
    assert_includes trace, File.basename(__FILE__)
    assert_includes trace, "invalid value for Integer"
    refute_includes trace, "lib/tasker/attempt.rb"
  end

  def test_a_typo_does_not_put_what_the_step_was_given_into_the_error
    given = { input: { card: "4242" }, saved: { "checkpoint" => { "cursor" => "4242" } }, task: { context: { card: "4242" } } }
    typos = [->(ctx) { ctx.inputt }, ->(ctx) { ctx.task.inputt }, ->(ctx) { ctx.input.card }, ->(ctx) { ctx.logger.inffo },
             ->(ctx) { ctx.last_checkpoint.cursr }, ->(ctx) { ctx.input["card"].nope }, ->(ctx) { ctx.instance_eval { inputt } },
             ->(ctx) { raise ctx.inspect + ctx.task.inspect + "#{ctx.task} #{ctx.last_checkpoint}" },
             ->(ctx) { begin ctx.inputt ensure raise "in its cause" end }]
    typos.each do |typo|
      error = run_step(**given) { |ctx:| typo.call(ctx) }.error
      refute_includes error.values_at("message", "traceback").join, "4242"
    end
    assert_match(/inputt' for an instance of Tasker::Context$/, run_step(**given) { |ctx:| ctx.inputt }.error["message"].lines.first)
    assert_match(/for nil/, run_step { nil.nope }.error["message"])
  end

  def test_what_waits_and_expansions_show_nothing_of_what_is_in_them
    more = Tasker::Expansion.new({ card: "4242" })
    shown = [more.add("a", card: "4242"), more, Tasker::Approval.new(true, "4242", "4242", "4242", false)]
    shown.each { |each| refute_includes "#{each.inspect} #{each}", "4242" }
  end

  def test_what_would_end_the_process_ends_the_run
    assert_equal "SystemExit", run_step { exit }.error["type"]
    assert_equal "Interrupt", run_step { raise Interrupt }.error["type"]
    assert_equal "NoMemoryError", run_step { raise NoMemoryError }.error["type"]
    assert_equal "SystemStackError", run_step { deep = ->(f) { f.call(f) + 1 }; deep.call(deep) }.error["type"]
    assert_equal "NotImplementedError", run_step { raise NotImplementedError }.error["type"]
  end

  def test_a_message_that_is_no_text_is_made_one
    assert_equal "\uFFFD\\0", run_step { raise "\xFF\0" }.error["message"]
    assert_equal "StandardError", run_step { raise StandardError, "" }.error["message"]
    odd = Class.new(StandardError) { def message = raise("no") }
    assert_match(/cannot be made into text/, run_step { raise odd }.error["message"])
  end

  def test_a_result_that_cannot_be_stored_fails_for_good_and_says_where
    circle = []
    circle << circle
    odd = Class.new { def to_h = raise(IOError) }
    { Float::NAN => "is NaN", "a\0" => "NUL", "\xFF" => "UTF-8", 2**64 => "64 bits", Object.new => "is a Object",
      { 1 => 2 } => "key 1", { "a" => 1, a: 2 } => "twice", circle => "too deeply", 1..2 => "is a Range",
      $stdout => "returns: $ is a IO", { out: [$stdin] } => "$.out[0] is a IO", odd.new => "whose to_h raises IOError",
      1r => "is a Rational", "x" * (16 << 20) => "16777216 is the most" }.each do |value, why|
      outcome = run_step { value }
      assert_equal ["error", "Tasker::ContractError"], [outcome.state, outcome.error["type"]], why
      assert_includes outcome.error["message"], why
    end
    assert_includes run_step { BasicObject.new }.error["message"], "is a BasicObject"
    assert_includes run_step { { lines: [1, { a: Float::INFINITY }] } }.error["message"], "$.lines[1].a is Infinity"
  end

  def test_what_is_stored_as_json
    point = Struct.new(:x, :y)
    value = { at: Time.utc(2026, 1, 2, 3, 4, 5.5r), day: Date.new(2026, 1, 2), set: Set[1], point: point.new(1, :two),
              latin: "é".encode("ISO-8859-1"), big: 2**64 - 1, nothing: nil }
    assert_equal({ "at" => "2026-01-02T03:04:05.500000Z", "day" => "2026-01-02", "set" => [1], "point" => { "x" => 1, "y" => "two" },
                   "latin" => "é", "big" => 2**64 - 1, "nothing" => nil }, run_step { value }.result)
  end
end
