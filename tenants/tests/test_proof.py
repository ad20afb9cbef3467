"""Before the first row is read, two clients look for each other's marks."""

from __future__ import annotations

import re

import psycopg
import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from psycopg import ClientCursor
from psycopg.errors import FeatureNotSupported, InsufficientPrivilege, ProtocolViolation

from minirag.operations import checks, diagnosis
from tenants.backend import proof
from tenants.backend.proof import (
    TenantsMayCross,
    find_crossing,
    require_proof,
    shares_server_connections,
)


@pytest.fixture
def way(acme) -> dict:
    return connection.get_connection_params()


def test_a_direct_way_is_proven_once(way, monkeypatch):
    assert find_crossing(way) is None and not shares_server_connections(way)
    require_proof(way)
    monkeypatch.setattr(proof, "find_crossing", lambda way: pytest.fail("it was proven before"))
    require_proof(way)


def test_a_mark_that_is_found_in_the_next_transaction_is_a_crossing(way, monkeypatch):
    """A server that starts each session with another client's path plays a pooler that hands it on."""
    leaking = {**way, "options": "-c search_path=minirag_mark_0"}
    assert find_crossing(leaking) == "what is set in one transaction is found in the next."
    monkeypatch.setattr(proof, "_proven", set())
    for _ in range(2):
        with pytest.raises(TenantsMayCross, match="found in the next"):
            require_proof(leaking)


class Splitting(ClientCursor):
    """Plays a pooler that takes messages apart, or moves a transaction between connections of the server."""

    apart = "; "

    def execute(self, query, params=None, **options):
        for statement in query.split(self.apart):
            super().execute(statement, params, **options)
            if "set_config" in statement and "current_setting" not in statement:
                super().execute("SELECT set_config('search_path', 'public', true)")
        return self


def test_what_does_not_arrive_with_its_statement_or_transaction_is_a_crossing(way, monkeypatch):
    monkeypatch.setattr(proof, "ClientCursor", Splitting)
    assert find_crossing(way) == "what is set with a statement does not reach it."
    monkeypatch.setattr(Splitting, "apart", "never")
    assert find_crossing(way) == "a transaction does not stay on one connection of the server."


class Refusing(ClientCursor):
    """Plays PgBouncer, whose refusals all have one code, whatever they mean."""

    error: psycopg.Error
    from_call = 1
    calls = 0

    def execute(self, query, params=None, **options):
        Refusing.calls += 1
        if Refusing.calls >= self.from_call:
            raise self.error
        return super().execute(query, params, **options)


@pytest.mark.parametrize("from_call", [1, 2, 5])
@pytest.mark.parametrize(
    "words",
    [
        "query_wait_timeout",
        "server login has been failing, try again later (server_login_retry)",
        "server conn crashed?",
        "pgbouncer cannot connect to server",
        "the database system is shutting down",
        "something that we have never read",
    ],
)
def test_a_pooler_whose_server_is_away_is_an_outage_and_proves_nothing(
    way, monkeypatch, words, from_call
):
    monkeypatch.setattr(proof, "ClientCursor", Refusing)
    monkeypatch.setattr(proof, "_proven", set())
    monkeypatch.setattr(Refusing, "error", ProtocolViolation(words), raising=False)
    monkeypatch.setattr(Refusing, "from_call", from_call)
    monkeypatch.setattr(Refusing, "calls", 0)
    with pytest.raises(psycopg.OperationalError, match=re.escape(words)) as told:
        require_proof(way)
    assert not isinstance(told.value, TenantsMayCross) and not proof._proven
    monkeypatch.setattr(Refusing, "from_call", 10**9)  # it is back
    require_proof(way)


@pytest.mark.parametrize(
    "error",
    [
        ProtocolViolation("transaction blocks not allowed in statement pooling mode"),
        ProtocolViolation("FATAL: Transactions are not supported"),
        FeatureNotSupported("set_config is not for you"),
        InsufficientPrivilege("no"),
    ],
)
def test_a_pooler_that_refuses_what_keeps_them_apart_is_a_crossing(way, monkeypatch, error):
    monkeypatch.setattr(proof, "ClientCursor", Refusing)
    monkeypatch.setattr(proof, "_proven", set())
    monkeypatch.setattr(Refusing, "error", error, raising=False)
    monkeypatch.setattr(Refusing, "calls", 0)
    for _ in range(2):
        with pytest.raises(TenantsMayCross, match="refused"):
            require_proof(way)


def test_processes_refuse_to_start_on_such_a_way_and_wait_for_a_server_that_is_away(monkeypatch):
    def fail(error):
        def require(way):
            raise error

        monkeypatch.setattr(checks, "require_proof", require)

    fail(psycopg.OperationalError("the database system is starting up"))
    checks.require_tenants_apart()
    fail(TenantsMayCross("Tenants could see each other's rows."))
    with pytest.raises(ImproperlyConfigured, match="could see"):
        checks.require_tenants_apart()


def test_doctor_names_a_crossing_and_tenants_without_their_mark(acme, globex, monkeypatch):
    assert diagnosis.check_pooler().detail == "tenants stay apart, on connections of our own"
    with connection.cursor() as cursor:
        cursor.execute(f'ALTER TYPE t_acme."tenant {acme.tenant.pk}" SET SCHEMA t_globex')
    finding = diagnosis.check_pooler()
    assert (finding.state, "globex" in finding.detail) == (diagnosis.FAIL, True)
    with connection.cursor() as cursor:
        cursor.execute(f'DROP TYPE t_globex."tenant {acme.tenant.pk}"')
    finding = diagnosis.check_pooler()
    assert (finding.detail, finding.remedy) == (
        "schemas without their tenant's mark: acme", "Run manage.py migrate.",
    )  # fmt: skip
    monkeypatch.setattr(diagnosis, "find_crossing", lambda way: "a mark went astray.")
    assert diagnosis.check_pooler().state == diagnosis.FAIL
