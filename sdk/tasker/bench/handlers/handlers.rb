# frozen_string_literal: true

# The benchmark's handler in Ruby: it does the work that the step's configuration asks for, and says when.
require "tasker"

Tasker.concurrency = 100 # as many as in TypeScript

def now = Process.clock_gettime(Process::CLOCK_MONOTONIC)

def spin_until(time)
  nil while now < time
end

def work(kind, seconds)
  case kind
  when "sleep" then sleep(seconds)
  when "spin" then spin_until(now + seconds)
  end
end

Tasker.step("tasker_bench_step") do |ctx:, **|
  started = now
  work(ctx.config["work"], ctx.config["ms"] / 1000.0) unless ctx.config["work"] == "nothing"
  { number: 1, note: "x" * ctx.config["payload"], started: started, ended: now }
end
