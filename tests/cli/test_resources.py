"""`tasker resources …`: files, and what a database says to them."""

import json

import pytest
import yaml

FILE = """
endpoints:
  order:
    base_url: https://shop.example
    headers: { Authorization: { $secret: shop_token } }
tables:
  orders:
    schema: shop
    table: orders
    row:
      type: object
      properties:
        id: { type: string, format: uuid }
        total: { type: number }
        state: { enum: [new, paid] }
        note: { type: [string, "null"], maxLength: 20 }
        tags: { type: [array, "null"], items: { type: string } }
      required: [id, state]
      additionalProperties: false
    key: [id]
events:
  order_paid: { payload: true, description: Somebody has paid. }
"""
TABLE = """
create schema shop;
create type shop.state as enum ('new', 'paid');
create table shop.orders (id uuid primary key, total numeric, state shop.state not null, note varchar(20),
    tags text[], no bigint generated always as identity, at timestamptz not null default now(), unique (state, note));
"""

NOWHERE = "host=/nowhere password=hunter2 connect_timeout=1"
GENERATED = "alter table shop.orders add column total int generated always as (1) stored"


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "resources.yaml"
    path.write_text(FILE)
    return path


@pytest.fixture
def shop(connection):
    connection.execute(TABLE)
    return connection


def test_a_file_is_checked_without_a_database(cli, file, monkeypatch):
    monkeypatch.setenv("TASKER_SECRET_SHOP_TOKEN", "hunter2")
    ran = cli("resources", "check", file, TASKER_DATABASE_URL=None)
    assert (ran.code, ran.out) == (0, "")
    assert "database" not in ran.err
    file.write_text(FILE.replace("key: [id]", "key: [no]"))
    ran = cli("resources", "check", file, TASKER_DATABASE_URL=None)
    assert ran.code == 1
    assert f"{file}:" in ran.out and "[R505]" in ran.out
    ran = cli("resources", "check", file, "-o", "json", TASKER_DATABASE_URL=None)
    [found] = ran.json
    assert (found["code"], found["path"], found["line"]) == ("R505", "/tables/orders/key/0", 20)


def test_a_table_that_is_as_it_is_said(cli, file, shop):
    ran = cli("resources", "check", file, TASKER_SECRET_SHOP_TOKEN="hunter2")
    assert (ran.code, ran.out) == (0, "")
    assert "held against the database" in ran.err


@pytest.mark.parametrize("without", [{}, {"TASKER_DATABASE_URL": None}])
def test_a_secret_that_is_not_there(cli, file, shop, without):
    ran = cli("resources", "check", file, **without)
    assert ran.code == 0
    assert "TASKER_SECRET_SHOP_TOKEN is not set" in ran.out and "[R508]" in ran.out
    assert cli("resources", "check", file, "--strict", **without).code == 1


def test_a_secret_that_others_may_read(cli, file, tmp_path):
    secret = tmp_path / "shop_token"
    secret.write_text("hunter2")
    secret.chmod(0o644)
    tmp_path.chmod(0o755)
    around = {"TASKER_DATABASE_URL": None, "TASKER_SECRETS": str(tmp_path)}
    ran = cli("resources", "check", file, **around)
    assert ran.code == 0
    assert f"{file}:5: warning: everybody may read the secret shop_token in {secret}" in ran.out
    assert (
        f"Run: chmod 600 {secret}. [R511]" in ran.out
        or f"Run: chmod 600 {secret} [R511]" in ran.out
    )
    secret.chmod(0o600)
    assert cli("resources", "check", file, **around).out == ""


@pytest.mark.parametrize(
    ("change", "code", "said"),
    [
        ("drop table shop.orders", "R506", "there is no table shop.orders"),
        ("alter table shop.orders drop constraint orders_pkey", "R506", "over (id). There are: (note, state)"),
        ("alter table shop.orders rename column total to totals", "R506", 'no column total. Did you mean "totals"?'),
        ("alter table shop.orders alter total type boolean using true", "R506", "total is boolean"),
        ("alter table shop.orders alter tags type text using ''", "R506", "tags is text"),
        ("alter table shop.orders alter note set not null", "R506", "note is character varying(20)"),
        ("alter table shop.orders add column more text not null", "R506", "column more has no default"),
        ("alter table shop.orders drop column total; " + GENERATED, "R506", "total cannot be written"),
    ],
)  # fmt: skip
def test_a_table_that_is_not(cli, file, shop, change, code, said):
    shop.execute(change)
    ran = cli("resources", "check", file, TASKER_SECRET_SHOP_TOKEN="hunter2")
    assert ran.code == 1
    assert said in ran.out and f"[{code}]" in ran.out, ran.out


