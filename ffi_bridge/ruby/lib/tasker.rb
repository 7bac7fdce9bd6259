# frozen_string_literal: true

require "io/wait"
require "json"

%w[
  version durations errors failures values growth approvals child_tasks expansion durable run_logger context handler
  registry step_handler attempt protocol streams lines output calls pool server
].each { |part| require_relative "tasker/#{part}" }

# Handlers for Tasker, a durable workflow engine that lives in PostgreSQL.
#
#   Tasker.step("ship") do |process_payment:, validate_cart:, ctx:|
#     { tracking_id: "trk_#{ctx.idempotency_key}" }
#   end
#
# +input+ takes the task's input, +ctx+ the {Context}, and any other keyword the result of the parent step of that name.
module Tasker
  # The environment variable that says how many runs may be open at once.
  CONCURRENCY = "TASKER_CONCURRENCY"

  @registry = Registry.new

  class << self
    # @return [Registry] the handlers of this program
    attr_reader :registry

    # A handler. Leave the block early with +next+.
    # @param name [String, Symbol] by which templates call it
    # @param input_schema [Hash, nil] a JSON Schema that the worker holds the task's input against
    # @param result_schema [Hash, nil] a JSON Schema that the worker holds the result against
    # @yield with what its keywords name, see {Handler}
    # @yieldreturn [Object] the result: JSON, see {Values}, or an {Expansion}
    # @return [void]
    # @raise [DefinitionError]
    def step(name, input_schema: nil, result_schema: nil, &block)
      define(name, :step, input_schema, result_schema, block)
    end

    # A handler for a decision: returns the name of a branch, a list of names, or nil.
    # @param (see #step)
    # @return (see #step)
    # @raise (see #step)
    def decision(name, input_schema: nil, result_schema: nil, &block)
      define(name, :decision, input_schema, result_schema, block)
    end

    # A handler for a batch: returns an Array with an item for each worker.
    # @param (see #step)
    # @return (see #step)
    # @raise (see #step)
    def batch(name, input_schema: nil, result_schema: nil, &block)
      define(name, :batch, input_schema, result_schema, block)
    end

    # How many runs may be open at once in this program, from 1 to 1,000. 10, or what TASKER_CONCURRENCY says.
    # @return [Integer]
    # @raise [DefinitionError]
    def concurrency
      given = registry.concurrency || ENV.fetch(CONCURRENCY, 10)
      number = Integer(given, exception: false)
      return number if number&.between?(1, 1000)

      raise DefinitionError, "the concurrency is a whole number from 1 to 1000, not #{given.inspect}"
    end

    # @param number [Integer]
    # @return [Integer]
    def concurrency=(number)
      registry.concurrency = number
    end

    # Run handlers for the worker at the other end of standard input and output, until that is done. What handlers print
    # goes to standard error.
    # @param concurrency [Integer]
    # @return [void]
    # @raise [DefinitionError] when a handler is written wrongly
    def serve(concurrency: self.concurrency)
      @served = true
      raise DefinitionError, "no handler was defined: there is nothing to serve" if registry.handlers.empty?

      input, output = Streams.take
      all_ended = Server.new(registry.handlers, concurrency: concurrency, input: input, output: output).serve
      Process.exit!(0) unless all_ended # what is stuck would keep the process
    end

    # @return [Boolean] whether {serve} was called
    def served? = @served || false

    private

    def define(name, kind, input_schema, result_schema, block)
      raise DefinitionError, "handler #{name} has no block" if block.nil?

      handler = Handler.new(name, block.parameters, kind: kind, input_schema: input_schema,
                                                    result_schema: result_schema) { block }
      registry.add(name) { handler }
    end
  end
end
