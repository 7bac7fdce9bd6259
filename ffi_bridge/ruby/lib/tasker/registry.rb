# frozen_string_literal: true

module Tasker
  # The handlers that a program has, by name.
  class Registry
    # @return [Integer, nil] how many runs may be open at once
    attr_accessor :concurrency

    def initialize
      @makers = {}
    end

    # @param name [String, Symbol]
    # @yieldreturn [Handler] made when it is first asked for, because a class's +call+ stands below its +handles+
    # @raise [DefinitionError] when the name is taken
    def add(name, &make)
      name = name.to_s
      raise DefinitionError, "two handlers are named #{name}" if @makers.key?(name)

      @makers[name] = make
    end

    # @return [Hash{String => Handler}]
    # @raise [DefinitionError] when one of them is written wrongly
    def handlers
      @makers.each { |name, make| @makers[name] = make.call unless make.is_a?(Handler) }
    end

    # @param name [String, Symbol]
    # @return [Handler]
    # @raise [DefinitionError]
    def fetch(name)
      handlers.fetch(name.to_s) do
        raise DefinitionError, "there is no handler #{name}; there are #{@makers.keys.join(", ")}"
      end
    end

    # Forget all of them.
    # @return [void]
    def clear
      @makers.clear
    end
  end
end
