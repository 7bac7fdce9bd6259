# frozen_string_literal: true

require_relative "helper"

class TestPool < Minitest::Test
  PATIENCE = 20

  def setup
    @done = Thread::Queue.new
    @pool = Tasker::Pool.new(3, rest: -> {}) { |job| job.call(@done) }
  end

  def teardown
    @pool.close
  end

  def wait = Timeout.timeout(PATIENCE) { @done.pop }

  def test_a_job_that_blocks_does_not_hold_up_those_behind_it
    gates = Array.new(2) { Thread::Queue.new }
    gates.each { |gate| @pool.push(->(done) { done << gate.pop }) }
    @pool.push(->(done) { done << :quick })
    assert_equal :quick, wait
    gates.each { |gate| gate << :slow }
    assert_equal %i[slow slow], [wait, wait]
  end

  def test_a_job_that_computes_does_not_hold_up_those_behind_it
    stop = false
    @pool.push(->(done) { done << :computed if loop { break true if stop } })
    @pool.push(->(done) { done << :quick })
    assert_equal :quick, wait
    stop = true
    assert_equal :computed, wait
  end

  def test_there_are_never_more_threads_than_the_bound
    running = 0
    lock = Mutex.new
    most = 0
    100.times do
      @pool.push(lambda { |done|
        lock.synchronize { most = [most, running += 1].max }
        sleep 0.0005
        lock.synchronize { running -= 1 }
        done << true
      })
    end
    100.times { wait }
    assert_operator most, :<=, 3
  end

  def test_a_thread_that_is_ended_by_its_job_is_replaced
    10.times { @pool.push(->(_) { Thread.exit }) }
    @pool.push(->(done) { done << :after })
    assert_equal :after, wait
  end

  def test_it_rests_before_a_job_behind_which_nobody_comes
    seen = Thread::Queue.new
    one = Tasker::Pool.new(1, rest: -> { seen << :rest }) { |job| seen << job }
    one.push(:a)
    assert_equal %i[rest a rest], Array.new(3) { Timeout.timeout(PATIENCE) { seen.pop } }
  ensure
    one.close
  end
end
