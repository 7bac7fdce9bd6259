"""Python: pydantic models, handlers, tests and a client."""
