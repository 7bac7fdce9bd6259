"""Whether a child keeps the bridge protocol: scripted conversations with any program, and what became of each."""

from tasker_ffi_bridge.conformance.kit import HANDLERS, Case, Verdict, load_cases, try_child

__all__ = ["HANDLERS", "Case", "Verdict", "load_cases", "try_child"]