def test_what_a_column_may_refuse_is_a_warning(cli, file, shop):
    shop.execute("alter table shop.orders alter note type varchar(19)")
    ran = cli("resources", "check", file, TASKER_SECRET_SHOP_TOKEN="hunter2")
    assert ran.code == 0
    assert "warning: note is character varying(19)" in ran.out and "[R506]" in ran.out


def test_a_login_that_may_not_write(cli, file, shop, database):
    shop.execute("create role shop_reader login; grant usage on schema shop to shop_reader")
    shop.execute("grant select, insert on shop.orders to shop_reader")
    try:
        url = f"{database} user=shop_reader"
        ran = cli("resources", "check", file, "--url", url, TASKER_SECRET_SHOP_TOKEN="hunter2")
        assert ran.code == 1
        assert "may not update on shop.orders" in ran.out and "[R507]" in ran.out
    finally:
        shop.execute("drop owned by shop_reader; drop role shop_reader")


def test_a_table_of_another_database(cli, file, shop, database):
    file.write_text(
        FILE.replace("    schema: shop", "    schema: shop\n    database: { $secret: books }")
    )
    ran = cli(
        "resources", "check", file, TASKER_SECRET_SHOP_TOKEN="x", TASKER_SECRET_BOOKS=database
    )
    assert (ran.code, ran.out) == (0, "")
    ran = cli(
        "resources",
        "check",
        file,
        TASKER_SECRET_SHOP_TOKEN="x",
        TASKER_SECRET_BOOKS="host=/nowhere password=hunter2 connect_timeout=1",
    )
    assert "does not answer" in ran.out
    assert "hunter2" not in ran.out + ran.err


def test_an_imported_table_passes_the_check(cli, file, shop):
    ran = cli("resources", "import", "shop.orders", COLUMNS="80")
    assert ran.code == 0
    file.write_text(ran.out)
    assert cli("resources", "check", file, "--strict").out == ""
    entry = yaml.safe_load(ran.out)["tables"]["orders"]
    assert entry["key"] == ["id"]
    assert entry["row"]["required"] == ["id", "state"]
    assert entry["row"]["properties"] == {
        "id": {"type": "string", "format": "uuid"},
        "total": {"type": ["number", "null"]},
        "state": {"enum": ["new", "paid"]},
        "note": {"type": ["string", "null"], "maxLength": 20},
        "tags": {"type": ["array", "null"], "items": {"type": "string"}},
        "at": {"type": "string", "format": "date-time"},
    }
    assert cli("resources", "import", "shop.orders", "-o", "json").json["tables"]["orders"] == entry


def test_what_cannot_be_imported(cli, connection):
    connection.execute("create table heap (a int)")
    assert cli("resources", "import", "heap").code == 4
    assert cli("resources", "import", "nothing").code == 3
    assert cli("resources", "import", 'heap"; drop table heap; --').code == 3


def test_resources_are_listed_and_shown(cli, file):
    assert cli("resources", "list", file, "-o", "ids").ids == ["order", "orders", "order_paid"]
    ran = cli("resources", "list", file)
    assert "GET https://shop.example/" in ran.out and "shop.orders by (id)" in ran.out
    ran = cli("resources", "show", file, "order", "-o", "json")
    assert ran.json["headers"] == {"Authorization": {"$secret": "shop_token"}}
    assert yaml.safe_load(cli("resources", "show", file, "order").out) == {"order": ran.json}
    ran = cli("resources", "show", file, "orderz")
    assert (ran.code, "Did you mean" in ran.err) == (3, True)


def test_a_file_that_is_none(cli, tmp_path):
    ran = cli("resources", "list", tmp_path / "none.yaml")
    assert ran.code == 2 and "none.yaml" in ran.err
    assert (
        json.loads(cli("resources", "check", tmp_path / "none.yaml", "-o", "json").out)[0]["code"]
        == "P004"
    )
