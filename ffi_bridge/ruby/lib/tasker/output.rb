# frozen_string_literal: true

module Tasker
  # The lines that go out, from all threads. Whoever comes while another writes has its line written with the next ones.
  # Writes to an IO.
  class Output
    # A Timeout around a handler's call must not tear a line in two; it comes behind the write.
    WHOLE = { Object => :never }.freeze
    private_constant :WHOLE

    # @param output [IO]
    def initialize(output)
      @output = output
      @output.sync = true
      @lines = Thread::Queue.new
      @writing = Mutex.new
      @broken = false
    end

    # Write a line, and those that wait before it.
    # @param line [String] with its line feed
    # @return [void]
    def put(line)
      push(line)
      flush
    end

    # Have a line written by the next {#flush}. Never blocks.
    # @param line [String]
    # @return [void]
    def push(line)
      @lines << line
    end

    # Write what waits; when it returns, all that was put before is written. Blocks while the host does not read.
    # @return [void]
    def flush
      Thread.handle_interrupt(WHOLE) { @writing.synchronize { drain } }
    end

    private

    def drain
      until @lines.empty?
        data = @lines.pop
        data += @lines.pop until @lines.empty? || data.bytesize > 65_536
        write(data)
      end
    end

    # Without blocking as long as there is room: that keeps the interpreter's lock, whose hand-over costs more than the write.
    def write(data)
      until @broken || data.empty?
        written = @output.write_nonblock(data, exception: false)
        if written == :wait_writable then @output.wait_writable
        else data = data.byteslice(written..)
        end
      end
    rescue Errno::EPIPE
      @broken = true # nobody is there any more; the input's end says the same
    end
  end
end
