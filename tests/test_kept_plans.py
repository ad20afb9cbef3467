"""Statements whose plan PostgreSQL keeps under a name find what they find otherwise, in every tenant, whatever happens
to the name.
"""

from __future__ import annotations

import sys
from uuid import UUID, uuid4

import pytest
from django.db import DatabaseError, connection, transaction
from django.urls import get_resolver
from psycopg import OperationalError

from bots.models import BotProfile
from minirag.lib.rows import FixedQuery, FixedStatement, fetch_together
from minirag.lib.rows import kept as kept_plans
from minirag.lib.rows.kept import _Plans
from tenants.backend import cursor as cursor_module
from tenants.backend import pool
from tenants.backend.base import DatabaseWrapper
from tenants.backend.cursor import TenantUnproven, mark_of
from tenants.backend.pool import Pool
from tenants.context import tenant_context

NAMES = FixedQuery(
    lambda pk, name: BotProfile.objects.active().filter(pk=pk).exclude(name=name).order_by("name"),
    UUID,
    str,
)


LAYERS = "minirag", "tenants", "bots", "webhooks", "knowledge", "conversations"


@pytest.fixture
def kept(monkeypatch):
    """The names that the connection knows, with how often each was called by any plan."""
    connection.close()
    monkeypatch.setattr(DatabaseWrapper, "keeps_plans", True)
    yield lambda: ask("SELECT name, generic_plans + custom_plans FROM pg_prepared_statements")
    connection.close()


@pytest.fixture
def bot(initech):
    return BotProfile.objects.create(name="Helper")


def ask(sql):
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else []


def find(bot, times=3):
    return [[each.name for each in NAMES.fetch(bot.pk, "Nobody")] for _ in range(times)]


def test_each_tenant_finds_its_own_rows_by_a_name_of_its_own(monkeypatch, acme, globex):
    monkeypatch.setattr(DatabaseWrapper, "keeps_plans", True)
    monkeypatch.setattr(kept_plans, "_is_in_transaction", lambda _: False)
    monkeypatch.setattr(connection.connection, "plans", _Plans(), raising=False)
    bots = {}
    for party, name in ((acme, "Helper"), (globex, "Gardener")):
        with tenant_context(party.tenant):
            bots[party.tenant] = BotProfile.objects.create(name=name)
    (ours, own), (theirs, foreign) = bots.items()
    for _ in range(2):
        with tenant_context(ours):
            assert [find(own), find(foreign)] == [[["Helper"]] * 3, [[]] * 3]
        with tenant_context(theirs):
            assert [find(own), find(foreign)] == [[[]] * 3, [["Gardener"]] * 3]
    names = ask("SELECT name, generic_plans FROM pg_prepared_statements WHERE name LIKE 'kept_%'")
    assert len(names) == 2 and all(calls > 5 for _, calls in names), names
    for name, _ in names:  # were one tenant's ever called in another: its plan is not used
        with tenant_context(theirs):
            assert ask(f"EXECUTE {name} ('{foreign.pk}', '')") and not ask(
                f"EXECUTE {name} ('{own.pk}', '')"
            )
    with tenant_context(ours):
        ask(f'DROP TYPE "{mark_of(ours.pk)}"')
        with pytest.raises(DatabaseError) as refused:
            find(own)  # the proof goes before a name as before a statement
    assert isinstance(refused.value.__cause__, TenantUnproven)


