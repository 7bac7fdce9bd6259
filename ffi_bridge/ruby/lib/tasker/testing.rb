# frozen_string_literal: true

require "digest"
require "tasker"

module Tasker
  # Runs handlers in unit tests, without a worker.
  #
  #   outcome = Tasker::Testing.run("charge", input: { total: 5 })
  #   outcome.result            # => {"charge_id" => "…"}
  #   outcome.resume("event" => { "paid" => true })   # the next run, when it waits
  module Testing
    # What a run came to, and what it has said and saved on its way. Values are parsed JSON.
    class Outcome
      # @return [Hash{String => Object}] all that is saved after the run
      attr_reader :saved
      # @return [Array<Hash{String => Object}>] what went to +progress+, to the log and to +start_task+
      attr_reader :progress, :logs, :started

      # @api private
      def initialize(said, link, again)
        @said = said
        @saved = link.saved
        @progress = link.told.fetch("progress", [])
        @logs = link.told.fetch("log", [])
        @started = link.started
        @again = again
      end

      # @return [String] complete, retry, error, wait or cancelled
      def state = @said["outcome"]

      # @return [Boolean]
      def complete? = state == "complete"

      # @return [Boolean]
      def waits? = state == "wait"

      # @return [Object] what the handler returned
      # @raise [RuntimeError] when it has not completed
      def result
        complete? ? @said["result"] : raise("the handler has not completed: #{@said}")
      end

      # @return [Array<Hash>, nil] the steps that it asks for
      def expansion = @said["expansion"]

      # @return [Hash{String => Object}, nil] what it waits for
      def wait = @said["wait"]

      # @return [Hash{String => Object}, nil] +type+, +message+, +kinds+ and +traceback+ of what it raised
      def error = @said["error"]

      # @return [Float, nil] the delay that it asks for before the next attempt
      def delay = @said["delay"]

      # Run it again, when what it waits for has come.
      # @param came [Object] what is saved of it: {"event" => payload}, {"approved" => true}, {"state" => "complete", "result" => …}
      # @return [Outcome]
      def resume(came = {})
        raise "the handler does not wait: #{@said}" unless waits?

        @again.call(saved.merge(wait["name"] => came))
      end
    end

    # Stands for the worker.
    class Link
      attr_reader :saved, :told, :started

      def initialize(saved, cancelled, lease_lost)
        @saved = saved
        @told = {}
        @started = []
        @cancelled = cancelled
        @lease_lost = lease_lost
      end

      def cancelled? = @cancelled

      def check = @cancelled && raise(Stopped, "the run was cancelled")

      def tell(method, params)
        (@told[method] ||= []) << params
      end

      def ask(method, params)
        check
        name, value = params.values_at("name", "value")
        return method == "checkpoint" ? { "saved" => false } : { "task_id" => nil } if @lease_lost

        if method == "checkpoint"
          @saved[name] = value
          { "saved" => true }
        else
          @started << params
          { "task_id" => @saved["start:#{name}"] = id_for(name) }
        end
      end

      private

      # The same on each run.
      def id_for(name) = Digest::MD5.hexdigest(name).sub(/(.{8})(.{4})(.{4})(.{4})(.{12})/, '\1-\2-\3-\4-\5')
    end
    private_constant :Link

    # Run a handler once.
    # @param name [String, Symbol]
    # @param input [Object] the task's input; this and other values go through JSON, so hashes have strings as keys
    # @param results [Hash] of the step's parents
    # @param saved [Hash] what earlier runs have saved
    # @param kind [String] of the step
    # @param cancelled [Boolean] whether the run is cancelled from its beginning
    # @param lease_lost [Boolean] whether nothing can be saved any more
    # @param step [Hash] other fields of the step: +config+, +attempt+, +max_attempts+, +idempotency_key+, +deadline+, …
    # @param task [Hash] other fields of the task: +namespace+, +context+, +tags+, …
    # @param undoes [Hash, nil] in a compensation
    # @return [Outcome]
    # @raise [DefinitionError] when there is no such handler
    def self.run(name, input: nil, results: {}, saved: {}, kind: "standard", cancelled: false, lease_lost: false, step: {},
                 task: {}, undoes: nil)
      handler = Tasker.registry.fetch(name)
      given = { "run" => "run-1", "handler" => handler.name, "results" => results, "saved" => saved, "undoes" => undoes,
                "task" => TASK.merge(task.transform_keys(&:to_s), "input" => input),
                "step" => STEP.merge({ "name" => handler.name, "kind" => kind }, step.transform_keys(&:to_s)) }
      params = Values.load(Values.dump(given, "what the handler is given"))
      link = Link.new(params["saved"], cancelled, lease_lost)
      said = Values.load(Attempt.outcome(handler, Context.new(params, link)))
      Outcome.new(said, link, lambda { |next_saved|
        run(name, input: input, results: results, saved: next_saved, kind: kind, step: step, task: task, undoes: undoes)
      })
    end

    TASK = { "id" => "00000000-0000-0000-0000-000000000001", "namespace" => "test", "template" => "test",
             "version" => "1", "context" => {}, "correlation_id" => nil, "tags" => [] }.freeze
    STEP = { "number" => 1, "config" => {}, "attempt" => 1, "max_attempts" => 3, "deadline" => nil,
             "idempotency_key" => "00000000-0000-0000-0000-000000000001:1" }.freeze
    private_constant :TASK, :STEP
  end
end
