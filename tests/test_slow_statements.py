"""What takes the database's time is told without a value that was in it, and cheaply."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test import Client
from redis import Redis

from minirag.operations.slow_statements import find_slow_statements
from tenants.backend import slowness
from tenants.backend.slowness import list_slow, normalise, note_slow

PAGE = "/admin/django_celery_beat/periodictask/slow-statements/"
SAID = "my-mother-has-measles"


@pytest.fixture(autouse=True)
def _none_yet(settings) -> None:
    client = Redis.from_url(settings.REDIS_URL)
    for key in client.scan_iter("minirag:slow:*"):
        client.delete(key)


def test_a_slow_statement_is_counted_by_its_text_without_values_or_tenant(in_acme, settings):
    settings.SLOW_STATEMENT_MS = 30
    with connection.cursor() as cursor:
        for said in (SAID, "something else"):
            cursor.execute("SELECT pg_sleep(0.05), %s::text", [said])
        cursor.execute("SELECT 1")
    (found,) = [each for each in list_slow() if "pg_sleep" in each.text]
    assert found.text == "SELECT pg_sleep(?), %s::text" and found.calls == 2
    assert 45 < found.mean <= found.most < 5000


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("SELECT 'it''s' ,  E'a\\'b', 4711, 1.5", "SELECT ? , ?, ?, ?"),
        ("SELECT x1 FROM t WHERE id IN (%s, %s, %s)", "SELECT x1 FROM t WHERE id IN (…)"),
        ("DO $x$ secret $x$", "DO ?"),
        ('INSERT INTO "t_acme"."chat" VALUES (1)', 'INSERT INTO tenant."chat" VALUES (?)'),
        ("SELECT '" + "a" * 100_000, "SELECT ?"),
        (r"SELECT 'C:\', 'my mother'", "SELECT ?, ?"),
        ("SELECT E'" + r"\'" * 5000, "SELECT ?"),
        ("SELECT a -- it's\n, 'my mother' /* don't */", "SELECT a , ?"),
        ("""SELECT "it's 1", 'my mother'""", """SELECT "it's 1", ?"""),
        ("DO $x$ cut off", "DO ?"),
    ],
)
def test_no_value_is_left_in_a_statement(written, kept):
    assert len(normalise(written)) <= slowness._LONGEST
    assert normalise(written) == kept


def test_a_slow_statement_is_counted_behind_sentinels_and_never_fails_for_it(db, settings):
    settings.REDIS_URL, settings.SLOW_STATEMENT_MS = "sentinel://127.0.0.1:9/0?master=minirag", 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT 7")
        assert cursor.fetchone() == (7,)


def test_of_endlessly_many_the_rest_are_counted_together_and_without_redis_nobody_fails(
    db, monkeypatch, settings
):
    monkeypatch.setattr(slowness, "_MOST", 3)
    for number in range(10):
        note_slow(f"SELECT {'x' * (number + 1)}", 1.0)
    found = {each.text: each.calls for each in list_slow()}
    assert len(found) == 4 and found["others"] == 7
    settings.REDIS_URL = "redis://127.0.0.1:9/0"
    note_slow("SELECT x", 1.0)
    assert find_slow_statements() == ([], False)


def test_an_operator_reads_them_and_whether_postgresql_has_counted(olga, db):
    client = Client()
    client.force_login(olga)
    note_slow("SELECT answer FROM chats", 2.0)
    shown = client.get(PAGE).content.decode()
    assert "no pg_stat_statements here" in shown and "SELECT answer FROM chats" in shown
    assert (
        "/slow-statements/"
        in client.get(PAGE.replace("slow-statements", "health")).content.decode()
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE VIEW pg_stat_statements AS SELECT oid AS dbid, 'SELECT ''x'' FROM counted' AS query,"
            " 7::bigint AS calls, 70.0::float8 AS total_exec_time, 30.0::float8 AS max_exec_time"
            " FROM pg_database WHERE datname = current_database()"
        )
    shown = client.get(PAGE).content.decode()
    assert "SELECT ? FROM counted" in shown and "7 ×, 10 ms each, 30 ms at most" in shown
    assert "answer FROM chats" not in shown


def test_a_tenants_people_do_not_see_them(as_bob, acme):
    assert as_bob.get(PAGE).status_code in (302, 403, 404)
    assert as_bob.get(f"/t/{acme.slug}{PAGE}").status_code in (302, 403, 404)
