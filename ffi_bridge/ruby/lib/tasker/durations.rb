# frozen_string_literal: true

module Tasker
  # Durations as people write them: 30, 0.5, "30s", "1h30m". Pure.
  module Durations
    # The longest duration that the database keeps, in seconds: ten years.
    LONGEST = 315_360_000.0

    UNITS = { "ms" => 0.001, "s" => 1.0, "m" => 60.0, "h" => 3600.0, "d" => 86_400.0 }.freeze
    TEXT = /\A(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+\z/
    PART = /(\d+(?:\.\d+)?)(ms|s|m|h|d)/
    private_constant :UNITS, :TEXT, :PART

    # @param duration [Numeric, String, #to_f] seconds, or a text of numbers with units (ms, s, m, h, d)
    # @return [Float] in seconds
    # @raise [ArgumentError] when it is no duration, is negative, or exceeds ten years
    def self.seconds(duration)
      found = measure(duration)
      return found if found.between?(0.0, LONGEST) # NaN is not

      raise ArgumentError, "a duration must be from 0 seconds to ten years, not #{duration.inspect}"
    end

    def self.measure(duration)
      case duration
      when Integer, Float, Rational then return duration.to_f
      when String
        text = duration.delete(" ")
        return text.scan(PART).sum { |number, unit| number.to_f * UNITS.fetch(unit) } if TEXT.match?(text)
      else
        # ActiveSupport's durations, for example, which are numbers in all but class.
        return duration.to_f if duration.respond_to?(:to_f) && duration.respond_to?(:coerce)
      end
      raise ArgumentError, "#{duration.inspect} is no duration: write seconds, or a text like \"30s\" or \"1h30m\""
    end
    private_class_method :measure
  end
end
