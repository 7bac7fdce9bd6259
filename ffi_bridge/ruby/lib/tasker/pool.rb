# frozen_string_literal: true

module Tasker
  # Threads that do jobs: as many as are needed at once, up to a bound. They stay for the next job.
  class Pool
    # @param most [Integer] how many threads there may be
    # @yieldparam job [Object] what to do, on one of them
    def initialize(most, &work)
      @most = most
      @work = work
      @jobs = Thread::Queue.new
      @count = 0
      @counting = Mutex.new
    end

    # @param job [Object]
    # @return [void]
    def push(job)
      @jobs << job
      start if @jobs.size > @jobs.num_waiting && @count < @most
    end

    # Let the threads end when they have nothing to do.
    # @return [void]
    def close
      @jobs.close
    end

    private

    def start
      @counting.synchronize { @count += 1 }
      Thread.new do
        Thread.current.report_on_exception = true
        while (job = @jobs.pop)
          @work.call(job)
        end
      ensure # also when a handler has ended its thread
        @counting.synchronize { @count -= 1 }
      end
    end
  end
end
