"""The outside of compositions: what reads from HTTP endpoints, writes to tables, emits events, and knows secrets.

Each part does one thing for one primitive, and fails as that primitive declares (`tasker_grammar.world.ActionFailed`):

- `resources_file` reads the resources that may be named; `secrets` finds what stands for `{"$secret": name}`.
- `http.acquire` reads from an endpoint: `web` keeps the connections, `addresses` says where they may lead,
  `http_requests` makes requests, `http_answers` reads what comes back, `pages` puts lists together.
- `tables.write_rows` writes to a table: `table_shape` knows what it looks like in the database, `table_values` what
  may stand in it, `databases` keeps connections to other databases than Tasker's.
- `events.emit` sends an event.

Nothing here knows of steps or tasks: the world of a step puts these together.
"""
