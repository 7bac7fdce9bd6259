"""Fixtures for all tests, by topic."""

pytest_plugins = ["tests.fix_postgres", "tests.fix_pgbouncer"]
