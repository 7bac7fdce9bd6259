"""The JSON bridge to handlers in other languages. Empty until the bridge lands."""
