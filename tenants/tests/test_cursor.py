"""Each statement brings its tenant's path, and the proof that the path leads to the tenant's own schema."""

from __future__ import annotations

import uuid

import pytest
from django.db import DatabaseError, DataError, ProgrammingError, connection, transaction
from psycopg import NotSupportedError, sql

from bots.models import BotProfile
from tenants import schemas
from tenants.backend.cursor import mark_of, open_schema
from tenants.context import Schema, tenant_context
from tenants.models import Tenant

PATH = "SELECT current_setting('search_path')"


def fetch(statement, params=None) -> object:
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        return cursor.fetchone()[0]


def test_a_connection_remembers_no_tenant(in_acme):
    """Whatever the connection was left with, by us or by another client of a pooler, the next statement is right."""
    with connection.cursor() as cursor:
        cursor.execute("SET search_path = t_globex, public")
    assert fetch(PATH) == "t_acme, public"
    with tenant_context(None):
        assert fetch(PATH) == "public"


def test_the_tenant_is_the_one_in_force_when_a_statement_runs_not_when_its_cursor_was_made(
    acme, globex
):
    with tenant_context(globex.tenant):
        cursor = connection.cursor()
    with tenant_context(acme.tenant):
        cursor.execute(PATH)
        assert cursor.fetchone() == ("t_acme, public",)


@pytest.mark.parametrize("query", [PATH, PATH.encode(), sql.SQL(PATH)], ids=["str", "bytes", "sql"])
def test_statements_of_every_type_bring_it(in_acme, query):
    with connection.cursor() as cursor:
        cursor.cursor.execute(query)
        assert cursor.fetchall() == [("t_acme, public",)]


def test_what_goes_alone_takes_nothing_else_along(in_acme):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL search_path = t_globex, public")
        cursor.execute("SAVEPOINT here; SELECT current_setting('search_path')")
        assert cursor.nextset() and cursor.fetchone() == ("t_acme, public",)


def test_a_copy_that_fails_says_so_with_djangos_errors(in_acme):
    """Edges know those alone: psycopg's own, of a disk that fills up in an upload, was a 500."""
    with (
        pytest.raises(DataError),
        transaction.atomic(),
        connection.cursor() as cursor,
        cursor.copy("COPY lex_df (term, df) FROM STDIN") as copy,
    ):
        copy.write_row(("no number", 1))


def test_a_statement_gives_its_own_rows_count_and_columns(in_acme):
    with connection.cursor() as cursor:
        cursor.execute("SELECT n AS number FROM generate_series(1, %s) AS n", [3])
        assert cursor.rowcount == 3 and cursor.description[0].name == "number"
        assert cursor.fetchmany(2) == [(1,), (2,)] and cursor.fetchall() == [(3,)]
        cursor.execute("SELECT 1; SELECT 2")
        assert cursor.fetchone() == (1,) and cursor.nextset() and cursor.fetchone() == (2,)


def test_a_percent_sign_without_parameters_stays_one(in_acme):
    assert fetch("SELECT '100%'") == "100%"


def test_a_transaction_that_failed_can_be_rolled_back_to_its_savepoint(in_acme):
    with pytest.raises(DatabaseError), transaction.atomic():
        fetch("SELECT * FROM no_such_table")
    assert fetch(PATH) == "t_acme, public"


def test_many_rows_at_once_and_copied_rows_land_with_the_tenant(in_acme, globex):
    statement = "INSERT INTO lex_df (term, df) VALUES (%s, %s)"
    with connection.cursor() as cursor:
        cursor.executemany(statement, [(-1, 1), (-2, 1)])
        with cursor.copy("COPY lex_df (term, df) FROM STDIN") as copy:
            copy.write_row((-3, 1))
    assert fetch("SELECT count(*) FROM lex_df WHERE term < 0") == 3
    with tenant_context(globex.tenant):
        assert fetch("SELECT count(*) FROM lex_df WHERE term < 0") == 0


def test_outside_of_a_transaction_many_rows_bring_one(in_acme):
    apart = connection.copy()  # the test's own connection is in a transaction
    try:
        with apart.cursor() as cursor:
            cursor.executemany("INSERT INTO lex_df (term, df) VALUES (%s, 1)", [(-1,), (-2,)])
            with cursor.copy("COPY lex_df (term, df) FROM STDIN") as copy:
                copy.write_row((-3, 1))
            assert apart.connection.info.transaction_status.name == "IDLE"
            cursor.execute("DELETE FROM lex_df WHERE term < 0 RETURNING term")
            assert sorted(cursor.fetchall()) == [(-3,), (-2,), (-1,)]
            cursor.execute("VACUUM t_acme.lex_df")
    finally:
        apart.close()


def status_of(connection):
    return connection.connection.info.transaction_status.name


def test_a_transaction_begins_with_its_first_statement_and_in_the_same_message(in_acme):
    message = "SELECT current_query()"
    apart = connection.copy()
    try:
        with apart.cursor() as cursor:
            apart.set_autocommit(False)
            assert status_of(apart) == "IDLE"
            cursor.execute(message)
            [sent] = cursor.fetchone()
            assert sent.startswith("BEGIN; SELECT set_config(") and sent.endswith(message)
            cursor.execute("INSERT INTO lex_df (term, df) VALUES (-1, 1)")
            assert status_of(apart) == "INTRANS"
            cursor.execute(message)
            assert "BEGIN" not in cursor.fetchone()[0]
            apart.rollback()
            assert status_of(apart) == "IDLE"
            cursor.execute("SELECT count(*) FROM lex_df WHERE term < 0")
            assert cursor.fetchone() == (0,)
            apart.rollback()
    finally:
        apart.close()


