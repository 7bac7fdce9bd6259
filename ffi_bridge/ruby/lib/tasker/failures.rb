# frozen_string_literal: true

module Tasker
  # An exception as the protocol has it. Pure.
  module Failures
    LONGEST_MESSAGE = 10_000
    LONGEST_TRACE = 50_000
    OURS = File.expand_path("..", __dir__)
    private_constant :LONGEST_MESSAGE, :LONGEST_TRACE, :OURS

    class << self
      # @param error [Exception]
      # @return [Hash{String => Object}] +type+, +message+, +kinds+ and +traceback+
      def describe(error)
        type = error.class.name || error.class.superclass.name || "Error"
        message = text(message_of(error))
        { "type" => type, "message" => (message.empty? ? type : message)[0, LONGEST_MESSAGE],
          "kinds" => kinds(error.class), "traceback" => trace(error) }
      end

      # @param value [Object]
      # @return [String] text that can be stored: UTF-8 without NUL
      def text(value)
        utf8 = value.to_s.dup
        utf8.force_encoding(Encoding::UTF_8) if utf8.encoding == Encoding::BINARY
        utf8.encode(Encoding::UTF_8, invalid: :replace, undef: :replace).scrub.gsub("\0", "\\\\0")
      end

      private

      # Its classes, by their names with and without the modules that they are in.
      def kinds(of)
        names = of.ancestors.grep(Class).filter_map(&:name) - %w[Object BasicObject]
        names.flat_map { |name| [name, name.split("::").last] }.uniq
      end

      def message_of(error)
        error.message
      rescue StandardError
        "(its message cannot be made into text)"
      end

      # As Ruby prints it, the frames of this library, which say nothing to the handler's author, left out.
      def trace(error)
        lines = text(error.full_message(highlight: false, order: :top)).lines
        lines.reject { |line| line.match?(/\A\s+from /) && line.include?(OURS) }.join[0, LONGEST_TRACE]
      rescue StandardError
        nil
      end
    end
  end
end
