# frozen_string_literal: true

module Tasker
  # What a decision and a batch may return. Pure.
  module Growth
    # The most items that a batch may have.
    MOST_ITEMS = 100_000

    # @param returned [Object] what a handler has returned
    # @param kind [String, nil] the kind of its step, as it is on the wire
    # @return [Object] the result of the step
    # @raise [ContractError]
    def self.result(returned, kind, subject)
      case kind
      when "decision" then branches(returned, subject)
      when "batchable" then items(returned, subject)
      else returned
      end
    end

    def self.branches(returned, subject)
      names = returned.nil? ? [] : Array(returned)
      return names.map(&:to_s) if names.all? { |name| name.is_a?(String) || name.is_a?(Symbol) }

      raise ContractError, "#{subject} is a decision, which returns a name, a list of names or nil, " \
                           "not #{returned.inspect[0, 200]}"
    end
    private_class_method :branches

    def self.items(returned, subject)
      raise ContractError, "#{subject} is a batch, which returns an Array, not a #{returned.class}" unless returned.is_a?(Array)
      return returned if returned.size <= MOST_ITEMS

      raise ContractError, "#{subject} is a batch of #{returned.size} items; #{MOST_ITEMS} is the most"
    end
    private_class_method :items
  end

  # Split +total+ things into parts of +size+, the last one shorter: what a batch may return.
  # @param total [Integer]
  # @param size [Integer]
  # @return [Array<Hash{String => Integer}>] each from +start+ up to, and without, +stop+
  # @raise [ArgumentError]
  def self.slices(total, size)
    raise ArgumentError, "#{total} things cannot be split into parts of #{size}" if total.negative? || size < 1
    if total > size * Growth::MOST_ITEMS
      raise ArgumentError, "#{total} in parts of #{size} are more than #{Growth::MOST_ITEMS} parts"
    end

    (0...total).step(size).map { |start| { "start" => start, "stop" => [start + size, total].min } }
  end
end
