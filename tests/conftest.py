"""Fixtures for all tests, by topic. No property is held against the clock: these machines do other things as well."""

from hypothesis import settings

pytest_plugins = ["tests.fix_postgres", "tests.fix_pgbouncer"]

settings.register_profile("tasker", deadline=None)
settings.load_profile("tasker")