def test_a_name_leads_nowhere_but_into_the_schema_in_force(initech, bot, kept):
    """A tenant that was erased and made anew in a schema of the same name, one after migrations, and one whose name
    another tenant uses: on the same connection, by plans that it kept."""
    find(bot)
    [(name, _)] = kept()
    values = f"'{bot.pk}', 'Nobody'"
    asked = f"EXECUTE {name} ({values})"
    schema = connection.schema_name
    assert ask(asked)
    ask(f'ALTER SCHEMA "{schema}" RENAME TO t_gone')
    try:
        with pytest.raises(DatabaseError) as refused:
            find(bot, 1)
        assert isinstance(refused.value.__cause__, TenantUnproven)
        with tenant_context(None):
            ask(f'CREATE SCHEMA "{schema}"')
            ask(f'CREATE TABLE "{schema}".bots_botprofile (LIKE t_gone.bots_botprofile)')
        with pytest.raises(DatabaseError) as refused:
            find(bot, 1)  # that schema is another's
        assert isinstance(refused.value.__cause__, TenantUnproven)
        with tenant_context(None):
            ask(f'CREATE TYPE {schema}."{mark_of(initech.pk)}" AS ()')
        assert ask(asked) == [] == find(bot, 1)[0]
    finally:
        with tenant_context(None):
            ask(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE')
            ask(f'ALTER SCHEMA t_gone RENAME TO "{schema}"')
    assert ask(asked) and find(bot) == [["Helper"]] * 3


def test_what_is_asked_again_has_a_name_and_what_is_changed_is_so_at_once(bot, kept):
    assert find(bot, 1) == [["Helper"]] and not kept()
    with transaction.atomic():
        assert find(bot) == [["Helper"]] * 3 and not kept()
    assert find(bot) == [["Helper"]] * 3 and kept()[0][1] == 3
    BotProfile.objects.update(name="Renamed")
    assert find(bot) == [["Renamed"]] * 3
    BotProfile.objects.update(is_active=False)
    assert find(bot) == [[]] * 3 and kept()[0][1] == 9


def test_where_a_name_is_not_good_any_more_the_statement_is_sent_whole(bot, kept):
    """As a pooler makes it that lends another connection, or clears this one; or somebody who alters a table."""
    for harm in ("DEALLOCATE ALL", "ALTER TABLE bots_botprofile ALTER COLUMN name TYPE text"):
        connection.close()
        assert find(bot) == [["Helper"]] * 3 and len(kept()) == 1
        ask(harm)
        assert find(bot) == [["Helper"]] * 3
        assert connection.connection.plans.is_over
    [(name, _)] = kept()
    connection.close()
    ask(f"PREPARE {name} AS SELECT 1")  # somebody else was first
    assert find(bot) == [["Helper"]] * 3


def test_a_value_that_cannot_be_sent_is_refused_as_ever_and_costs_no_plan(bot, kept):
    find(bot)
    for _ in range(3):
        with pytest.raises(DatabaseError, match="NUL"):
            fetch_together((NAMES, bot.pk, "\0"))
    assert find(bot) == [["Helper"]] * 3 and not connection.connection.plans.is_over

    another = FixedStatement("SELECT name FROM bots_botprofile WHERE name = %s")
    for name, found in (("Helper", [("Helper",)]), ("\0", None), ("Helper", [("Helper",)])):
        if found is None:
            with pytest.raises(DatabaseError, match="NUL"):
                another.fetch(name)
        else:
            assert another.fetch(name) == found
    assert another.fetch("Helper") and not connection.connection.plans.is_over


def test_every_query_of_ours_can_be_kept(initech):
    """Else the first that asks it a second time on a connection would fail."""
    assert get_resolver().url_patterns  # all is loaded
    ours = [each for name, each in sys.modules.items() if name.split(".")[0] in LAYERS]
    named = [each for module in ours for each in vars(module).values()]
    queries = {each for each in named if isinstance(each, FixedQuery | FixedStatement)}
    assert len(queries) > 15
    refused = []
    for at, query in enumerate(queries):
        with connection.cursor() as cursor:
            written = query if isinstance(query, FixedStatement) else query._written
            named = written._named if written is query else written.named
            try:
                cursor.execute(f"PREPARE every_{at}{query._types} AS {named}")
            except DatabaseError as error:
                refused.append((named, str(error)))
    assert not refused
    connection.close()


def test_a_connection_keeps_no_more_than_so_many(bot, kept, settings):
    settings.DATABASE_KEPT_PLANS = 2
    for number in range(4):
        statement = FixedStatement(f"SELECT name || {number} FROM bots_botprofile WHERE id = %s")
        assert [statement.fetch(bot.pk) for _ in range(3)] == [[(f"Helper{number}",)]] * 3
    assert len(kept()) == 2


def test_kept_and_whole_statements_go_in_one_message_each_with_its_values(bot, kept):
    other = BotProfile.objects.create(name="Gar%sdener")
    named = FixedStatement(
        "SELECT name FROM bots_botprofile WHERE id = ANY(%(ids)s) AND name LIKE '%%e%%' AND %(number)s = %(number)s"
        " ORDER BY name",
        {"number": "int", "ids": "uuid[]"},
    )
    whole = FixedStatement("SELECT %s::int", is_kept=False)
    ids = [bot.pk, other.pk]
    for number in range(4):
        found = fetch_together(
            (whole, number), (named, 7, ids), (NAMES, uuid4(), "x"), (NAMES, None, "x")
        )
        assert found == [[(number,)], [("Gar%sdener",), ("Helper",)], [], []]
    assert len(kept()) == 2


def test_what_is_slow_is_told_as_it_was_written(monkeypatch, bot, kept, settings):
    told = []
    monkeypatch.setattr(cursor_module, "note_slow", lambda text, seconds: told.append(text))
    settings.SLOW_STATEMENT_MS = 20
    slow = FixedStatement("SELECT pg_sleep(%s)")
    for _ in range(3):
        slow.fetch(0.03)
    assert told == ["SELECT pg_sleep(%s)"] * 3 and kept()


@pytest.mark.parametrize("is_shared", [True, False, None])
def test_no_plans_are_kept_where_connections_are_shared_or_that_is_not_known(
    monkeypatch, is_shared
):
    looked = []

    def look(way):
        looked.append(way)
        if is_shared is None:
            raise OperationalError("no room")
        return is_shared

    monkeypatch.setattr(pool, "shares_server_connections", look)
    found = Pool(kwargs={"host": "db"}, open=False, min_size=0, max_size=1)
    found.look()
    found.look()
    assert found.is_direct is (is_shared is False) and looked == [{"host": "db"}]
