"""Runs what passed the check: programs, step by step, against a world. No I/O but what the world does.

`interpreter` runs a program, `order` says what runs when, `together` runs several parts at once, `simulated` is a world
of made-up answers.
"""

from __future__ import annotations

from tasker_grammar.running.interpreter import Ran, Watch, run_program
from tasker_grammar.running.together import together, unbroken

__all__ = ["Ran", "Watch", "run_program", "together", "unbroken"]