def test_a_transaction_is_not_left_behind_open(in_acme):
    apart = connection.copy()
    try:
        apart.set_autocommit(False)
        with apart.cursor() as cursor:
            cursor.execute("SELECT 1")
        with pytest.raises(ProgrammingError):
            apart.set_autocommit(True)
        apart.rollback()
        apart.set_autocommit(True)
    finally:
        apart.close()


@pytest.mark.parametrize("first", ["SAVEPOINT here", "DELETE FROM lex_df WHERE term = %s", "COPY"])
def test_whatever_comes_first_is_in_the_transaction(in_acme, first):
    apart = connection.copy()
    try:
        apart.set_autocommit(False)
        with apart.cursor() as cursor:
            if first == "COPY":
                with cursor.copy("COPY lex_df (term, df) FROM STDIN") as copy:
                    copy.write_row((-3, 1))
            elif "%s" in first:
                cursor.executemany(first, [(-1,), (-2,)])
            else:
                cursor.execute(first)
            assert status_of(apart) == "INTRANS"
            cursor.execute("SELECT current_setting('search_path')")
            assert cursor.fetchone() == ("t_acme, public",)
            apart.rollback()
    finally:
        apart.close()


def test_rows_are_never_read_one_by_one_from_the_server(in_acme):
    BotProfile.objects.create(name="Helper")
    assert [bot.name for bot in BotProfile.objects.iterator(chunk_size=1)] == ["Helper"]
    with connection.chunked_cursor() as cursor:
        cursor.execute(PATH)
        assert cursor.fetchone() == ("t_acme, public",)
    with connection.cursor() as cursor, pytest.raises(NotSupportedError):
        next(cursor.stream("SELECT 1"))


# --- The mark -------------------------------------------------------------------------------------------------------
def test_a_schema_that_is_another_tenants_is_an_error_and_no_answer(acme, globex):
    """As after a backup that was restored in the wrong place: the path is right, what it leads to is not."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER SCHEMA t_acme RENAME TO t_kept")
        cursor.execute("ALTER SCHEMA t_globex RENAME TO t_acme")
    for read in (lambda: list(BotProfile.objects.all()), lambda: fetch("SELECT 1")):
        with (
            tenant_context(acme.tenant),
            pytest.raises(DatabaseError, match="tenant"),
            transaction.atomic(),
        ):
            read()


def test_a_schema_without_a_mark_or_no_schema_at_all_is_an_error(acme):
    with connection.cursor() as cursor:
        cursor.execute(f'DROP TYPE t_acme."{mark_of(acme.tenant.pk)}"')
    nowhere = Tenant(slug="nowhere", schema_name="t_nowhere")
    for tenant in (acme.tenant, nowhere, Schema("t_nowhere")):
        # Public has a table of this name as well, which would be read in the missing one's place.
        with tenant_context(tenant), pytest.raises(DatabaseError), transaction.atomic():
            fetch("SELECT count(*) FROM django_admin_log")


def test_migrate_marks_the_schemas_of_earlier_releases_and_no_other(acme, globex):
    with connection.cursor() as cursor:
        cursor.execute(f'DROP TYPE t_acme."{mark_of(acme.tenant.pk)}"')
        cursor.execute(f'DROP TYPE t_globex."{mark_of(globex.tenant.pk)}"')
        cursor.execute(f'CREATE TYPE t_globex."{mark_of(uuid.uuid4())}" AS ()')
    unmarked, foreign = schemas.find_unmarked()
    assert ([tenant.slug for tenant in unmarked], [tenant.slug for tenant in foreign]) == (
        ["acme"],
        ["globex"],
    )
    assert schemas.mark_schemas() == 1
    with tenant_context(acme.tenant):
        assert fetch("SELECT 1") == 1
    with tenant_context(globex.tenant), pytest.raises(DatabaseError), transaction.atomic():
        fetch("SELECT 1")


def test_a_tenant_that_is_erased_meanwhile_does_not_keep_migrate_from_marking_the_others(
    acme, monkeypatch
):
    gone = Tenant(slug="a-gone", schema_name="t_a_gone")
    with connection.cursor() as cursor:
        cursor.execute(f'DROP TYPE t_acme."{mark_of(acme.tenant.pk)}"')
    monkeypatch.setattr(schemas, "find_unmarked", lambda: ([gone, acme.tenant], []))
    assert schemas.mark_schemas() == 1


def test_a_name_that_could_be_more_than_a_name_is_refused():
    with (
        tenant_context(Schema("t_a'; DROP SCHEMA t_b; --")),
        pytest.raises(ValueError, match="name"),
    ):
        open_schema()


def test_a_schema_that_another_migrate_marked_meanwhile_is_passed_over(acme, globex, monkeypatch):
    monkeypatch.setattr(schemas, "find_unmarked", lambda: ([acme.tenant, globex.tenant], []))
    assert schemas.mark_schemas() == 0
