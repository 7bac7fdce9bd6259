# frozen_string_literal: true

# The handlers that the conformance kit asks for, in Ruby: tasker-ruby handlers.rb

require "tasker"

Tasker.step("echo") { |input:| input }
Tasker.step("retry") { raise Tasker::RetryableError.new("again", retry_after: 1.5) }
Tasker.step("give_up") { raise Tasker::PermanentError, "never" }
Tasker.step("crash") { raise KeyError, "an ordinary exception" }
Tasker.step("print") { puts "printed by a handler" }

Tasker.step("hang") do |ctx:|
  until ctx.cancelled?
    sleep 0.01
  end
  ctx.check_cancelled
end

Tasker.step("report") { |ctx:| ctx.progress(1, total: 2, note: "half") }
Tasker.step("remember") { |ctx:| ctx.run("once") { 42 } }

Tasker.step("nap") do |ctx:|
  ctx.sleep(60)
  "rested"
end

Tasker.step("listen") { |ctx:| ctx.wait_event("paid", timeout: 60) }
Tasker.step("parent") { |ctx:| ctx.run_task("kit/other", { a: 1 }, name: "kid") }
