# frozen_string_literal: true

module Tasker
  # The lines that come in. One above the limit is skipped, without being kept. Reads from an IO.
  class Lines
    CHUNK = 256 * 1024
    private_constant :CHUNK

    # @return [Integer] the longest line in bytes, the line feed included
    attr_accessor :limit

    # @param input [IO]
    # @param limit [Integer]
    def initialize(input, limit)
      @input = input
      @limit = limit
      @rest = String.new(encoding: Encoding::BINARY)
      @skipping = false
      @stopped = false
      @woken, @wake = IO.pipe
      @patient = true
    end

    # @yieldparam line [String, nil] a line in UTF-8, its line feed left out; nil for one above the limit
    # @return [Boolean] true when it was stopped, false when the input has ended
    def each(&block)
      until @stopped
        return false unless (chunk = read)

        split(chunk, &block)
      end
      true
    end

    # From now on look out for {#stop} as well; not before, because it makes each read dearer.
    # @return [void]
    def expect_stop
      @patient = false
    end

    # End {#each}; from any thread.
    # @return [void]
    def stop
      @stopped = true
      @wake.write_nonblock(".", exception: false)
    end

    private

    def read
      unless @patient
        ready, = IO.select([@input, @woken])
        return "" if ready.include?(@woken)
      end
      @input.readpartial(CHUNK)
    rescue EOFError, Errno::ECONNRESET
      nil
    end

    def split(chunk)
      *ended, tail = chunk.split("\n", -1)
      ended.each do |part|
        line = @rest.empty? ? part : @rest << part
        yield @skipping || line.bytesize >= @limit ? nil : line.force_encoding(Encoding::UTF_8)
        @rest = String.new(encoding: Encoding::BINARY) unless @rest.empty?
        @skipping = false
      end
      keep(tail || "")
    end

    def keep(tail)
      @skipping ||= @rest.bytesize + tail.bytesize >= @limit
      @skipping ? @rest.clear : @rest << tail
    end
  end
end
