"""Durations, as they are written everywhere: those of the action grammar. Pure."""

from tasker_grammar.durations import LONGEST, Duration, to_seconds

__all__ = ["LONGEST", "Duration", "to_seconds"]
