# frozen_string_literal: true

module Tasker
  # What a handler can know about the attempt that it is, and what it can ask of the worker meanwhile.
  #
  # A handler gets it through a keyword parameter named +ctx+ or +context+. Values are parsed JSON.
  class Context
    # The task that a step belongs to.
    # @!attribute id [String]
    # @!attribute namespace [String]
    # @!attribute template [String]
    # @!attribute version [String]
    # @!attribute input [Object] what it was submitted with
    # @!attribute context [Object] what the client gave as its context
    # @!attribute correlation_id [String, nil]
    # @!attribute tags [Array<String>]
    Task = Struct.new(:id, :namespace, :template, :version, :input, :context, :correlation_id, :tags) do
      # @return [String] without what the task was submitted with: errors and logs show it
      def inspect = "#<Tasker::Context::Task #{namespace}/#{template}@#{version} #{id}>"
      alias_method :to_s, :inspect
    end

    # The step that a compensation undoes.
    # @!attribute name [String]
    # @!attribute idempotency_key [String] the key that its own handler had
    # @!attribute completed [Boolean] false when it was started and did not complete
    UndoneStep = Struct.new(:name, :idempotency_key, :completed)

    # @return [Hash{String => Object}] the results of the step's parents, by their names
    attr_reader :results

    # @param params [Hash{String => Object}] of the protocol's +execute+
    # @param link [#ask, #tell, #check, #cancelled?] the way to the worker
    # @api private
    def initialize(params, link)
      @params = params
      @step = params.fetch("step")
      @results = params.fetch("results")
      @link = link
    end

    # @return [String] without the task's input and what else the step is given: errors and logs show it
    def inspect = "#<Tasker::Context step #{step_name}, attempt #{attempt}>"

    # @return [Task]
    def task
      @task ||= Task.new(*@params.fetch("task").values_at(*Task.members.map(&:name)))
    end

    # @return [Object] the task's input
    def input = @params["task"]["input"]

    # @return [Array<String>] the task's tags
    def tags = @params["task"]["tags"] || []

    # @return [String] the step's name, such as +load/17+ for a batch's worker
    def step_name = @step["name"]

    # @return [Integer]
    def step_number = @step["number"]

    # @return [String] standard, decision, batchable, batch_worker, deferred_convergence, dynamic or compensation
    def kind = @step["kind"] || "standard"

    # @return [Hash{String => Object}] the step's configuration: +handler.initialization+ in YAML
    def config = @step["config"] || {}

    # @return [Integer] which attempt this is, from 1
    def attempt = @step["attempt"]

    # @return [Integer]
    def max_attempts = @step["max_attempts"]

    # @return [String] the same on every attempt of this step, and of no other: for outside systems
    def idempotency_key = @step["idempotency_key"]

    # @return [Time, nil] when the attempt is ended (UTC), if it is limited
    def deadline
      @step["deadline"] && Time.at(@step["deadline"]).utc
    end

    # @return [Float, nil] seconds until the attempt is ended, at least 0; nil when it is not limited
    def remaining
      @step["deadline"] && [0.0, @step["deadline"] - Time.now.to_f].max
    end

    # @return [UndoneStep, nil] the step that is undone, in a compensation; nil elsewhere
    def undoes
      @params["undoes"] && UndoneStep.new(*@params["undoes"].values_at(*UndoneStep.members.map(&:name)))
    end

    # @return [Hash{String => String}, nil] W3C trace context
    def trace = @params["trace"]

    # @return [RunLogger]
    def logger
      @logger ||= RunLogger.new(@link)
    end

    # Whether the run should stop: cancelled, out of time, or its lease lost. A long handler looks here now and then,
    # and returns or raises; what it returns is not used any more.
    # @return [Boolean]
    def cancelled? = @link.cancelled?

    # Leave the handler when the run was cancelled.
    # @return [nil]
    # @raise [Stopped]
    def check_cancelled = @link.check

    # Say how far the handler has come, for operators. Cheap.
    # @param done [Numeric]
    # @param total [Numeric, nil]
    # @param note [String, nil]
    # @return [nil]
    # @raise [ContractError] for what is no finite number
    def progress(done, total: nil, note: nil)
      said = { "done" => finite(done), "total" => total && finite(total), "note" => note && Failures.text(note) }
      @link.tell("progress", said.compact)
      nil
    end

    # Call the block once: what it returned is saved under +name+, and later runs get that.
    #
    # A run is later when the handler was retried, its worker died, or it has waited. The block runs again only if the
    # worker dies before the result is saved, so hand an idempotency key to what it calls. A name is used once in a run.
    # @param name [String, Symbol]
    # @yieldreturn [Object] JSON, see {Values}
    # @return [Object] that as parsed JSON, also the first time
    # @raise [RetryableError] when the lease was lost
    def run(name, &block)
      raise ArgumentError, "run takes a block" unless block

      durable.run(name, &block)
    end

    # Save how far the handler has come and what it has by then, in place of the last checkpoint.
    # @param cursor [Object] JSON
    # @param partial [Object] JSON
    # @return [nil]
    # @raise [RetryableError] when the lease was lost
    def checkpoint(cursor, partial = nil)
      durable.checkpoint(cursor, partial)
      nil
    end

    # @return [Checkpoint, nil] what an earlier run of the step saved last
    def last_checkpoint = durable.last_checkpoint

    # Give the place back for this long; then the handler runs again, and goes on from here.
    # @param duration [Numeric, String] seconds, or a text like "30s" or "1h30m"
    # @param name [String, nil] what tells it from other sleeps; by default their order
    # @return [nil]
    def sleep(duration, name: nil) = durable.sleep(duration, name)

    # The payload of an event that was or will be sent to the task. Waiting takes no place.
    # @param event [String, Symbol]
    # @param timeout [Numeric, String, nil]
    # @return [Object]
    # @raise [EventTimedOut]
    def wait_event(event, timeout: nil) = durable.wait_event(event, timeout)

    # Ask people, and give the place back until one of them has answered.
    # @param name [String, Symbol]
    # @param title [String, nil] what they see, with +data+
    # @param data [Object] JSON
    # @param form [Hash, nil] a JSON Schema of what they fill in
    # @param who [Array<String>] the people or roles that may answer; nobody named: anybody
    # @param timeout [Numeric, String, nil]
    # @param default [Boolean, nil] what holds when the time is up; nil: {ApprovalTimedOut}
    # @return [Approval]
    # @raise [ApprovalTimedOut]
    def ask(name, title = nil, data: nil, form: nil, who: [], timeout: nil, default: nil)
      durable.ask(name, title, data: data, form: form, who: who, timeout: timeout, default: default)
    end

    # Start a task of a template as a child of this one. It is started once: later runs find it by its +name+.
    # @param template [String] "namespace/name"
    # @param input [Object] JSON
    # @param name [String, nil] by default the template's
    # @param version [String, nil] by default the one registered last
    # @param on_parent_end [String, Symbol] "cancel" or "leave"
    # @param priority [String, Symbol, nil] lowest, low, normal, high or highest; by default this task's
    # @param tags [Array<String>]
    # @param context [Hash, nil]
    # @return [ChildTask]
    # @raise [PermanentError] when there is no such template, or the input does not fit
    # @raise [RetryableError] when the lease was lost
    def start_task(template, input = nil, name: nil, version: nil, on_parent_end: "cancel", priority: nil, tags: [],
                   context: nil)
      durable.start_task(
        ChildTasks.request(template, input, name: name, version: version, on_parent_end: on_parent_end,
                                            priority: priority, tags: tags, context: context)
      )
    end

    # The result of a task, a child or any other by its id, when it has ended. Waiting takes no place.
    # @param task [ChildTask, String]
    # @param timeout [Numeric, String, nil]
    # @param on_blocked [String, Symbol] "wait", or "raise" when the task is blocked by failures
    # @return [Object]
    # @raise [TaskFailed, TaskCancelled, TaskTimedOut]
    def wait_task(task, timeout: nil, on_blocked: "wait") = durable.wait_task(task, timeout, on_blocked)

    # Start a child and wait for its result: {#start_task} and {#wait_task} in one.
    # @return [Object]
    def run_task(template, input = nil, name: nil, timeout: nil, on_blocked: "wait")
      wait_task(start_task(template, input, name: name), timeout: timeout, on_blocked: on_blocked)
    end

    private

    def durable
      @durable ||= Durable.new(@params["saved"] || {}, @link)
    end

    def finite(number)
      return number if number.is_a?(Integer)

      value = Float(number)
      value.finite? ? value : raise(ContractError, "progress is counted in finite numbers, not #{number}")
    rescue TypeError, ArgumentError
      raise ContractError, "progress is counted in numbers, not #{number.inspect}"
    end
  end
end
