# frozen_string_literal: true

module Tasker
  # What a handler returns that asks for other steps: its own result, and the steps.
  #
  # The steps come to be in the transaction in which the handler's own step completes, or none of them does. Each is a
  # dynamic step of the template, which may be asked for any number of times, within the template's bounds.
  #
  #   found = Tasker::Expansion.new({ rounds: 1 })
  #   search = found.add("search", query: "cats")
  #   found.add("summarize", found: search).after(found.existing("audit"))
  #   found
  class Expansion
    # A step in an expansion, or one that is in the task already: what others can take, or wait for.
    class Node
      # @return [Integer, String] its place in the expansion, or its name in the task
      attr_reader :reference
      # @return [Expansion]
      attr_reader :expansion
      # @return [Array<Integer, String>]
      attr_reader :waits_for

      # @api private
      def initialize(expansion, reference)
        @expansion = expansion
        @reference = reference
        @waits_for = []
      end

      # @return [String]
      def inspect = "#<Tasker::Expansion::Node #{reference}>"

      # Wait for these too, without taking what they give. Only for a step that was just added.
      # @param others [Array<Node>]
      # @return [Node] itself
      # @raise [PermanentError]
      def after(*others)
        raise PermanentError, "step #{reference} is in the task already, and waits for nothing more" if reference.is_a?(String)

        @waits_for.concat(others.map { |other| expansion.reference_to(other) })
        self
      end
    end

    # @return [Object] the result of the step itself
    attr_reader :result

    # @param result [Object] the result of the step itself
    def initialize(result = nil)
      @result = result
      @asked = []
    end

    # @return [String] without the steps' arguments: errors and logs show it
    def inspect = "#<Tasker::Expansion of #{size} steps>"

    # @return [Integer] how many steps it asks for
    def size = @asked.size

    # Ask for a dynamic step, by its name, with its arguments.
    # @param step [String, Symbol]
    # @param arguments [Hash{Symbol => Object, Node}] values, or nodes of steps whose results are taken
    # @return [Node]
    # @raise [ContractError] when a value is no JSON
    def add(step, **arguments)
      taken, given = arguments.partition { |_, value| value.is_a?(Node) }.map(&:to_h)
      values = Values.plain(given, "expansion, #{step}")
      node = Node.new(self, @asked.size)
      takes = taken.to_h { |name, other| [name.to_s, reference_to(other)] }
      @asked << { "step" => step.to_s, "values" => values, "takes" => takes, "after" => node.waits_for }
      node
    end

    # @param name [String, Symbol] a step's name in the task, such as +score+ or +draft/2+
    # @return [Node]
    def existing(name) = Node.new(self, name.to_s)

    # @return [Array<Hash>] the steps as the protocol has them
    def steps = @asked

    # @api private
    def reference_to(node)
      return node.reference if node.is_a?(Node) && (node.expansion.equal?(self) || node.reference.is_a?(String))

      raise PermanentError, "#{node.inspect} is no step of this expansion: add it to this one, or name it by existing"
    end
  end
end
