# frozen_string_literal: true

require "json"

module Tasker
  # Turns Ruby values into JSON that the database can store, or says where it could not. Pure.
  #
  # What becomes what:
  #
  # - nil, true, false, Integer within 64 bits, finite Float: themselves
  # - String: itself, as UTF-8; Symbol: its name
  # - Array, Set: an array
  # - Hash: an object; its keys are strings or symbols
  # - Time, Date, DateTime: ISO 8601
  # - a Struct, a Data, or anything else with +to_h+: an object
  #
  # Anything else is a {ContractError}, because what it would be read as is a guess: NaN and infinities, larger
  # integers, BigDecimal, Rational, text with a NUL character or that is no text, two keys that are the same text.
  module Values
    # The most that a stored value may have, in bytes of JSON.
    MOST_BYTES = 16 * 1024 * 1024
    # The deepest nesting of what is stored. The worker's own JSON ends at 254, with what it puts around.
    DEEPEST = 200

    INTEGERS = (-(2**63)...(2**64)).freeze
    PLAIN = JSON::State.new(max_nesting: DEEPEST + 10).freeze
    READ = { max_nesting: 1000 }.freeze
    HALF = /\\ud[89a-f]/i
    WHOLE = /\\\\|\\ud[89ab]\h\h\\ud[c-f]\h\h/i
    private_constant :INTEGERS, :PLAIN, :READ, :HALF, :WHOLE

    class << self
      # @param value [Object]
      # @param subject [String] what the value is, for messages
      # @return [String] its JSON
      # @raise [ContractError]
      def dump(value, subject)
        text = PLAIN.dup.generate(clean?(value, 0) ? value : plain(value, subject))
        return text if text.bytesize <= MOST_BYTES

        raise ContractError, "#{subject} has #{text.bytesize} bytes as JSON; #{MOST_BYTES} is the most"
      end

      # @param text [String] JSON
      # @return [Object] nil, true, false, numbers, strings, arrays, and hashes with strings as keys
      # @raise [JSON::ParserError] also for half of a surrogate pair, of which the parser would make something
      def load(text)
        value = parse(text)
        if text.include?("\\") && HALF.match?(text) && HALF.match?(text.gsub(WHOLE, " "))
          raise JSON::ParserError, "half of a surrogate pair"
        end

        value
      end

      # @param value [Object]
      # @param subject [String]
      # @return [Object] the value, made of what JSON knows
      # @raise [ContractError]
      def plain(value, subject) = convert(value, subject, "$", 0)

      private

      # Options cost a quarter of the parser's time, so it is given none unless its own depth of 100 is too little.
      def parse(text)
        JSON.parse(text)
      rescue JSON::NestingError
        JSON.parse(text, READ)
      end

      # Whether JSON.generate makes of it what {plain} would. Quick, for it is asked of every result.
      def clean?(value, depth)
        case value
        when nil, true, false then true
        when String then clean_text?(value)
        when Integer then value.bit_length < 64 || INTEGERS.cover?(value)
        when Float then value.finite?
        when Array then depth < DEEPEST && value.all? { |item| clean?(item, depth + 1) }
        when Hash then depth < DEEPEST && clean_object?(value, depth + 1)
        else false
        end
      end

      # Keys of one kind, because a string and a symbol may be the same text.
      def clean_object?(hash, depth)
        kind = nil
        hash.each_pair do |key, item|
          kind ||= key.class
          return false unless key.instance_of?(kind) && clean_key?(key) && clean?(item, depth)
        end
        true
      end

      def clean_key?(key)
        case key
        when String then clean_text?(key)
        when Symbol then clean_text?(key.name)
        else false
        end
      end

      def clean_text?(text)
        (text.encoding == Encoding::UTF_8 ? text.valid_encoding? : text.ascii_only?) && !text.include?("\0")
      end

      def convert(value, subject, path, depth)
        case value
        when nil, true, false then value
        when String then text(value, subject, path)
        when Symbol then text(value.name, subject, path)
        when Integer then number(value, subject, path)
        when Float then value.finite? ? value : refuse(subject, path, "is #{value}, which JSON cannot express")
        else convert_compound(value, subject, path, depth)
        end
      end

      def convert_compound(value, subject, path, depth)
        refuse(subject, path[0, 60], "is nested too deeply, or refers to itself") if depth > DEEPEST
        case value
        when Array then value.each_with_index.map { |item, index| convert(item, subject, "#{path}[#{index}]", depth + 1) }
        when Hash then object(value, subject, path, depth)
        else convert_other(value, subject, path, depth)
        end
      end

      def convert_other(value, subject, path, depth)
        refuse(subject, path, "is a BasicObject, which is no JSON") unless ::Object === value
        refuse(subject, path, "is a #{value.class}, which is no JSON") if value.is_a?(::IO) # its to_h would read it
        return convert_compound(value.to_a, subject, path, depth) if defined?(::Set) && value.is_a?(::Set)
        return time(value) if time?(value)
        return convert_compound(hash_of(value, subject, path), subject, path, depth) if value.respond_to?(:to_h)

        refuse(subject, path, "is a #{value.class}, which is no JSON")
      end

      def object(value, subject, path, depth)
        made = {}
        value.each do |key, item|
          unless key.is_a?(String) || key.is_a?(Symbol)
            refuse(subject, path, "has the key #{key.inspect}; keys are strings or symbols")
          end
          name = text(key.to_s, subject, path)
          refuse(subject, path, "has the key #{name.inspect} twice") if made.key?(name)
          made[name] = convert(item, subject, "#{path}.#{name}", depth + 1)
        end
        made
      end

      def hash_of(value, subject, path)
        hash = value.to_h
        hash.is_a?(Hash) ? hash : refuse(subject, path, "is a #{value.class}, whose to_h gives no Hash")
      rescue TypeError
        refuse(subject, path, "is a #{value.class}, which is no JSON") # an Enumerable of things that are no pairs
      rescue ContractError
        raise
      rescue StandardError => error
        refuse(subject, path, "is a #{value.class}, whose to_h raises #{error.class}")
      end

      def text(value, subject, path)
        utf8 = value.encoding == Encoding::UTF_8 ? value : value.encode(Encoding::UTF_8)
        refuse(subject, path, "is no text: its bytes are no UTF-8") unless utf8.valid_encoding?
        refuse(subject, path, "holds a NUL character, which PostgreSQL cannot store") if utf8.include?("\0")
        utf8
      rescue EncodingError
        refuse(subject, path, "is no text: it cannot be made UTF-8 from #{value.encoding}")
      end

      def number(value, subject, path)
        INTEGERS.cover?(value) ? value : refuse(subject, path, "is an integer beyond 64 bits; return it as a string")
      end

      def time?(value) = value.is_a?(Time) || (defined?(::Date) && value.is_a?(::Date))

      def time(value)
        case value
        when Time then value.strftime(value.utc? ? "%FT%T.%6NZ" : "%FT%T.%6N%:z")
        else value.iso8601
        end
      end

      def refuse(subject, path, what) = raise(ContractError, "#{subject}: #{path} #{what}")
    end
  end
end
