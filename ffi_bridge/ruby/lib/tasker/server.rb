# frozen_string_literal: true

require "json"

module Tasker
  # The child's side of the conversation: reads on the calling thread, runs handlers on others.
  #
  # Model: a run is open from its +execute+ until its answer is queued, both under one lock, so that an answer is never
  # behind that of the +shutdown+ which waits for it.
  class Server
    # How long runs have to end when the input has, or the grace is over, in seconds.
    LAST_WAIT = 1.0
    LONGEST_GRACE = 1e9 # above it sleep raises
    Job = Struct.new(:run, :handler, :params)
    private_constant :LAST_WAIT, :LONGEST_GRACE, :Job

    # @param handlers [Hash{String => Handler}]
    # @param concurrency [Integer] how many runs may be open at once
    # @param input [IO] what the host writes
    # @param output [IO] what the host reads
    # @param name [String] of the program, for people
    def initialize(handlers, concurrency:, input:, output:, name: File.basename($PROGRAM_NAME))
      @handlers = handlers
      @concurrency = concurrency
      @name = name
      @lines = Lines.new(input, Protocol::LONGEST_LINE)
      @output = Output.new(output)
      @calls = Calls.new(@output)
      @pool = Pool.new(concurrency, rest: @output.method(:flush)) { |job| work(job) }
      @runs = {}
      @requests = {}
      @lock = Mutex.new
      @ended = ConditionVariable.new
      @ready = false
      @shutdown = nil
    end

    # Converse until the host is done.
    # @return [Boolean] whether all runs have ended
    def serve
      @lines.each { |line| take_line(line) }
      settle
    ensure
      @pool.close
    end

    private

    def take_line(line)
      return refuse(nil, Protocol::TOO_LONG, "a line above #{@lines.limit} bytes") if line.nil?
      return if line.empty? || line == "\r"

      message = line.valid_encoding? ? Values.load(line) : raise(JSON::ParserError, "bytes that are no UTF-8")
      fault = Protocol.fault(message)
      if fault then refuse(Protocol.id_of(message), Protocol::BAD_MESSAGE, fault)
      elsif message.key?("method") then hear(message)
      else @calls.take_answer(message)
      end
    rescue JSON::ParserError => error
      text = Failures.text(error.message)[0, 200]
      refuse(nil, Protocol::NO_JSON, "a line that is no JSON: #{text}") unless line.scrub.match?(/\A[ \t\r]*\z/)
    end

    def hear(message)
      id, method = message.values_at("id", "method")
      params = message.fetch("params", {})
      if id.nil? then cancel(params) if method == "cancel"
      elsif @requests.key?(id) then refuse(id, Protocol::BAD_MESSAGE, "request #{id} is open already")
      elsif !params.is_a?(Hash) then refuse(id, Protocol::BAD_PARAMS, "params is no object")
      else take_request(id, method, params)
      end
    end

    def take_request(id, method, params)
      return refuse(id, Protocol::BAD_MESSAGE, "#{method} before initialize") unless @ready || method == "initialize"

      case method
      when "initialize" then begin_with(id, params)
      when "execute" then execute(id, params)
      when "ping" then @output.put(Protocol.answer(id, "{}"))
      when "shutdown" then drain(id, params["grace"])
      else refuse(id, Protocol::NO_METHOD, "there is no method #{method}")
      end
    end

    def begin_with(id, params)
      return refuse(id, Protocol::BAD_MESSAGE, "initialize was answered already") if @ready

      fault = Protocol.initialize_fault(params)
      return refuse(id, Protocol::BAD_PARAMS, fault) if fault

      unless params["protocol"].include?(Protocol::VERSION)
        refuse(id, Protocol::NO_PROTOCOL, "this child speaks protocol #{Protocol::VERSION}")
        return @lines.stop
      end
      @lines.limit = @calls.limit = [params.dig("limits", "message_bytes") || @lines.limit, @lines.limit].min
      @ready = true
      @output.put(Protocol.answer(id, JSON.generate(introduction)))
    end

    def introduction
      handlers = @handlers.each_value.map do |handler|
        { "name" => handler.name, "input_schema" => handler.input_schema, "result_schema" => handler.result_schema }.compact
      end
      { "protocol" => Protocol::VERSION, "concurrency" => @concurrency, "handlers" => handlers,
        "child" => { "name" => @name, "language" => "ruby", "version" => RUBY_VERSION, "library" => "tasker-pg #{VERSION}" } }
    end

    def execute(id, params)
      fault = Protocol.execute_fault(params)
      return refuse(id, Protocol::BAD_PARAMS, fault) if fault

      name = params["run"]
      handler = @handlers[params["handler"]]
      return refuse(id, Protocol::NO_METHOD, "there is no handler #{params["handler"]}") if handler.nil?
      return refuse(id, Protocol::BAD_MESSAGE, "run #{name} is open already") if @runs.key?(name)
      return refuse(id, Protocol::TOO_MANY, "too many: it is leaving") if @shutdown
      return refuse(id, Protocol::TOO_MANY, "too many: #{@concurrency} are open") if @runs.size >= @concurrency

      run = Run.new(name, id, @calls)
      @lock.synchronize { @runs[name] = @requests[id] = run }
      @pool.push(Job.new(run, handler, params))
    end

    def cancel(params)
      @lock.synchronize { @runs[params["run"]] }&.cancel if params.is_a?(Hash)
    end

    def drain(id, grace)
      unless grace.nil? || (grace.is_a?(Numeric) && grace >= 0)
        return refuse(id, Protocol::BAD_PARAMS, "grace is no number of seconds")
      end

      @lines.expect_stop
      leaves = @lock.synchronize do
        @requests[id] = @shutdown = [id]
        @runs.empty?
      end
      if leaves then say_goodbye
      elsif grace then leave_within(grace)
      end
    end

    def leave_within(seconds)
      Thread.new do
        sleep([seconds, LONGEST_GRACE].min)
        @lines.stop
      end
    end

    def say_goodbye
      @output.put(Protocol.answer(@shutdown.first, "{}"))
      @lines.stop
    end

    # On a thread of the pool.
    def work(job)
      run = job.run
      outcome = run.cancelled? ? Attempt::CANCELLED : Attempt.outcome(job.handler, Context.new(job.params, run))
    ensure # also when the handler has ended its thread
      finish(run, outcome || Attempt.failed("retry", RuntimeError.new("the handler has ended its thread")))
    end

    def finish(run, outcome)
      line = Protocol.answer(run.request, outcome)
      line = Protocol.answer(run.request, too_long(line)) if line.bytesize > @calls.limit
      leaves = @lock.synchronize do
        @runs.delete(run.name)
        @requests.delete(run.request)
        @output.push(line)
        @ended.signal if @runs.empty?
        @shutdown && @runs.empty?
      end
      say_goodbye if leaves
    end

    def too_long(line)
      what = "what the run came to makes a message of #{line.bytesize} bytes; #{@calls.limit} is the most"
      Attempt.failed("error", ContractError.new(what))
    end

    # The input has ended, or all has been answered, or the grace is over: nobody waits for more than the answers that
    # come at once.
    def settle
      runs = @lock.synchronize { @runs.values }
      runs.each(&:cancel)
      give_up = now + LAST_WAIT
      @lock.synchronize do
        @ended.wait(@lock, give_up - now) until @runs.empty? || now >= give_up
      end
      @output.flush
      @lock.synchronize { @runs.empty? }
    end

    def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)

    def refuse(id, code, message) = @output.put(Protocol.error(id, code, message))
  end
end
