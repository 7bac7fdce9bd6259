"""TypeScript: interfaces, handlers, tests and a client."""
