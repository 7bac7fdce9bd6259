# frozen_string_literal: true

module Tasker
  # An exception as the protocol has it. Pure.
  module Failures
    LONGEST_MESSAGE = 10_000
    LONGEST_TRACE = 50_000
    OURS = File.expand_path("..", __dir__)
    # A frame of this library's or of Ruby's own insides, which says nothing to the handler's author.
    INSIDE = /(?:#{Regexp.escape(OURS)}|<internal:)/
    HEAD = /\A#{INSIDE}\S*:\d+:in [`'][^']*': /
    MOST_CAUSES = 10
    private_constant :LONGEST_MESSAGE, :LONGEST_TRACE, :OURS, :INSIDE, :HEAD, :MOST_CAUSES

    class << self
      # @param error [Exception]
      # @return [Hash{String => Object}] +type+, +message+, +kinds+ and +traceback+
      def describe(error)
        type = error.class.name || error.class.superclass.name || "Error"
        message = without_receivers(text(message_of(error)), error)
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

      # @param error [Exception]
      # @return [String, nil] the error as Ruby prints it, without the frames that say nothing to the handler's author
      def trace(error)
        lines = without_receivers(text(error.full_message(highlight: false, order: :top)), error).lines
        lines.reject { |line| line.match?(/\A\s+from #{INSIDE}/o) }.join.sub(HEAD, "")[0, LONGEST_TRACE]
      rescue StandardError
        nil
      end

      private

      # Of an object that lacks a method, Ruby before 3.4 shows all that is in it, such as a task's whole input.
      def without_receivers(told, error)
        causes = [error]
        causes << causes.last.cause while causes.last.cause && causes.size < MOST_CAUSES
        causes.grep(NameError).reduce(told) { |said, each| without_receiver(said, each) }
      end

      def without_receiver(told, error)
        receiver = error.receiver
        return told if [nil, true, false].include?(receiver) || receiver.is_a?(Module)

        shown = text(receiver.inspect)
        return told if shown == "main" || shown.empty?

        told.gsub(/ for #{Regexp.escape(shown)}(?::#{Regexp.escape(receiver.class.to_s)})?/) { " for an instance of #{receiver.class}" }
      rescue StandardError # it has no receiver, or that cannot be shown
        told
      end

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
    end
  end
end
