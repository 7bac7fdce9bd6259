# frozen_string_literal: true

require "tasker"

module Tasker
  # The program that serves the handlers of some files. Touches standard error and the process.
  module Program
    USAGE = "usage: tasker-ruby [--concurrency N] FILE..."
    private_constant :USAGE

    # @param arguments [Array<String>] files to load, each an ordinary Ruby program that defines handlers
    # @return [Integer] the exit status
    def self.run(arguments)
      Streams.take
      files = read(arguments) or return 2
      compile
      files.each { |file| load_file(file) or return 1 }
      Tasker.serve unless Tasker.served?
      0
    rescue DefinitionError => error
      warn "tasker-ruby: #{error.message}"
      1
    rescue Interrupt
      130
    end

    def self.read(arguments)
      files = arguments.dup
      if (at = files.index("--concurrency"))
        _, number = files.slice!(at, 2)
        Tasker.concurrency = number || ""
      end
      return files unless files.empty?

      warn USAGE
      nil
    end
    private_class_method :read

    # Ruby's own compiler, where it can be turned on from within (3.3 and newer).
    def self.compile
      RubyVM::YJIT.enable if defined?(RubyVM::YJIT) && RubyVM::YJIT.respond_to?(:enable)
    end
    private_class_method :compile

    def self.load_file(file)
      load(File.expand_path(file))
      true
    rescue StandardError, ScriptError => error
      warn "tasker-ruby: #{file} does not load: #{Failures.trace(error) || error.class}"
      false
    end
    private_class_method :load_file
  end
end
