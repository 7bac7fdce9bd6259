"""What a worker process is told: the same whether it runs here or, to be reloaded, in a child."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tasker.cli.arguments import read_seconds_of
from tasker.cli.logs import LogLevel


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    """The arguments of `tasker worker`, but for the database."""

    modules: Sequence[str]
    templates: Sequence[Path] = ()
    environment: str | None = None
    slots: int = 100
    queues: Sequence[str] = ()
    lease: str = "15s"
    grace: str = "30s"
    name: str | None = None
    log_level: LogLevel = LogLevel.info
    commands: Sequence[str] = ()
    concurrency: int | None = None
    resources: Path | None = None
    compositions: Sequence[Path] = ()

    @property
    def grace_seconds(self) -> float:
        """The grace in seconds. Raises CommandFailed when it is no duration."""
        return read_seconds_of("--grace", self.grace)

    @property
    def lease_seconds(self) -> float:
        """The lease in seconds. Raises CommandFailed when it is no duration."""
        return read_seconds_of("--lease", self.lease)

    def to_arguments(self) -> list[str]:
        """Write them as the command line that a worker without reloading takes."""
        return ["worker", *self.modules, *self._write_options()]

    def find_folders(self) -> list[Path]:
        """Find the folders whose changes concern the worker. Raises DiscoveryError where one is missing."""
        from tasker.discovery import DiscoveryError, find_folder
        from tasker.languages import find_file, is_foreign

        files = [*self.templates, *self.compositions]
        if self.resources is not None:
            files.append(self.resources)
        if missing := [path for path in files if not path.exists()]:
            raise DiscoveryError(f"there is no file {missing[0]}")
        folders = [path if path.is_dir() else path.parent for path in files]
        for module in self.modules:
            if is_foreign(module):
                find_file(module)
                folders.append(Path(module).parent)
            else:
                folders.append(find_folder(module))
        return list(dict.fromkeys(folders))

    def _write_options(self) -> Iterator[str]:
        for path in self.templates:
            yield f"--templates={path}"
        if self.environment is not None:
            yield f"--environment={self.environment}"
        if self.resources is not None:
            yield f"--resources={self.resources}"
        for path in self.compositions:
            yield f"--compositions={path}"
        for command in self.commands:
            yield f"--exec={command}"
        for queue in self.queues:
            yield f"--queue={queue}"
        if self.name is not None:
            yield f"--name={self.name}"
        if self.concurrency is not None:
            yield f"--child-concurrency={self.concurrency}"
        yield f"--slots={self.slots}"
        yield f"--lease={self.lease}"
        yield f"--grace={self.grace}"
        yield f"--log-level={self.log_level}"
