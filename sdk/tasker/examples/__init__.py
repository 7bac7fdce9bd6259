"""Workflows to read, run and copy from. `tasker demo` runs them; the README in the project's
`examples/` explains them.
"""
