# frozen_string_literal: true

module Tasker
  # What runs have asked the host for, and has not been answered yet.
  class Calls
    # @return [Integer] the longest line that the host takes
    attr_accessor :limit

    # @param output [Output]
    def initialize(output)
      @output = output
      @limit = Protocol::LONGEST_LINE
      @open = {}
      @last = 0
      @mutex = Mutex.new
    end

    # Ask, and wait for the answer.
    # @param run [Run]
    # @return [Hash] the result
    # @raise [Stopped] when the run is cancelled meanwhile
    # @raise [PermanentError] when the host refuses it
    # @raise [RetryableError] when it fails in another way
    def ask(run, method, params)
      answers = Thread::Queue.new
      id = @mutex.synchronize { (@last += 1).tap { |number| @open[number] = [run, answers] } }
      run.check # after it was entered, so that a cancellation finds one or the other
      @output.put(fit(Protocol.call(id, method, params), method))
      read(answers.pop, method)
    ensure
      @mutex.synchronize { @open.delete(id) }
    end

    # Tell something that is not answered; one that is too long is left out.
    # @return [void]
    def tell(method, params)
      line = Protocol.call(nil, method, params)
      @output.put(line) if line.bytesize <= @limit
    end

    # @param message [Hash] an answer of the host's
    # @return [void]
    def take_answer(message)
      _, answers = @mutex.synchronize { @open.delete(message["id"]) }
      answers&.push(message)
    end

    # Wake what waits in a run.
    # @param run [Run]
    # @return [void]
    def stop(run)
      waiting = @mutex.synchronize { @open.values.select { |of, _| of.equal?(run) } }
      waiting.each { |_, answers| answers << nil }
    end

    private

    def fit(line, method)
      return line if line.bytesize <= @limit

      raise ContractError, "a #{method} makes a message of #{line.bytesize} bytes; #{@limit} is the most"
    end

    def read(message, method)
      raise Stopped, "the run was cancelled" if message.nil?

      result, error = message.values_at("result", "error")
      return result if result.is_a?(Hash)

      code, text = error.values_at("code", "message") if error.is_a?(Hash)
      raise code == Protocol::BAD_PARAMS ? PermanentError : RetryableError, text&.to_s || "#{method} was answered with no object"
    end
  end

  # One run, and its way to the host: what a {Context} is given.
  class Run
    # @return [String, Integer] the id of the request that it answers
    attr_reader :request
    # @return [String]
    attr_reader :name

    # @param name [String]
    # @param request [String, Integer]
    # @param calls [Calls]
    def initialize(name, request, calls)
      @name = name
      @request = request
      @calls = calls
      @cancelled = false
    end

    # @return [Boolean]
    def cancelled? = @cancelled

    # @raise [Stopped] when it was cancelled
    def check = @cancelled && raise(Stopped, "the run was cancelled")

    # @return [void]
    def cancel
      @cancelled = true
      @calls.stop(self)
    end

    # @return [Hash]
    def ask(method, params)
      check
      @calls.ask(self, method, { "run" => @name }.merge(params))
    end

    # @return [void]
    def tell(method, params) = @calls.tell(method, { "run" => @name }.merge(params))
  end
end
