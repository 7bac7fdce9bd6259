"""Workflows: templates written in Python, where parameters decide the edges. Pure."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeVar

from tasker.binding import Handler
from tasker.checking import find_step_faults
from tasker.checking.graph import (
    find_certain,
    find_choices,
    may_lack,
    parents_in_template,
    read_graph,
)
from tasker.compensations import find_sure_results, read_compensation, undone_shape
from tasker.decorators import read_handler
from tasker.durations import Duration
from tasker.errors import DefinitionError, Fault
from tasker.expansion import DYNAMIC, DynamicStep
from tasker.fitting import find_misfit
from tasker.growth_types import accepts_none, find_result_fault, given_shape, stored_schema
from tasker.injection import Assignment, Parameter, Signature, assign
from tasker.input_schemas import derive_input_schema
from tasker.limits import ANY, Limit
from tasker.names import (
    COMPOSITION,
    FRAGMENT_RESULT,
    LONGEST_TEMPLATE,
    LONGEST_VERSION,
    OWN_HANDLERS,
    RESERVED,
    did_you_mean,
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
from tasker.values import Shape, annotation_text, shape_of
from tasker_grammar.contracts import Schema

if TYPE_CHECKING:
    from tasker_grammar.catalog import Catalog
    from tasker_grammar.composition import Bounds as FragmentBounds
    from tasker_grammar.composition import Composition
    from tasker_grammar.resources import Resources

__all__ = ["Workflow"]

Function = TypeVar("Function", bound=Callable[..., Any])


def _never() -> Any:
    raise DefinitionError("what is Tasker's own has no function here")


def _errors(step: StepDefinition) -> list[Fault]:
    return [fault for fault in find_step_faults(step) if fault.severity == "error"]


@dataclass(frozen=True, slots=True)
class _Step:
    definition: StepDefinition
    handler: Handler
    undoing: Handler | None = None
    """The handler of its compensation."""
    expands: tuple[str | Callable[..., Any], ...] | None = None
    """The dynamic steps that it may ask for, as they were given; None: all."""


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
        self._input_schema = self.input.accepted
        self.resources = self._hold(resources)
        self.actions = tuple(actions)
        self.compositions = compositions
        self._steps: dict[str, _Step] = {}
        self._template: Template | None = None
        self._output: tuple[Shape | None] | None = None

    def _hold(self, resources: Resources | None) -> Resources | None:
        if resources is None:
            return None
        from tasker.vocabulary import hold_resources

        return hold_resources(resources, f"workflow {self.full_name}")

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
            self._template = self._compile()
        return self._template

    @property
    def output(self) -> Shape | None:
        """What a task's result is, where every task ends in one and the same step; None elsewhere."""
        template = self.template
        if self._output is None:
            self._output = (self._find_output(template),)
        return self._output[0]

    def _find_output(self, template: Template) -> Shape | None:
        parents = parents_in_template(template.steps).values()
        inner = {parent for step in template.steps for parent in step.depends_on}.union(*parents)
        last = [step for step in template.steps if step.name not in inner]
        if len(last) != 1 or last[0].kind in ("batch_worker", "dynamic"):
            return None
        result = self._steps[last[0].name].handler.signature.result
        return result if last[0].name in find_certain(read_graph(template.steps)) else None

    def _compile(self) -> Template:
        for step in self._steps.values():
            self._check_expands(step)
        return Template(
            self.namespace,
            self.name,
            self.version,
            tuple(self._definitions),
            self.description,
            self._input_schema,
            self.time_limit,
            on_failure=self.on_failure,
            expansion=self.expansion,
            limits=self.limits,
        )

    @property
    def input_schema(self) -> Schema | None:
        """What a task's input is, as a schema; None for anything."""
        return self._input_schema

    @property
    def steps(self) -> tuple[StepDefinition, ...]:
        """The steps so far."""
        return tuple(self._definitions)

    @property
    def _definitions(self) -> list[StepDefinition]:
        """The steps so far, each with the dynamic steps that it may ask for, so far as those are there."""
        steps = self._steps.values()
        dynamic = [s.definition.name for s in steps if s.definition.kind == "dynamic"]
        asking = [
            replace(step.definition, expands=tuple(n for n in dynamic if self._may_ask(step, n)))
            for step in steps
        ]
        if all(step.handler != FRAGMENT_RESULT for step in asking):
            return asking
        from tasker.growing import let_propose

        return let_propose(asking)

    def _may_ask(self, step: _Step, name: str) -> bool:
        if step.expands is None:
            return step.handler.signature.expands
        known = self._steps[name]
        if known.definition.handler in OWN_HANDLERS:
            return name in step.expands
        return name in step.expands or known.handler.make() in step.expands

    def _check_expands(self, step: _Step) -> None:
        asks = bool(step.expands) or step.handler.signature.expands
        dynamic = [s for s in self._steps.values() if s.definition.kind == "dynamic"]
        subject = f"{self.full_name}: step {step.definition.name}"
        if asks and not dynamic:
            raise DefinitionError(f"{subject} may ask for dynamic steps, and there are none")
        known = [d.definition.name for d in dynamic]
        for given in step.expands or ():
            own = [d for d in dynamic if d.definition.handler not in OWN_HANDLERS]
            if given not in known and all(d.handler.make() is not given for d in own):
                hint = did_you_mean(given, known) if isinstance(given, str) else ""
                hint = hint or f"Those are {', '.join(known)}."
                raise DefinitionError(f"{subject} expands to {given!r}, no dynamic step. {hint}")

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """The handlers of steps and compensations, by the names under which workers know them."""
        steps = self._steps.values()
        undoing = (step.undoing for step in steps if step.undoing is not None)
        known = (*(step.handler for step in steps), *undoing)
        return {handler.name: handler for handler in known if handler.name not in OWN_HANDLERS}

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
        self._check_name(name, subject)
        for parent in depends_on:
            if parent not in self._steps:
                raise DefinitionError(f"{subject}: it depends on {parent!r}, no step yet")
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
        definition, handler = compose_step(self, bare, composition, arguments or {}, input)
        for fault in _errors(definition):
            raise DefinitionError(f"{subject}: {fault}", [fault])
        self._steps[name] = _Step(definition, handler)
        self._template = self._output = None
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
        self._check_name(name, subject)
        shape = shape_of(Any if result is None else result, f"what fragment {name} gives")
        policy = (read_retry(retry, subject), read_seconds(timeout, f"{subject}: timeout"), queue)
        known = self.compositions or bundled()
        place = make_place(bounds, self._input_schema, shape.produced, rejected == "retry", known)
        for definition in fragment_steps(name, place, *policy):
            for fault in _errors(definition):
                raise DefinitionError(f"{subject}: {fault}", [fault])
            given = shape if definition.name == name else Shape(f"a step of fragment {name}")
            handler = Handler(definition.handler, Signature("a fragment", (), given), True, _never)
            self._steps[definition.name] = _Step(definition, handler)
        self._template = self._output = None
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
        name = self._name_of(step)
        given = CompensationOptions(retry, timeout, total_timeout, queue, config, when)
        return CompensationDecorator(
            lambda function, known: self._compensate(name, function, given, known)
        )

    def _name_of(self, step: str | Callable[..., Any]) -> str:
        for name, known in self._steps.items():
            if step == name or known.handler.make() is step:
                return name
        hint = did_you_mean(step, self._steps) if isinstance(step, str) else ""
        undoes = f"{self.full_name}: a compensation is for {step!r}, which is no step yet. {hint}"
        raise DefinitionError(undoes.rstrip())

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
        taken = self._parents(handler, (), subject)
        undoing = read_compensation(step.definition, handler.name, taken, options, subject)
        definition = replace(step.definition, compensate=undoing)
        for fault in _errors(definition):
            raise DefinitionError(f"{subject}: {fault}", [fault])
        self._check_undoing(definition, assign(handler.signature, taken))
        self._steps[name] = replace(step, definition=definition, undoing=handler)
        self._template = None

    def _check_undoing(self, step: StepDefinition, assignment: Assignment) -> None:
        undone = f"undo:{step.name}"
        if assignment.task_input is not None:
            given = "the workflow's input is"
            self._agree(undone, assignment.task_input, self.input, self._input_schema, given)
        known = {each.name: each for each in self._definitions}
        sure = find_sure_results([*known.values()], step)
        for parameter in assignment.results:
            name = parameter.name
            returned = self._steps[name].handler.signature.result
            given = undone_shape(step, known[name], returned)
            schema = known[name].result_schema if given is returned else given.produced
            self._agree(undone, parameter, given, schema, f"step {name} gives")
            if name not in sure and not accepts_none(parameter):
                raise DefinitionError(
                    f"{self.full_name}: {undone} takes {name}, which may not have"
                    f" completed. Annotate it {annotation_text(parameter.shape.annotation)} | None"
                )

    def _add(
        self, function: Callable[..., Any], kind: Kind, options: Options, known: Mapping[str, Any]
    ) -> None:
        if not inspect.isroutine(function):
            raise DefinitionError(f"{self.full_name}: a step is a function, not {function!r}")
        name = function.__name__ if options.name is None else options.name
        subject = f"{self.full_name}: step {name}"
        self._check_name(name, subject)
        handler = read_handler(function, self._handler_name(name), known)
        dynamic = kind == "dynamic"
        parents = () if dynamic else self._parents(handler, options.depends_on, subject)
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
        for fault in _errors(definition):
            raise DefinitionError(f"{subject}: {fault}", [fault])
        self._check_result(definition, handler)
        self._check_types(definition, assignment)
        asked = None if options.expands is None else tuple(options.expands)
        self._steps[name] = _Step(definition, handler, expands=asked)
        if dynamic:
            setattr(function, DYNAMIC, DynamicStep(name, handler.signature))
        self._template = self._output = None
        if options.compensate is not None:
            try:
                self._compensate(name, options.compensate, CompensationOptions(), known)
            except DefinitionError:
                del self._steps[name]
                raise

    def _handler_name(self, step: str) -> str:
        return f"{self.namespace}.{self.name}.{step}"

    def _check_name(self, name: str, subject: str) -> None:
        if name in RESERVED:
            raise DefinitionError(
                f"{subject}: a parameter called {name} never takes a step's result. Give the step"
                " another name, as in @workflow.step(name=...)"
            )
        if name in self._steps:
            raise DefinitionError(f"{subject}: there is a step of this name already")

    def _parents(
        self, handler: Handler, depends_on: Sequence[str], subject: str
    ) -> tuple[str, ...]:
        if isinstance(depends_on, str):
            raise DefinitionError(f"{subject}: depends_on is a list of names, not {depends_on!r}")
        for parent in depends_on:
            if parent not in self._steps:
                hint = did_you_mean(parent, self._steps) or "A step comes after those it waits for."
                raise DefinitionError(f"{subject}: it depends on {parent!r}, no step yet. {hint}")
        for parameter in handler.signature.parameters:
            if not self._is_known(parameter):
                raise DefinitionError(self._explain(parameter, subject))
        taken = (p.name for p in handler.signature.parameters if self._takes_result(p))
        return tuple(dict.fromkeys([*taken, *depends_on]))

    def _takes_result(self, parameter: Parameter) -> bool:
        return parameter.name in self._steps and not parameter.is_context

    def _is_known(self, parameter: Parameter) -> bool:
        fills_itself = parameter.is_context or parameter.has_default
        return fills_itself or parameter.name in RESERVED or parameter.name in self._steps

    def _explain(self, parameter: Parameter, subject: str) -> str:
        steps = ", ".join(self._steps) or "none"
        hint = did_you_mean(parameter.name, [*self._steps, *RESERVED])
        return (
            f"{subject}: nothing fills the parameter {parameter.name}. Possible are: input (the"
            f" task's input), a step defined above ({steps}), a parameter annotated StepContext,"
            f" or one with a default. {hint}"
        ).rstrip()

    def _check_result(self, step: StepDefinition, handler: Handler) -> None:
        given = handler.signature
        fault = find_result_fault(step.kind, given.result, given.expands)
        if fault is not None:
            raise DefinitionError(f"{self.full_name}: step {step.name}: {fault}")

    def _check_types(self, step: StepDefinition, assignment: Assignment) -> None:
        taken = assignment.task_input
        if taken is not None:
            self._agree(step.name, taken, self.input, self._input_schema, "the workflow's input is")
        lacking = self._may_lack(step) if step.kind == "deferred_convergence" else ()
        for parameter in () if step.kind == "dynamic" else assignment.results:
            parent = self._steps[parameter.name]
            returned = parent.handler.signature.result
            given = given_shape(parent.definition, returned, step.kind)
            if given is returned:
                giver, schema = f"step {parameter.name} returns", parent.definition.result_schema
            else:
                giver, schema = f"step {parameter.name} gives", given.produced
            self._agree(step.name, parameter, given, schema, giver)
            if parameter.name in lacking and not accepts_none(parameter):
                raise DefinitionError(
                    f"{self.full_name}: step {step.name} takes {parameter.name}, which a decision"
                    f" may exclude. Annotate it {annotation_text(parameter.shape.annotation)} | None"
                )

    def _may_lack(self, step: StepDefinition) -> frozenset[str]:
        graph = read_graph([*self._definitions, step])
        return may_lack(graph, find_choices(graph), step.name)

    def _agree(
        self, name: str, taken: Parameter, given: Shape, schema: Schema | None, giver: str
    ) -> None:
        misfit = find_misfit(given, schema, taken.shape)
        if misfit is not None:
            takes = f"{taken.name}: {annotation_text(taken.shape.annotation)}"
            raise DefinitionError(
                f"{self.full_name}: step {name} takes {takes}, but {giver}"
                f" {annotation_text(given.annotation)}: {misfit}"
            )

    def _refuse(self, what: str, value: object, fault: str | None) -> None:
        if fault is not None:
            raise DefinitionError(f"workflow {self.name!r}: {what} is {value!r}; it {fault}")
