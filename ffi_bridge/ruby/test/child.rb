# frozen_string_literal: true

require "json"
require "open3"
require "rbconfig"

# A real child at the other end of two pipes, and the host's part by hand.
class Child
  LIB = File.expand_path("../lib", __dir__)
  HANDLERS = File.expand_path("handlers/all.rb", __dir__)
  PATIENCE = 20 # seconds; only what hangs takes them

  attr_reader :process, :introduction, :input

  def self.command(*files) = [RbConfig.ruby, "-w", "-I", LIB, "-r", "tasker/main", *files]

  def initialize(*arguments, files: [HANDLERS], begin: true, bytes: 1 << 20, environment: {})
    @input, @output, @errors, @process = Open3.popen3(environment, *Child.command(*files, *arguments))
    @input.binmode
    @last = 0
    return unless binding.local_variable_get(:begin)

    @introduction = ask("initialize", "protocol" => ["1.0"], "worker" => "test", "limits" => { "message_bytes" => bytes })["result"]
  end

  def send_line(line)
    @input.write(line, "\n")
    @input.flush
  end

  def send(message) = send_line(JSON.generate({ "jsonrpc" => "2.0" }.merge(message)))

  def tell(method, params) = send("method" => method, "params" => params)

  def request(method, params)
    send("id" => @last += 1, "method" => method, "params" => params)
    @last
  end

  def ask(method, params)
    id = request(method, params)
    receive.tap { |answer| raise "#{answer} is no answer to #{id}" unless answer["id"] == id }
  end

  def execute(handler, run: "run-#{@last + 1}", **fields)
    request("execute", Child.params(handler, run, fields))
  end

  # What the run came to, when nothing else is said before it.
  def outcome(handler, **fields)
    id = execute(handler, **fields)
    answer = receive
    raise "#{answer} is no answer to #{id}" unless answer["id"] == id

    answer["result"] || answer["error"]
  end

  def self.params(handler, run, fields)
    task = { "id" => "t", "namespace" => "shop", "template" => "orders", "version" => "1", "input" => fields[:input],
             "context" => {}, "correlation_id" => nil, "tags" => [] }
    step = { "name" => handler, "number" => 1, "kind" => fields.fetch(:kind, "standard"), "config" => {}, "attempt" => 1,
             "max_attempts" => 3, "idempotency_key" => "t:1", "deadline" => nil }
    { "run" => run, "handler" => handler, "task" => task, "step" => step, "results" => fields.fetch(:results, {}),
      "saved" => fields.fetch(:saved, {}), "undoes" => nil, "trace" => nil }
  end

  def receive
    line = Timeout.timeout(PATIENCE) { @output.gets }
    raise "the child has ended: #{@errors.read}" if line.nil?

    JSON.parse(line, max_nesting: 1024)
  end

  # The rest of what it says, and its status, when its input has ended.
  def close
    @input.close unless @input.closed?
    Timeout.timeout(PATIENCE) { [@output.read.lines.map { |line| JSON.parse(line) }, @process.value] }
  end

  def log = Timeout.timeout(PATIENCE) { @errors.read }

  def kill
    Process.kill(:KILL, @process.pid) if @process.alive?
    [@input, @output, @errors].each { |io| io.close unless io.closed? }
    @process.join
  end
end
