"""The `tasker` command. Its modules are thin; what they print is made by pure functions in the
`*_view` modules.
"""


def main() -> None:
    """Run the command line. Ends the process with one of the statuses in exit_codes."""
    from tasker.cli.app import app

    app(prog_name="tasker")
