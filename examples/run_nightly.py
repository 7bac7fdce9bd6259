"""Sets up a nightly schedule, shows when it will fire, and fires it once by hand.

Without TASKER_DATABASE_URL it needs nothing else: on the embedded PostgreSQL, a client also runs
the workflows that it registers. For the nights, run `tasker dev tasker.examples.nightly`; with a
database of your own, `tasker orchestrator` and `tasker worker tasker.examples.nightly`.
"""

from tasker import SyncClient
from tasker.examples.nightly import Closed, books, nightly


def main() -> None:
    with SyncClient() as client:
        client.register(books)
        schedule = client.create_schedule("close_books", nightly, on_conflict="update")
        for night in schedule.next_fires(3):
            print(f"fires at {night:%Y-%m-%d %H:%M} UTC")
        fire = schedule.trigger("to see it work", overlap="allow_all")
        print(client.handle(fire["task_id"]).result(Closed).text)


if __name__ == "__main__":
    main()
