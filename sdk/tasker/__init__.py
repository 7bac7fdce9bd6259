"""Tasker: a durable workflow engine that lives in PostgreSQL.

What is imported from here is loaded when it is first used, so that a command which only prints its help stays quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tasker.actions.invoking import action
    from tasker.actions.resources_file import load_resources
    from tasker.approvals import Approval
    from tasker.batches import BatchFailure, BatchResults, Slice, slices
    from tasker.children import ChildTask
    from tasker.client import Client, Submission
    from tasker.context import StepContext
    from tasker.decorators import StepHandler, handler
    from tasker.emitted import EmittedEvent
    from tasker.errors import (
        ApprovalTimedOut,
        CompositionError,
        ConflictError,
        ContractError,
        DatabaseUnavailable,
        DefinitionError,
        EventTimedOut,
        FragmentRefused,
        FragmentRejected,
        GenerateError,
        InvalidInputError,
        InvalidStateError,
        NotAllowedError,
        NotFoundError,
        NotInstalledError,
        PermanentError,
        ResourcesError,
        RetryableError,
        TaskCancelled,
        TaskerError,
        TaskFailed,
        TaskTimedOut,
        TemplateError,
        UnknownEnvironmentError,
    )
    from tasker.expansion import Expansion
    from tasker.handle import TaskHandle
    from tasker.limits import Limit
    from tasker.operating import Changes
    from tasker.policy import Bounds, Retry
    from tasker.schedule_handle import ScheduleHandle
    from tasker.schedules import At, Cron, Every, Schedule, Scheduled
    from tasker.sync_client import SyncClient, SyncTaskHandle
    from tasker.sync_schedule_handle import SyncScheduleHandle
    from tasker.vocabulary import Vocabulary, load_vocabulary
    from tasker.worker import Worker
    from tasker.workflow import Workflow
    from tasker.yaml_template import load_templates

__all__ = [
    "Approval",
    "ApprovalTimedOut",
    "At",
    "BatchFailure",
    "BatchResults",
    "Bounds",
    "Changes",
    "ChildTask",
    "Client",
    "CompositionError",
    "ConflictError",
    "ContractError",
    "Cron",
    "DatabaseUnavailable",
    "DefinitionError",
    "EmittedEvent",
    "EventTimedOut",
    "Every",
    "Expansion",
    "FragmentRefused",
    "FragmentRejected",
    "GenerateError",
    "InvalidInputError",
    "InvalidStateError",
    "Limit",
    "NotAllowedError",
    "NotFoundError",
    "NotInstalledError",
    "PermanentError",
    "ResourcesError",
    "Retry",
    "RetryableError",
    "Schedule",
    "ScheduleHandle",
    "Scheduled",
    "Slice",
    "StepContext",
    "StepHandler",
    "Submission",
    "SyncClient",
    "SyncScheduleHandle",
    "SyncTaskHandle",
    "TaskCancelled",
    "TaskFailed",
    "TaskHandle",
    "TaskTimedOut",
    "TaskerError",
    "TemplateError",
    "UnknownEnvironmentError",
    "Vocabulary",
    "Worker",
    "Workflow",
    "action",
    "handler",
    "load_resources",
    "load_templates",
    "load_vocabulary",
    "slices",
]

_MODULES = {
    "Approval": "approvals",
    "At": "schedules",
    "BatchFailure": "batches",
    "BatchResults": "batches",
    "Bounds": "policy",
    "Changes": "operating",
    "ChildTask": "children",
    "Client": "client",
    "Cron": "schedules",
    "EmittedEvent": "emitted",
    "Every": "schedules",
    "Expansion": "expansion",
    "Limit": "limits",
    "Retry": "policy",
    "Schedule": "schedules",
    "ScheduleHandle": "schedule_handle",
    "Scheduled": "schedules",
    "Slice": "batches",
    "StepContext": "context",
    "StepHandler": "decorators",
    "Submission": "client",
    "SyncClient": "sync_client",
    "SyncScheduleHandle": "sync_schedule_handle",
    "SyncTaskHandle": "sync_client",
    "TaskHandle": "handle",
    "Vocabulary": "vocabulary",
    "Worker": "worker",
    "Workflow": "workflow",
    "action": "actions.invoking",
    "handler": "decorators",
    "load_resources": "actions.resources_file",
    "load_templates": "yaml_template",
    "load_vocabulary": "vocabulary",
    "slices": "batches",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'tasker' has no attribute {name!r}")
    return getattr(importlib.import_module(f"tasker.{_MODULES.get(name, 'errors')}"), name)
