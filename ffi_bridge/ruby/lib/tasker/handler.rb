# frozen_string_literal: true

module Tasker
  # A handler that templates call by its name. What its parameters take depends on the step that it runs.
  #
  # +input+ takes the task's input, +ctx+ or +context+ the {Context}; any other keyword takes the result of the parent
  # of that name, and +**others+ takes those that no keyword names. A keyword with a default may have nothing to take.
  class Handler
    # What a handler is made for, and the kind that its step has on the wire; a step may be of any.
    KINDS = { "step" => nil, "decision" => "decision", "batch" => "batchable" }.freeze
    CONTEXTS = %i[ctx context].freeze
    private_constant :CONTEXTS

    # @return [String]
    attr_reader :name, :kind
    # @return [Hash, Boolean, nil] JSON Schemas
    attr_reader :input_schema, :result_schema

    # @param name [String, Symbol]
    # @param kind [Symbol, String] of {KINDS}'s keys
    # @param parameters [Array<Array(Symbol, Symbol)>] as Method#parameters gives them
    # @param input_schema [Hash, Boolean, nil]
    # @param result_schema [Hash, Boolean, nil]
    # @yieldreturn [#call] what to call for one run
    # @raise [DefinitionError]
    def initialize(name, parameters, kind: :step, input_schema: nil, result_schema: nil, &make)
      @name = check_name(name)
      @kind = KINDS.key?(kind.to_s) ? kind.to_s : refuse("is a #{kind.inspect}; it is one of #{KINDS.keys.join(", ")}")
      @input_schema = check_schema(input_schema, "input_schema")
      @result_schema = check_schema(result_schema, "result_schema")
      @keywords = read(parameters)
      @takes_others = parameters.any? { |type, _| type == :keyrest }
      @make = make
    end

    # Run it once.
    # @param context [Context]
    # @return [Object] what it returned, checked against the kind of the step
    def call(context)
      check_kind(context)
      arguments = arguments_for(context)
      target = @make.call
      returned = arguments.empty? ? target.call : target.call(**arguments)
      # A template without kinds, as in a unit test, has the handler's own.
      as = context.kind == "standard" ? KINDS[@kind] : context.kind
      Expansion === returned ? returned : Growth.result(returned, as, @name)
    end

    private

    def arguments_for(context)
      results = context.results
      arguments = {}
      @keywords.each do |key, name, required|
        if key == :input then arguments[key] = context.input
        elsif results.key?(name) then arguments[key] = results[name]
        elsif CONTEXTS.include?(key) then arguments[key] = context
        elsif required then explain_missing(name, context)
        end
      end
      add_others(arguments, results) if @takes_others
      arguments
    end

    def add_others(arguments, results)
      results.each { |name, result| arguments[name.to_sym] = result unless arguments.key?(name.to_sym) }
    end

    def explain_missing(name, context)
      there = context.results.keys
      raise ContractError, "handler #{@name} takes #{name}:, which step #{context.step_name} does not have; " \
                           "it has #{there.empty? ? "no results" : there.join(", ")}. " \
                           "What may be absent needs a default, as in #{name}: nil"
    end

    def check_kind(context)
      return if @kind == "step" || [KINDS[@kind], "standard"].include?(context.kind)

      raise ContractError, "handler #{@name} is a #{@kind}, but step #{context.step_name} is of kind #{context.kind}"
    end

    def read(parameters)
      parameters.filter_map do |type, name|
        case type
        when :key, :keyreq then [name, name.name, type == :keyreq]
        when :keyrest, :nokey then nil
        else refuse("has the parameter #{name || type}; each is a keyword, as in |input:, ctx:|")
        end
      end
    end

    def check_name(name)
      text = name.to_s
      return text.dup.freeze if text.length.between?(1, 255)

      raise DefinitionError, "the name of a handler has 1 to 255 characters, not #{text.length}"
    end

    def check_schema(schema, what)
      return schema if schema.nil? || schema == true || schema == false

      plain = Values.plain(schema, what)
      plain.is_a?(Hash) ? plain : refuse("has the #{what} #{schema.inspect}, which is no JSON Schema")
    rescue ContractError => error
      refuse("has an #{what} that is no JSON Schema: #{error.message}")
    end

    def refuse(what) = raise(DefinitionError, "handler #{@name} #{what}")
  end
end
