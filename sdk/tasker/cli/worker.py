"""`tasker worker`: runs the handlers of modules until it is stopped."""

import logging
import os
from pathlib import Path
from typing import Annotated

import typer

from tasker.cli.arguments import CompositionFiles, Environment, ResourcesFile, Url
from tasker.cli.exit_codes import ExitCode
from tasker.cli.failures import CommandFailed
from tasker.cli.logs import LogLevel, log_to_stderr
from tasker.cli.output import tell
from tasker.cli.supervise import Program, run_programs, stop_on_signals, tasker_command
from tasker.cli.worker_options import WorkerOptions

# Between the end of a worker's own grace and the moment when it is killed, in seconds.
MARGIN = 5.0

# How long one cancelled handler in another language may keep its place, in seconds.
MOST_GRACE = 10.0

Modules = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="MODULE",
        help="Modules, by name (shop.orders) or file (orders.py); handlers in Ruby (charge.rb), TypeScript (ship.ts).",
    ),
]
Commands = Annotated[
    list[str] | None,
    typer.Option(
        "--exec",
        help="A program with handlers, in any language, by the bridge protocol; may be repeated.",
    ),
]
Templates = Annotated[
    list[Path] | None,
    typer.Option("--templates", help="A YAML template, or a folder of them; may be repeated."),
]
Slots = Annotated[int, typer.Option("--slots", min=1, help="How many steps run at once.")]
Concurrency = Annotated[
    int | None,
    typer.Option(
        "--child-concurrency",
        min=1,
        max=1000,
        help="How many runs each child in Ruby or TypeScript takes at once. Default: what it says itself.",
    ),
]
Queues = Annotated[
    list[str] | None,
    typer.Option("--queue", "-q", help="A queue to serve. Default: those of the templates."),
]
Lease = Annotated[
    str, typer.Option("--lease", help="How soon steps are granted again when this worker dies.")
]
Grace = Annotated[
    str, typer.Option("--grace", help="How long handlers may take to end when it is stopped.")
]
Log = Annotated[LogLevel, typer.Option("--log-level", help="How much is logged.")]


def worker(
    modules: Modules = None,
    templates: Templates = None,
    commands: Commands = None,
    resources: ResourcesFile = None,
    compositions: CompositionFiles = None,
    environment: Environment = None,
    slots: Slots = 100,
    concurrency: Concurrency = None,
    queues: Queues = None,
    lease: Lease = "15s",
    grace: Grace = "30s",
    name: Annotated[str | None, typer.Option("--name", help="Default: host:pid.")] = None,
    reload: Annotated[
        bool, typer.Option("--reload", help="Start again when a source file changes.")
    ] = False,
    log_level: Log = LogLevel.info,
    url: Url = None,
) -> None:
    """Run workflows and handlers, in Python and in other languages, until stopped.

    SIGTERM or Ctrl-C lets running handlers end first; a second one does not wait for them.
    """
    if not (modules or commands or templates):
        raise CommandFailed(
            ExitCode.USAGE,
            "there is nothing to run",
            "Name a module (shop.orders), a file (charge.rb, ship.ts), a program with --exec, or --templates whose"
            " steps are compositions.",
        )
    options = WorkerOptions(
        modules or [],
        templates or (),
        environment,
        slots,
        queues or (),
        lease,
        grace,
        name,
        log_level,
        commands or (),
        concurrency,
        resources,
        compositions or (),
    )
    if reload:
        run_reloading(options, url)
    else:
        log_to_stderr(log_level)
        run_worker(options, url)


def run_reloading(options: WorkerOptions, url: str | None) -> None:
    """Run a worker in a child process that is started again whenever its sources change."""
    environment = {} if url is None else {"TASKER_DATABASE_URL": url}
    program = Program(
        "worker",
        tasker_command(*options.to_arguments()),
        options.find_folders(),
        environment,
        grace=options.grace_seconds + MARGIN,
    )
    with stop_on_signals() as stop:
        raise typer.Exit(run_programs([program], stop, tell))


def run_worker(options: WorkerOptions, url: str | None) -> None:
    """Run a worker in this process until it is stopped. Raises what keeps it from working."""
    import anyio

    from tasker.cli.serving import serve
    from tasker.cli.vocabulary import load_vocabulary
    from tasker.collector import spare_collector
    from tasker.discovery import discover
    from tasker.given import default_name
    from tasker.languages import is_foreign, make_bridges
    from tasker.worker import Worker

    files = [module for module in options.modules if is_foreign(module)]
    modules = [module for module in options.modules if not is_foreign(module)]
    vocabulary = load_vocabulary(options.resources, options.compositions)
    found = discover(modules, options.templates, options.environment, vocabulary)
    for line in found.warnings:
        tell(line)
    name = options.name or default_name()
    bridges = make_bridges(
        files,
        options.commands,
        worker=name,
        grace=min(options.grace_seconds, MOST_GRACE),
        concurrency=options.concurrency,
    )
    if not (options.queues or found.all_templates):
        raise CommandFailed(
            ExitCode.USAGE,
            "there are handlers, but no template that says which queues they serve",
            "Name the queues with --queue, or the templates with --templates.",
        )
    try:
        made = Worker(
            *found.workflows,
            *found.templates,
            *found.handlers,
            *found.actions,
            url=url,
            queues=options.queues,
            slots=options.slots,
            lease=options.lease_seconds,
            grace=options.grace_seconds,
            name=name,
            bridges=bridges,
            resources=None if vocabulary is None else vocabulary.resources,
        )
    except ValueError as error:
        raise CommandFailed(ExitCode.USAGE, str(error)) from error

    spare_collector()

    async def run() -> None:
        try:
            await serve(made.run, made.stop)
        finally:
            if made.left_behind:
                # The event loop and the interpreter would wait for such a handler for ever.
                logging.shutdown()
                os._exit(ExitCode.INTERRUPTED)

    anyio.run(run)
