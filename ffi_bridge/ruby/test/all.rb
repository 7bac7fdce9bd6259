# frozen_string_literal: true

# Runs the whole suite: ruby -w test/all.rb
Dir[File.join(__dir__, "test_*.rb")].sort.each { |file| require file }
