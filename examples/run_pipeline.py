"""A whole program without an event loop: runs the pipeline once and prints what it found.

Without TASKER_DATABASE_URL it needs nothing else: on the embedded PostgreSQL, a client also runs
the workflows that it registers. With one, run `tasker worker tasker.examples.pipeline` beside it.
"""

from tasker import SyncClient
from tasker.examples.pipeline import Finding, compare_with_published, penguins


def main() -> None:
    with SyncClient() as client:
        client.register(penguins)
        finding = client.submit(penguins, {}).result(Finding)
    print(finding.text)
    for disagreement in compare_with_published(finding):
        print(f"not as published: {disagreement}")


if __name__ == "__main__":
    main()
