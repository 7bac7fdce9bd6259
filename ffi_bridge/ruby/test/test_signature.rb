# frozen_string_literal: true

require_relative "helper"
require "rbs"

# The signature names what there is, no less and no more.
class TestSignature < Minitest::Test
  FILE = File.expand_path("../sig/tasker.rbs", __dir__)
  INSIDE = %i[reference_to].freeze

  def signed(declaration, under = nil)
    name = [under, declaration.name.name].compact.join("::")
    nested = declaration.members.select { |member| member.respond_to?(:members) }
    { name => declaration }.merge(*nested.map { |each| signed(each, name) })
  end

  def declarations
    signed(RBS::Parser.parse_signature(File.read(FILE)).first)
  end

  def methods_of(declaration, kind)
    declaration.members.flat_map do |member|
      case member
      when RBS::AST::Members::MethodDefinition then member.kind == kind ? [member.name] : []
      when RBS::AST::Members::AttrReader then kind == :instance ? [member.name] : []
      when RBS::AST::Members::AttrAccessor then kind == :instance ? [member.name, :"#{member.name}="] : []
      else []
      end
    end - [:initialize]
  end

  def test_each_public_method_has_a_signature
    declarations.each do |name, declaration|
      of = Object.const_get(name)
      kind = of.is_a?(Class) ? :instance : :singleton
      there = kind == :instance ? of.public_instance_methods(false) : of.singleton_methods(false)
      there -= %i[to_s] if of.is_a?(Class) && of < Struct
      assert_equal (there - INSIDE).sort, methods_of(declaration, kind).sort, name
    end
  end

  def test_it_is_valid
    loader = RBS::EnvironmentLoader.new
    loader.add(path: Pathname(FILE).dirname)
    environment = RBS::Environment.from_loader(loader).resolve_type_names
    builder = RBS::DefinitionBuilder.new(env: environment)
    declarations.each_key do |name|
      type = RBS::TypeName.new(name: name.split("::").last.to_sym,
                               namespace: RBS::Namespace.parse("::#{name.split("::")[0..-2].join("::")}"))
      builder.build_singleton(type)
    end
  end
end
