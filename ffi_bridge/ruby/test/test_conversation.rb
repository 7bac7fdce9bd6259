# frozen_string_literal: true

require_relative "helper"
require_relative "child"

# Each row of docs/bridge-protocol.md, section 6, and each message of section 4 and 5, by a real process.
class TestConversation < Minitest::Test
  def setup
    @children = []
  end

  def teardown
    @children.each(&:kill)
  end

  def child(...) = Child.new(...).tap { |made| @children << made }

  def code(answer) = [answer["id"], answer.dig("error", "code")]

  def test_it_says_what_it_has
    said = child("--concurrency", "3").introduction
    assert_equal ["1.0", 3], said.values_at("protocol", "concurrency")
    assert_equal ["all.rb", "ruby", RUBY_VERSION, "tasker-pg #{Tasker::VERSION}"],
                 said["child"].values_at("name", "language", "version", "library")
    assert_equal({ "name" => "echo", "input_schema" => { "type" => "object" }, "result_schema" => true }, said["handlers"].first)
    assert_equal({ "name" => "gate" }, said["handlers"][1])
  end

  def test_a_protocol_that_it_does_not_speak_ends_it
    one = child(begin: false)
    assert_equal(-32_001, one.ask("initialize", "protocol" => ["2.0"], "worker" => "w")["error"]["code"])
    assert one.close.last.success?
  end

  def test_concurrency_is_told_by_the_environment_too
    assert_equal 7, child(environment: { "TASKER_CONCURRENCY" => "7" }).introduction["concurrency"]
    wrong = child("--concurrency", "0", begin: false)
    assert_equal [[], 1], wrong.close.then { |rest, status| [rest, status.exitstatus] }
    assert_match(/a whole number from 1 to 1000, not "0"/, wrong.log)
  end

  def test_lines_that_are_no_messages
    one = child
    ["{", "no", '{"a":NaN}', "\0", "\xFF".b, '"\ud83d"', '["\udca9"]', '"\uD83D\u0041"', "#{"[" * 1001}#{"]" * 1001}"].each do |line|
      one.send_line(line)
      assert_equal [nil, -32_700], code(one.receive), line
    end
    { "[]" => nil, "7" => nil, '{"id":5,"method":"ping"}' => 5, '{"jsonrpc":"1.0","id":5,"method":"ping"}' => 5,
      '{"jsonrpc":"2.0","id":5,"method":7}' => 5, '{"jsonrpc":"2.0","id":null,"method":"ping"}' => nil,
      '{"jsonrpc":"2.0","id":1.5,"method":"ping"}' => nil, '{"jsonrpc":"2.0"}' => nil,
      '{"jsonrpc":"2.0","id":5}' => nil, '{"jsonrpc":"2.0","id":5,"result":1,"error":{}}' => nil,
      '{"jsonrpc":"2.0","id":5,"error":5}' => nil, '"\ud83d\udca9 \\\\ud83d"' => nil }.each do |line, id|
      one.send_line(line)
      assert_equal [id, -32_600], code(one.receive), line
    end
    ["", "\r", "  ", '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"m"}}'].each { |line| one.send_line(line) }
    one.send_line("#{JSON.generate("jsonrpc" => "2.0", "id" => "p", "method" => "ping", "unknown" => 1)}\r")
    assert_equal({ "jsonrpc" => "2.0", "id" => "p", "result" => {} }, one.receive)
  end

  def test_a_line_above_the_limit_is_skipped
    one = child(bytes: 1000)
    one.send_line("x" * 1000) # with its line feed one too many
    assert_equal [nil, -32_003], code(one.receive)
    one.send_line("y" * 3_000_000)
    assert_equal [nil, -32_003], code(one.receive)
    one.send_line("x" * 999)
    assert_equal [nil, -32_700], code(one.receive)
    assert_equal({}, one.ask("ping", {})["result"])
  end

  def test_methods_and_params
    one = child
    assert_equal(-32_601, one.ask("dance", {})["error"]["code"])
    one.tell("dance", {})
    one.tell("cancel", "run" => "unknown")
    one.tell("cancel", "run" => 7)
    one.send("method" => "cancel")
    one.send("id" => 99, "result" => {}) # an answer to nothing
    one.send("id" => "x", "error" => { "code" => 1, "message" => "m" })
    assert_equal(-32_602, one.ask("ping", [])["error"]["code"])
    assert_equal(-32_602, one.ask("execute", {})["error"]["code"])
    broken = Child.params("echo", "r", {})
    broken["step"].delete("attempt")
    assert_match(/step.attempt/, one.ask("execute", broken)["error"]["message"])
    assert_equal(-32_600, one.ask("initialize", "protocol" => ["1.0"])["error"]["code"])
    assert_equal(-32_601, one.outcome("nothing")["code"])
    assert_equal({ "outcome" => "complete", "result" => { "a" => 1 } }, one.outcome("echo", input: { a: 1 }))
  end

  def test_initialize_with_bad_params
    one = child(begin: false)
    assert_equal(-32_600, one.outcome("echo")["code"])
    [{}, { "protocol" => "1.0" }, { "protocol" => ["1.0"], "limits" => { "message_bytes" => "many" } }].each do |params|
      assert_equal(-32_602, one.ask("initialize", params)["error"]["code"])
    end
    assert one.ask("initialize", "protocol" => %w[0.9 1.0])["result"]
  end

  def test_what_is_open_already_goes_on
    one = child("--concurrency", "2")
    first = one.execute("gate", run: "a")
    one.send("id" => first, "method" => "ping", "params" => {})
    assert_equal [first, -32_600], code(one.receive)
    same = one.execute("gate", run: "a")
    assert_equal [same, -32_600], code(one.receive)
    assert_equal({}, one.ask("ping", {})["result"]) # while a handler runs
    assert_equal "complete", one.outcome("open", input: 1)["outcome"] || one.receive.dig("result", "outcome")
    assert_equal first, one.receive["id"]
    assert_equal "complete", one.outcome("echo", run: "b", input: 1)["outcome"]
  end

  def test_too_many
    one = child("--concurrency", "2")
    two = [one.execute("gate"), one.execute("gate")]
    assert_equal(-32_002, one.outcome("open", input: 2)["code"])
    one.tell("cancel", "run" => "unknown")
    one.close.first.each { |answer| assert_includes two, answer["id"] }
  end

  def test_a_cancelled_run_answers_what_it_came_to
    one = child
    one.execute("until_cancelled", run: "a")
    assert_equal "progress", one.receive["method"]
    one.tell("cancel", "run" => "a", "reason" => "cancelled")
    one.tell("cancel", "run" => "a", "reason" => "cancelled")
    assert_equal({ "outcome" => "complete", "result" => "stopped by itself" }, one.receive["result"])
  end

  def test_a_run_that_waits_for_the_host_is_interrupted
    one = child
    id = one.execute("run", run: "a")
    asked = one.receive
    one.tell("cancel", "run" => "a", "reason" => "lease_lost")
    assert_equal({ "jsonrpc" => "2.0", "id" => id, "result" => { "outcome" => "cancelled" } }, one.receive)
    one.send("id" => asked["id"], "result" => { "saved" => true }) # too late, and ignored
    assert_equal "complete", one.outcome("echo")["outcome"]
    one.close
    assert_includes one.log, "ensured"
  end

  def test_checkpoints
    one = child
    one.execute("run", run: "a")
    asked = one.receive
    assert_equal ["checkpoint", { "run" => "a", "name" => "run:once", "value" => { "a" => 1 }, "replace" => false }],
                 asked.values_at("method", "params")
    one.send("id" => asked["id"], "result" => { "saved" => true })
    assert_equal({ "outcome" => "complete", "result" => { "a" => 1 } }, one.receive["result"])
    assert_equal({ "outcome" => "complete", "result" => 3 }, one.outcome("run", saved: { "run:once" => 3 }))
    { { "result" => { "saved" => false } } => "Tasker::RetryableError",
      { "error" => { "code" => -32_602, "message" => "too large" } } => "Tasker::PermanentError",
      { "error" => { "code" => -32_000, "message" => "no database" } } => "Tasker::RetryableError",
      { "result" => 7 } => "Tasker::RetryableError" }.each do |answer, raised|
      one.execute("run")
      one.send({ "id" => one.receive["id"] }.merge(answer))
      assert_equal "rescued #{raised}", one.receive.dig("result", "result")
    end
  end

  def test_a_checkpoint_replaces_the_last_one
    one = child
    one.execute("keep_large", run: "a", input: 2)
    assert_equal({ "run" => "a", "name" => "checkpoint", "value" => { "cursor" => "xx", "partial" => nil }, "replace" => true },
                 one.receive["params"])
  end

  def test_tasks_are_started
    one = child
    one.execute("start", run: "a")
    asked = one.receive
    assert_equal ["start_task", { "run" => "a", "name" => "refund", "template" => "shop/refund", "input" => 5,
                                  "on_parent_end" => "cancel", "tags" => [] }], asked.values_at("method", "params")
    one.send("id" => asked["id"], "result" => { "task_id" => "the-id" })
    assert_equal "the-id", one.receive.dig("result", "result")
    assert_equal "known", one.outcome("start", saved: { "start:refund" => "known" })["result"]
    one.execute("start")
    one.send("id" => one.receive["id"], "error" => { "code" => -32_602, "message" => "there is no template" })
    assert_equal %w[error there\ is\ no\ template], one.receive["result"].then { [_1["outcome"], _1["error"]["message"]] }
  end

  def test_waits_progress_and_log
    one = child
    assert_equal({ "outcome" => "wait", "wait" => { "name" => "sleep:1", "seconds" => 60.0 } }, one.outcome("sleep"))
    one.execute("tell", run: "a")
    assert_equal ["progress", { "run" => "a", "done" => 1, "total" => 2 }], one.receive.values_at("method", "params")
    assert_equal ["log", { "run" => "a", "level" => "warning", "message" => "careful", "fields" => { "a" => 1 } }],
                 one.receive.values_at("method", "params")
    assert_equal "complete", one.receive["result"]["outcome"]
  end

  def test_what_is_above_the_limit_is_not_sent
    one = child(bytes: 2000)
    assert_equal "complete", one.outcome("large", input: 1900)["outcome"]
    %w[large keep_large].each do |handler|
      answer = one.outcome(handler, input: 2000)
      assert_equal ["error", "Tasker::ContractError"], [answer["outcome"], answer["error"]["type"]]
      assert_match(/2000 is the most/, answer["error"]["message"])
    end
  end

  def test_what_ends_a_thread_or_a_process_ends_only_the_run
    one = child("--concurrency", "1")
    3.times do
      assert_equal "SystemExit", one.outcome("exit")["error"]["type"]
      assert_match(/ended its thread/, one.outcome("leave_thread")["error"]["message"])
    end
    assert_equal "complete", one.outcome("echo")["outcome"]
  end

  def test_what_handlers_print_is_log_and_what_they_read_is_empty
    one = child
    assert_equal({ "outcome" => "complete", "result" => "" }, one.outcome("print"))
    one.close
    assert_equal ["from a program", "to $stdout", "to STDOUT"], one.log.lines.map(&:chomp).sort
  end

  def test_shutdown_waits_for_what_is_open
    one = child
    one.execute("hang")
    one.receive
    last = one.request("shutdown", { "grace" => 5 })
    assert_equal({}, one.ask("ping", {})["result"])
    assert_equal(-32_002, one.outcome("open", input: 1)["code"])
    rest, status = one.close
    assert status.success?
    refute_includes rest.map { |answer| answer["id"] }, last, "a run was still open"
  end

  def test_what_still_runs_when_the_grace_is_over_is_cancelled_and_left
    one = child
    run = one.execute("until_cancelled", run: "a")
    one.receive
    one.execute("hang", run: "b") # for ever
    one.receive
    assert_equal(-32_602, one.ask("shutdown", { "grace" => "5" })["error"]["code"])
    one.request("shutdown", { "grace" => 0.1 })
    answer = one.receive
    assert_equal [run, "stopped by itself"], [answer["id"], answer["result"]["result"]]
    assert Timeout.timeout(Child::PATIENCE) { one.process.value }.success? # its input is still open
  end

  def test_shutdown_of_what_is_idle
    one = child
    assert_equal({}, one.ask("shutdown", { "grace" => 5 })["result"])
    assert Timeout.timeout(Child::PATIENCE) { one.process.value }.success? # its input is still open
  end

  def test_shutdown_is_answered_behind_the_last_run
    one = child
    run = one.execute("until_cancelled", run: "a")
    one.receive
    last = one.request("shutdown", { "grace" => 5 })
    one.tell("cancel", "run" => "a", "reason" => "stopping")
    assert_equal [run, last], [one.receive["id"], one.receive["id"]]
    assert Timeout.timeout(Child::PATIENCE) { one.process.value }.success?
  end

  def test_it_ends_with_its_input
    one = child
    one.execute("until_cancelled", run: "a")
    one.receive
    one.execute("run")
    one.receive
    one.execute("busy")
    one.receive
    rest, status = one.close
    assert status.success?
    assert_equal %w[cancelled complete], rest.map { |answer| answer["result"]["outcome"] }.sort
  end

  def test_a_timeout_around_a_call_tears_no_line
    one = child("--concurrency", "2")
    ids = Array.new(2) { one.execute("interrupted") }
    ids.delete(one.receive["id"]) until ids.empty?
  end

  def test_many_at_once_are_each_answered_once
    one = child("--concurrency", "50")
    ids = (1..50).map { |number| one.execute(number.even? ? "echo" : "tell") }
    answers = Array.new(100) { one.receive }.filter_map { |message| message["id"] }
    assert_equal ids.sort, answers.sort
  end
