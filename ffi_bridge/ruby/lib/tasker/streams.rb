# frozen_string_literal: true

module Tasker
  # The conversation's ends, kept from handlers: what they print goes to standard error, what they read is empty.
  # Touches the process's standard streams.
  module Streams
    # @return [Array(IO, IO)] what the host writes to, and what it reads; the same on every call
    def self.take
      @take ||= begin
        $stdout.flush
        ends = [$stdin.dup, $stdout.dup]
        # Also for the programs that a handler starts, so the descriptors themselves are moved.
        $stdin.reopen(File::NULL)
        $stdout.reopen($stderr)
        $stdout.sync = true
        ends.each(&:binmode)
      end
    end
  end
end
