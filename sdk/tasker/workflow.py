"""Workflows: templates written in Python, where parameters decide the edges. Pure."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from tasker.binding import Handler
from tasker.compensations import read_compensation
from tasker.decorators import read_handler
from tasker.durations import Duration
from tasker.errors import DefinitionError
from tasker.expansion import DYNAMIC, DynamicStep
from tasker.growth_types import stored_schema
from tasker.injection import assign
from tasker.input_schemas import derive_input_schema
from tasker.limits import ANY, Limit
from tasker.names import (
    COMPOSITION,
    LONGEST_TEMPLATE,
    LONGEST_VERSION,
    find_name_fault,
    find_namespace_fault,
)
from tasker.policy import Bounds, OnTaskFailure, Retry, Undoes
from tasker.step_decorator import (
    BatchWorkerDecorator,
    CompensationDecorator,
    CompensationOptions,
    Options,
    StepDecorator,
    read_limits,
    read_policy,
    read_retry,
    read_seconds,
)
from tasker.template import Kind, StepDefinition, Template
from tasker.values import Shape, shape_of
from tasker.workflow_parents import check_known, find_parents
from tasker.workflow_steps import (
    WorkflowStep,
    check_expands,
    check_name,
    definitions_of,
    find_output,
    find_undone,
    handlers_of,
    own_handler,
    refuse_faulty,
)
from tasker.workflow_types import check_result, check_types, check_undoing
from tasker_grammar.contracts import Schema

if TYPE_CHECKING:
    from tasker_grammar.catalog import Catalog
    from tasker_grammar.composition import Bounds as FragmentBounds
    from tasker_grammar.composition import Composition
    from tasker_grammar.resources import Resources

__all__ = ["Workflow"]

Function = TypeVar("Function", bound=Callable[..., Any])


class Workflow:
    """A template under construction: steps are added to it by decorating functions.

    `input` is the type of the tasks' input (None: anything); `time_limit` ends a whole task. A
    name and version, once registered, stand for what they were: what changes gets a new version.
    `on_failure`: a task that a failure has stopped waits for an operator (`wait`), or what it had
    completed is undone and it ends with an error (`compensate`, also after its time limit).
    `expansion` bounds how many dynamic steps one task may have. `limits` bound how much of it goes
    on at once, or in a time. `resources`, `actions` (functions under `@action`) and `compositions` (those that come
    with Tasker, by default) are what its compositions may name.

    Raises `DefinitionError` when a name is malformed or the input's type means nothing in JSON.
    """

    def __init__(
        self,
        name: str,
        *,
        namespace: str = "default",
        version: str = "1.0.0",
        input: Any = None,
        time_limit: Duration | None = None,
        description: str | None = None,
        on_failure: OnTaskFailure = "wait",
        expansion: Bounds | None = None,
        limits: Sequence[Limit] = (),
        resources: Resources | None = None,
        actions: Sequence[Callable[..., Any]] = (),
        compositions: Catalog | None = None,
    ) -> None:
        self.name = name
        self.namespace = namespace
        self.version = version
        self.description = description
        self.on_failure: OnTaskFailure = on_failure
        self.expansion = Bounds() if expansion is None else expansion
        self._refuse("namespace", namespace, find_namespace_fault(namespace))
        self._refuse("name", name, find_name_fault(name, LONGEST_TEMPLATE))
        self._refuse("version", version, find_name_fault(version, LONGEST_VERSION))
        self.limits = read_limits(limits, f"workflow {self.full_name}", ANY)
        self.time_limit = read_seconds(time_limit, f"workflow {self.full_name}: time_limit")
        self.input = shape_of(Any if input is None else input, f"workflow {self.full_name}: input")
        self.resources = resources
        if resources is not None:
            from tasker.vocabulary import hold_resources

            self.resources = hold_resources(resources, f"workflow {self.full_name}")
        self.actions = tuple(actions)
        self.compositions = compositions
        self._steps: dict[str, WorkflowStep] = {}
        self._template: Template | None = None
        self._output: tuple[Shape | None] | None = None

    def __repr__(self) -> str:
        return f"<Workflow {self.full_name} {self.version}: {', '.join(self._steps)}>"

    @property
    def full_name(self) -> str:
        """`namespace/name`, as clients name it."""
        return f"{self.namespace}/{self.name}"

    @property
    def template(self) -> Template:
        """What is registered. Raises `DefinitionError` while the workflow has no steps."""
        if self._template is None:
            check_expands(self._steps, self.full_name)
            self._template = Template(
                self.namespace,
                self.name,
                self.version,
                self.steps,
                self.description,
                self.input_schema,
                self.time_limit,
                on_failure=self.on_failure,
                expansion=self.expansion,
                limits=self.limits,
            )
        return self._template

    @property
    def output(self) -> Shape | None:
        """What a task's result is, where every task ends in one and the same step; None elsewhere."""
        template = self.template
        if self._output is None:
            self._output = (find_output(template.steps, self._steps),)
        return self._output[0]

    @property
    def input_schema(self) -> Schema | None:
        """What a task's input is, as a schema; None for anything."""
        return self.input.accepted

    @property
    def steps(self) -> tuple[StepDefinition, ...]:
        """The steps so far, each with the dynamic steps that it may ask for, so far as those are there."""
        return tuple(definitions_of(self._steps))

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """The handlers of steps and compensations, by the names under which workers know them."""
        return handlers_of(self._steps)

    @property
    def step(self) -> StepDecorator:
        """Adds a step: `@workflow.step`, or with options in brackets.

        A parameter named like an earlier step takes that step's result, and makes the new step
        wait for it; `input` takes the task's input, and one annotated `StepContext` the context.
        """
        return StepDecorator(self._add, "standard")

    @property
    def decision(self) -> StepDecorator:
        """Adds a step that chooses which of those that depend on it shall be.

        It returns a name, a list of names, or nothing. The others, and what stands behind them,
        are excluded: they never come to be. `Literal` names in its annotation are checked.
        """
        return StepDecorator(self._add, "decision")

    @property
    def convergence(self) -> StepDecorator:
        """Adds a step that waits for whichever of its parents come to be, once that is known.

        Where a decision may exclude a parent, the parameter named after it is `X | None`. It is
        excluded itself only if all of its parents are.
        """
        return StepDecorator(self._add, "deferred_convergence")

    @property
    def batch(self) -> StepDecorator:
        """Adds a step that returns a list, for each item of which a batch worker comes to be."""
        return StepDecorator(self._add, "batchable")

    @property
    def batch_worker(self) -> BatchWorkerDecorator:
        """Adds the step that runs once for each item of a batch.

        Its parameter named after the batch takes its own item. Only a convergence can depend on
        it; that takes all results, as a list in the order of the items.
        """
        return BatchWorkerDecorator(self._add)

    @property
    def dynamic(self) -> StepDecorator:
        """Adds a step that comes to be only when another asks for it, as often as one does.

        Another asks by returning an `Expansion`, which gives it its arguments: all its parameters but
        `input` and the context. Only a convergence can depend on it; that takes the results of all
        that came to be, as a list in the order in which they did.
        """
        return StepDecorator(self._add, "dynamic")

    def compose(
        self,
        name: str,
        composition: Composition | str,
        arguments: Mapping[str, Any] | None = None,
        *,
        input: str = ".input",
        kind: Kind = "standard",
        depends_on: Sequence[str] = (),
        retry: Retry | None = None,
        timeout: Duration | None = None,
        total_timeout: Duration | None = None,
        queue: str | None = None,
        limits: Sequence[Limit] = (),
    ) -> str:
        """Add a step that runs a composition, in place of a handler; gives its name.

        `composition` comes from `tasker.catalog`, or is a name in the workflow's compositions, then with `arguments`.
        `input` is an expression: what the composition sees as `.input`. It sees the task's input as `.input`, and
        earlier steps by name; the step depends on those that it names. What the composition gives is inferred, and
        later steps are checked by it. Raises DefinitionError with everything that the check finds.
        """
        from tasker.composing import compose_step

        subject = f"{self.full_name}: step {name}"
        check_name(name, self._steps, subject)
        check_known(depends_on, self._steps, subject)
        bare = StepDefinition(
            name=name,
            handler=COMPOSITION,
            kind=kind,
            depends_on=tuple(depends_on),
            queue=queue,
            retry=read_retry(retry, subject),
            attempt_time_limit=read_seconds(timeout, f"{subject}: timeout"),
            step_time_limit=read_seconds(total_timeout, f"{subject}: total_timeout"),
            limits=read_limits(limits, subject),
        )
        step = compose_step(self, bare, composition, arguments or {}, input)
        refuse_faulty(step.definition, subject)
        self._keep(step)
        return name

    def fragment(
        self,
        name: str,
        *,
        result: Any = None,
        bounds: FragmentBounds | None = None,
        rejected: Literal["fail", "retry"] = "fail",
        retry: Retry | None = None,
        timeout: Duration | None = None,
        queue: str | None = None,
    ) -> str:
        """Let fragments grow here: steps that a handler proposes at run time with `ctx.propose(name, ...)`.

        Each becomes steps of the task, within `bounds`. Their expressions see the task's input as `.input`, and what is
        given with the fragment; they may use the workflow's compositions, as they are now. What a fragment's result
        step gives is of the type `result` (None: anything). A convergence that names this takes the results of all
        fragments, as a list. A fragment that is not sound ends the step that proposes it, or, by `rejected` "retry",
        that attempt of it. The other options are for each step of a fragment.
        """
        from tasker.growing import fragment_steps, make_place
        from tasker_grammar.catalog import bundled

        subject = f"{self.full_name}: fragment {name}"
        shape = shape_of(Any if result is None else result, f"what fragment {name} gives")
        policy = (read_retry(retry, subject), read_seconds(timeout, f"{subject}: timeout"), queue)
        known = self.compositions or bundled()
        place = make_place(bounds, self.input_schema, shape.produced, rejected == "retry", known)
        definitions = fragment_steps(name, place, *policy)
        for definition in definitions:
            check_name(definition.name, self._steps, f"{subject}: {definition.name}")
            refuse_faulty(definition, subject)
        for definition in definitions:
            given = shape if definition.name == name else Shape(f"a step of fragment {name}")
            handler = own_handler(definition.handler, "a fragment", given)
            self._keep(WorkflowStep(definition, handler))
        return name

    def compensation(
        self,
        step: str | Callable[..., Any],
        *,
        retry: Retry | None = None,
        timeout: Duration | None = None,
        total_timeout: Duration | None = None,
        queue: str | None = None,
        config: Mapping[str, Any] | None = None,
        when: Undoes = "complete",
    ) -> CompensationDecorator:
        """Make the function below it what undoes a step, given by its function or its name.

        Its parameter named like the step takes the step's result; named like other steps, theirs,
        if they are done; of a batch's worker, named like the batch, its item. `when` "started"
        undoes the step also when it was started and did not complete: then its result is None.
        The other options are as for a step; `queue` is the step's by default.
        """
        name = find_undone(step, self._steps, self.full_name)
        given = CompensationOptions(retry, timeout, total_timeout, queue, config, when)
        return CompensationDecorator(
            lambda function, known: self._compensate(name, function, given, known)
        )

    def _compensate(
        self,
        name: str,
        function: Callable[..., Any],
        options: CompensationOptions,
        known: Mapping[str, Any],
    ) -> None:
        undone = f"undo:{name}"
        subject = f"{self.full_name}: {undone}"
        step = self._steps[name]
        if step.undoing is not None:
            raise DefinitionError(f"{subject}: step {name} has a compensation already")
        if not inspect.isroutine(function):
            raise DefinitionError(f"{subject}: a compensation is a function, not {function!r}")
        handler = read_handler(function, self._handler_name(undone), known)
        taken = find_parents(handler, (), self._steps, subject)
        undoing = read_compensation(step.definition, handler.name, taken, options, subject)
        definition = replace(step.definition, compensate=undoing)
        refuse_faulty(definition, subject)
        assignment = assign(handler.signature, taken)
        check_undoing(definition, assignment, self._steps, self.input, self.full_name)
        self._keep(replace(step, definition=definition, undoing=handler))

    def _add(
        self, function: Callable[..., Any], kind: Kind, options: Options, known: Mapping[str, Any]
    ) -> None:
        if not inspect.isroutine(function):
            raise DefinitionError(f"{self.full_name}: a step is a function, not {function!r}")
        name = function.__name__ if options.name is None else options.name
        subject = f"{self.full_name}: step {name}"
        check_name(name, self._steps, subject)
        handler = read_handler(function, self._handler_name(name), known)
        dynamic = kind == "dynamic"
        parents = () if dynamic else find_parents(handler, options.depends_on, self._steps, subject)
        given = [p.name for p in handler.signature.own_parameters] if dynamic else parents
        assignment = assign(handler.signature, given)
        handler = replace(handler, input_schema=derive_input_schema(assignment, kind))
        definition = StepDefinition(
            name=name,
            handler=handler.name,
            kind=kind,
            depends_on=parents,
            queue=options.queue,
            config={} if options.config is None else options.config,
            retry=read_retry(options.retry, subject),
            attempt_time_limit=read_seconds(options.timeout, f"{subject}: timeout"),
            step_time_limit=read_seconds(options.total_timeout, f"{subject}: total_timeout"),
            input_schema=handler.input_schema,
            result_schema=stored_schema(kind, handler.signature.result),
            batch=read_policy(options, subject),
            limits=read_limits(options.limits, subject),
        )
        refuse_faulty(definition, subject)
        check_result(kind, handler.signature, subject)
        check_types(definition, assignment, self._steps, self.input, self.full_name)
        asked = None if options.expands is None else tuple(options.expands)
        self._keep(WorkflowStep(definition, handler, expands=asked))
        if dynamic:
            setattr(function, DYNAMIC, DynamicStep(name, handler.signature))
        if options.compensate is not None:
            try:
                self._compensate(name, options.compensate, CompensationOptions(), known)
            except DefinitionError:
                del self._steps[name]
                raise

    def _keep(self, step: WorkflowStep) -> None:
        self._steps[step.definition.name] = step
        self._template = self._output = None

    def _handler_name(self, step: str) -> str:
        return f"{self.namespace}.{self.name}.{step}"

    def _refuse(self, what: str, value: object, fault: str | None) -> None:
        if fault is not None:
            raise DefinitionError(f"workflow {self.name!r}: {what} is {value!r}; it {fault}")
