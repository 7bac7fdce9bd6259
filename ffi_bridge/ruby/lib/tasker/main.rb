# frozen_string_literal: true

# Takes over from Ruby's own loading of its script: ruby -I lib -r tasker/main handlers.rb more_handlers.rb
require "tasker/program"

exit Tasker::Program.run([$PROGRAM_NAME, *ARGV].reject { |argument| argument == "-" })
