# frozen_string_literal: true

module Tasker
  # Threads that do jobs: as many as are needed at once, up to a bound. They stay for the next job.
  #
  # Waking a thread costs more than a small job. So while jobs wait, one thread, the spare, is woken and no more: it
  # contends for the interpreter's lock, and gets it as soon as a job blocks; only then, when it has taken a job, is the
  # next one woken. Small jobs are all done by one thread before the spare comes to run.
  class Pool
    # @param most [Integer] how many threads there may be
    # @param rest [#call] is called on one of them when it has nothing more to do, and before each job behind which no
    #   other thread would call it
    # @yieldparam job [Object] what to do, on one of them
    def initialize(most, rest:, &work)
      @most = most
      @rest = rest
      @work = work
      @jobs = []
      @count = 0
      @idle = 0
      @spare = false
      @closed = false
      @lock = Mutex.new
      @bell = ConditionVariable.new
    end

    # @param job [Object]
    # @return [void]
    def push(job)
      @lock.synchronize do
        @jobs << job
        ring
      end
    end

    # Let the threads end when they have nothing to do.
    # @return [void]
    def close
      @lock.synchronize do
        @closed = true
        @bell.broadcast
      end
    end

    private

    # With the lock.
    def ring
      return if @spare || @jobs.empty?

      if @idle.positive?
        @spare = true
        @bell.signal
      elsif @count < @most
        @spare = true
        @count += 1
        Thread.new { live }
      end
    end

    def live
      woken = true
      loop do
        job, last = take(woken)
        @rest.call if last
        if job then @work.call(job)
        else return if wait == :closed
        end
        woken = job.nil?
      end
    ensure # also when a handler has ended its thread
      @lock.synchronize do
        @count -= 1
        ring
      end
      @rest.call
    end

    # A job, if there is one, and whether no other thread comes behind.
    def take(woken)
      @lock.synchronize do
        @spare = false if woken
        job = @jobs.shift
        ring
        [job, !@spare]
      end
    end

    def wait
      @lock.synchronize do
        return :closed if @closed

        @idle += 1
        @bell.wait(@lock) if @jobs.empty?
        @idle -= 1
      end
    end
  end
end
