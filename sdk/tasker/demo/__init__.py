"""`tasker demo`: both examples on real processes, with one worker killed in the middle of a step.

`story.py` is what happens, `checks.py` what must be true afterwards; the rest is stage.
"""
