# frozen_string_literal: true

module Tasker
  # A handler that is a class. Each run has an instance of its own, made without arguments.
  #
  #   class ValidateCart < Tasker::StepHandler
  #     handles "validate_cart"
  #
  #     def call(input:, ctx:)
  #       { total_cents: input["lines"].sum { |line| price(line) } }
  #     end
  #   end
  class StepHandler
    # Name the handler. What +call+ takes is told by its keywords, see {Handler}.
    # @param name [String, Symbol] by which templates call it
    # @param as [Symbol] :step, :decision or :batch
    # @param input_schema [Hash, nil] a JSON Schema that the worker holds the task's input against
    # @param result_schema [Hash, nil] a JSON Schema that the worker holds the result against
    # @param method [Symbol] the method that runs it
    # @return [void]
    # @raise [DefinitionError]
    def self.handles(name, as: :step, input_schema: nil, result_schema: nil, method: :call)
      Tasker.registry.add(name) do
        unless method_defined?(method)
          raise DefinitionError, "handler #{name} is #{self}, which has no public method #{method}"
        end

        Handler.new(name, instance_method(method).parameters, kind: as, input_schema: input_schema,
                                                              result_schema: result_schema) { new.method(method) }
      end
    end
  end
end
