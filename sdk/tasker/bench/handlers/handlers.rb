# frozen_string_literal: true

# The benchmark's handler in Ruby: it does the work that the step's configuration asks for, and says when.
require "tasker"

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
  config = ctx.config
  started = now if config["timed"]
  work(config["work"], config["ms"] / 1000.0) unless config["work"] == "nothing"
  result = { number: 1, note: "x" * config["payload"] }
  config["timed"] ? result.merge(started: started, ended: now) : result
end
