"""What clients do with tasks that fit a filter."""

from collections.abc import Iterator

import pytest

from tasker import (
    Changes,
    Client,
    ContractError,
    InvalidInputError,
    NotFoundError,
    Retry,
    Submission,
    SyncClient,
    TaskFailed,
    Worker,
    Workflow,
    operating,
)

jobs = Workflow("job", namespace="works", input=int)


@jobs.step
def work(input: int) -> int:
    return input


@pytest.mark.anyio
async def test_tasks_are_listed_to_the_last_page(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operating, "_PAGE", 3)
    await client.register(jobs)
    tasks = await client.submit_many(
        jobs, [Submission(n, tags=["even"][n % 2 :]) for n in range(8)]
    )
    ids = [str(task.id) for task in reversed(tasks)]
    assert [task["task_id"] async for task in client.list_tasks()] == ids
    assert [task["task_id"] async for task in client.list_tasks("tag=even")] == ids[1::2]
    assert [task["task_id"] async for task in client.list_tasks({"tag": "even"}, limit=4)] == ids[
        1::2
    ]
    assert [task["task_id"] async for task in client.list_tasks(limit=7)] == ids[:7]
    assert [task async for task in client.list_tasks("state=error template=works/job")] == []
    with pytest.raises(InvalidInputError, match="'oops' is no term"):
        await anext(client.list_tasks("oops"))
    with pytest.raises(NotFoundError, match="no template works/jobs"):
        await anext(client.list_tasks("template=works/jobs"))


@pytest.mark.anyio
async def test_all_that_fit_are_changed_page_by_page(client: Client) -> None:
    await client.register(jobs)
    tasks = await client.submit_many(jobs, [Submission(n) for n in range(150)])
    await tasks[7].pause("first")
    where = "template=works/job created>1h"
    planned = await client.pause_all(where, "moving house", dry_run=True)
    assert planned == Changes(149, {"it is paused already": 1})
    assert [task async for task in client.list_tasks("state=paused", limit=2)] != []
    assert await client.pause_all(where, "moving house", actor="ann") == planned
    assert await client.retry_all(where, "why") == Changes(0, {"no step of it has failed": 150})
    assert await client.resume_all({"state": "paused"}, "we are there") == Changes(150, {})
    assert await client.cancel_all(where, "over", compensate=True) == Changes(150, {})
    assert await client.resolve_all(where, "over") == Changes(0, {"it has ended (cancelled)": 150})
    with pytest.raises(InvalidInputError, match="an empty one is every task"):
        await client.cancel_all("", "all")


@pytest.fixture
def sync_client(database: str) -> Iterator[SyncClient]:
    with SyncClient(database) as client:
        client.register(jobs)
        yield client


def test_so_they_are_without_an_event_loop(sync_client: SyncClient) -> None:
    ids = [sync_client.submit(jobs, n).id for n in range(3)]
    found = list(sync_client.list_tasks("state=in_progress", limit=2))
    assert [task["task_id"] for task in found] == [str(ids[2]), str(ids[1])]
    assert sync_client.pause_all("state=in_progress", "why") == Changes(3, {})
    assert sync_client.resume_all("state=paused", "why") == Changes(3, {})
    assert sync_client.retry_all("state=paused", "why") == Changes(0, {})
    assert sync_client.cancel_all("created>1h", "why", dry_run=True) == Changes(3, {})
    assert sync_client.resolve_all("created>1h", "why") == Changes(3, {})


shop = Workflow("shop", namespace="works", input=int)
ran: list[str] = []


@shop.step
def prepare(input: int) -> int:
    ran.append("prepare")
    return input * 10


@shop.step(retry=Retry(max_attempts=1))
def charge(prepare: int, input: int) -> int:
    ran.append("charge")
    if input < 0:
        raise ValueError("negative")
    return prepare + input


@pytest.mark.anyio
async def test_a_task_is_run_again_from_what_failed(client: Client, database: str) -> None:
    await client.register(shop)
    task = await client.submit(shop, -1)
    async with Worker(shop, url=database):
        with pytest.raises(TaskFailed):
            await task.result(timeout=30)
        plan = await task.plan_rerun(from_steps="failed")
        assert (plan["kept"], plan["again"]) == (["prepare"], ["charge"])
        again = await task.rerun("mended", from_steps=["failed"], input=2)
        assert await again.result(timeout=30) == -8
    assert ran == ["prepare", "charge", "charge"]
    (group,) = await client.dead_letters()
    assert (group["task_id"], group["message"]) == (str(task.id), "negative")
    assert await client.dead_letters("elsewhere") == []
    found = [t["task_id"] async for t in client.list_tasks(f"fingerprint={group['fingerprint']}")]
    assert found == [str(task.id)]
    assert (await again.status())["rerun_of"] == str(task.id)
    with pytest.raises(ContractError, match="the task's input"):
        await task.rerun("mended", input="two")
    with pytest.raises(NotFoundError, match="no step 'chrge'"):
        await task.plan_rerun(from_steps=["chrge"])
    with pytest.raises(NotFoundError, match="version 9"):
        await task.rerun("mended", version="9")
    with pytest.raises(InvalidInputError, match="no step of the task has failed"):
        await again.rerun("why not", from_steps="failed")


def test_so_it_is_without_an_event_loop(sync_client: SyncClient) -> None:
    with pytest.raises(InvalidInputError, match="'zz' is no task's id"):
        sync_client.handle("zz")
    with pytest.raises(InvalidInputError, match="'zz' is no correlation id"):
        sync_client.send_event("zz", "paid")
    task = sync_client.submit(jobs, 1)
    task.cancel("over")
    assert sync_client.dead_letters("works") == []
    assert task.plan_rerun(from_steps=["work"])["again"] == ["work"]
    assert task.rerun("once more").status()["rerun_of"] == str(task.id)


@pytest.mark.anyio
async def test_a_template_is_paused_with_its_tasks(client: Client) -> None:
    await client.register(jobs)
    task = await client.submit(jobs, 1)
    assert await client.pause_template("works/job", "why", actor="ann") == Changes(1, {})
    assert (await task.status())["state"] == "paused"
    await task.resume("this one may")
    await task.pause("or not")
    held = {"an operator has paused it": 1}
    latest = f"works/job@{jobs.version}"
    assert await client.resume_template(latest, "over") == Changes(0, held)
    with pytest.raises(InvalidInputError, match="'job' names no template"):
        await client.pause_template("job", "why")


def test_so_it_is_paused_without_an_event_loop(sync_client: SyncClient) -> None:
    sync_client.submit(jobs, 1)
    assert sync_client.pause_template("works/job", "why") == Changes(1, {})
    assert sync_client.resume_template("works/job", "over") == Changes(1, {})
