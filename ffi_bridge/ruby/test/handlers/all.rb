# frozen_string_literal: true

# What the conversations of the suite run.
require "tasker"
require "timeout"

GATE = Thread::Queue.new

Tasker.step("echo", input_schema: { type: :object }, result_schema: true) { |input:| input }

# Waits until "open" runs, so that nothing has to be timed.
Tasker.step("gate") { GATE.pop }
Tasker.step("open") { |input:| input.times { GATE << true } }

Tasker.step("until_cancelled") do |ctx:|
  ctx.progress(0)
  Thread.pass until ctx.cancelled?
  "stopped by itself"
end

Tasker.step("hang") do |ctx:|
  ctx.progress(0)
  Thread::Queue.new.pop
end

Tasker.step("run") do |ctx:|
  ctx.run("once") { { a: 1 } }
rescue => error
  "rescued #{error.class}"
ensure
  warn "ensured"
end

Tasker.step("start") { |ctx:| ctx.start_task("shop/refund", 5).id }
Tasker.step("sleep") { |ctx:| ctx.sleep(60) }
Tasker.step("tell") do |ctx:|
  ctx.progress(1, total: 2)
  ctx.logger.warn("careful", a: 1)
end
Tasker.step("large") { |input:| "x" * input }
Tasker.step("keep_large") { |input:, ctx:| ctx.checkpoint("x" * input) }
Tasker.step("exit") { exit 7 }
Tasker.step("leave_thread") { Thread.exit }
Tasker.step("busy") do |ctx:|
  ctx.progress(0)
  loop { 1 + 1 }
end

Tasker.step("print") do
  puts "to $stdout"
  STDOUT.puts "to STDOUT"
  system("echo from a program; cat")
  $stdin.read
end

Tasker.step("interrupted") do |ctx:|
  200.times do |number|
    Timeout.timeout(0.0005) { loop { ctx.progress(number, note: "x" * 2000) } }
  rescue Timeout::Error
    nil
  end
end
