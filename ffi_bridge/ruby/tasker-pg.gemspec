# frozen_string_literal: true

require_relative "lib/tasker/version"

Gem::Specification.new do |spec|
  spec.name = "tasker-pg"
  spec.version = Tasker::VERSION
  spec.authors = ["The Tasker developers"]
  spec.summary = "Handlers in Ruby for Tasker, a durable workflow engine that lives in PostgreSQL"
  spec.license = "Apache-2.0"
  spec.required_ruby_version = ">= 3.1"
  spec.files = Dir["lib/**/*.rb", "sig/**/*.rbs", "exe/*", "README.md"]
  spec.bindir = "exe"
  spec.executables = ["tasker-ruby"]
  spec.metadata["rubygems_mfa_required"] = "true"
end