end

class TestProgram < Minitest::Test
  def run_program(*command, input: "")
    Open3.capture3(*command, stdin_data: input)
  end

  def test_a_file_that_does_not_load_is_named
    Dir.mktmpdir do |folder|
      { "raise 'broken'" => /does not load: .*broken/m, "def (" => /does not load: .*SyntaxError|syntax error/m,
        "require 'tasker'; Tasker.step('a') { |x| x }" => /handler a has the parameter x/,
        "1" => /no handler was defined: there is nothing to serve/ }.each do |text, why|
        file = File.join(folder, "handlers.rb")
        File.write(file, text)
        out, err, status = run_program(*Child.command(file))
        assert_equal ["", 1], [out, status.exitstatus]
        assert_match why, err
      end
    end
  end

  def test_without_files_it_says_how_it_is_used
    [Child.command, [RbConfig.ruby, "-I", Child::LIB, File.expand_path("../exe/tasker-ruby", __dir__)]].each do |command|
      _, err, status = run_program(*command)
      assert_equal 2, status.exitstatus
      assert_match(/usage: tasker-ruby/, err)
    end
  end

  def test_a_script_can_serve_itself
    first = %({"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocol":["1.0"],"worker":"w"}}\n)
    Dir.mktmpdir do |folder|
      file = File.join(folder, "own.rb")
      File.write(file, "require 'tasker'\nTasker.concurrency = 4\nTasker.step('a') { 1 }\nTasker.serve\nwarn 'done'\n")
      [[RbConfig.ruby, "-I", Child::LIB, file], Child.command(file)].each do |command|
        out, err, status = run_program(*command, input: first)
        assert_equal [4, "done\n", true], [JSON.parse(out)["result"]["concurrency"], err, status.success?]
      end
    end
  end

  def test_several_files_and_the_executable
    Dir.mktmpdir do |folder|
      files = %w[a b].map { |name| File.join(folder, "#{name}.rb").tap { File.write(_1, "Tasker.step('#{name}') { 1 }\nputs 'loading'\n") } }
      first = %({"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocol":["1.0"],"worker":"w"}}\n)
      out, err, = run_program(RbConfig.ruby, "-I", Child::LIB, File.expand_path("../exe/tasker-ruby", __dir__), *files, input: first)
      assert_equal %w[a b], JSON.parse(out)["result"]["handlers"].map { _1["name"] }
      assert_equal "loading\nloading\n", err
    end
  end
end
