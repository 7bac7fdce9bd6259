"""Ruby: structs with RBS signatures, handlers, tests and a client."""
