"""The proof that no statement reaches another tenant's schema, made before a process reads its first row.

Poolers differ, and a way that we do not know may take a message apart, move a transaction between server connections,
or let what one client set shine through to another. So two clients each leave a mark of their own where the tenant's
`search_path` goes, and look for it: it must be in the same message and in the same transaction, and it must be in no
other, neither its own next one nor the other client's.
"""

from __future__ import annotations

import re
from contextlib import ExitStack
from threading import Lock
from typing import Any

import psycopg
from psycopg import ClientCursor, Connection

Client = Connection[Any]

_FORBIDS = re.compile(r"not (?:allowed|supported|permitted)|pooling mode", re.IGNORECASE)
_ROUNDS = 4
_PREFIX = "minirag_mark_"
_READ = "SELECT current_setting('search_path')"


class TenantsMayCross(psycopg.OperationalError):
    """The way to PostgreSQL does not keep tenants apart. Nothing is read or written on it."""


_proven: set[tuple[Any, ...]] = set()
_lock = Lock()


def require_proof(parameters: dict[str, Any]) -> None:
    """Prove the way that `parameters` describe, once per process. Raises TenantsMayCross, or psycopg's own error
    where the server does not answer."""
    way = tuple(parameters.get(name) for name in ("host", "port", "dbname"))
    if way in _proven:
        return
    with _lock:
        if way in _proven:
            return
        fault = find_crossing(parameters)
        if fault is not None:
            raise TenantsMayCross(
                f"Tenants could see each other's rows: {fault} See docs/deployment.md on connection poolers."
            )
        _proven.add(way)


def find_crossing(parameters: dict[str, Any]) -> str | None:
    """Return a sentence that says how one client saw the mark of another; None if none did."""
    with ExitStack() as stack:
        clients = [stack.enter_context(_connect(parameters)) for _ in range(2)]
        try:
            for _ in range(_ROUNDS):
                fault = _try_messages(clients) or _try_transactions(clients)
                if fault is not None:
                    return fault
        except psycopg.Error as error:
            if _is_outage(error):
                raise
            return f"what keeps them apart is refused ({str(error).strip().splitlines()[0]})."
    return None


def _is_outage(error: psycopg.Error) -> bool:
    """Whether the way is closed for now (the server ends, starts, has no room, or the pooler cannot reach it).

    PgBouncer says all it has to say under one code of class 08, so there its words decide. Words that we do not know
    are an outage: nothing is proven by it, and nothing read.
    """
    kind = (error.sqlstate or "57")[:2]
    return kind in ("53", "57") or (kind == "08" and not _FORBIDS.search(str(error)))


def shares_server_connections(parameters: dict[str, Any]) -> bool:
    """Whether a pooler lends the same server connection to several clients in turn."""
    read = "SELECT pg_backend_pid()"
    with _connect(parameters) as first, _connect(parameters) as second:
        # Twice in a row: a pooler that goes round would otherwise come by at the same one each time.
        pids = [_ask(client, read) for client in (first, first, second, second) * _ROUNDS]
    of_first, of_second = ({*pids[at::4], *pids[at + 1 :: 4]} for at in (0, 2))
    return len(of_first) > 1 or bool(of_first & of_second)


def _connect(parameters: dict[str, Any]) -> Client:
    plain = {**parameters, "cursor_factory": ClientCursor, "autocommit": True}
    return psycopg.connect(**plain)


def _try_messages(clients: list[Client]) -> str | None:
    for number, client in enumerate(clients):
        if _ask(client, f"{_set_mark(number)}; {_READ}") != f"{_PREFIX}{number}":
            return "what is set with a statement does not reach it."
    return _find_leftover(clients)


def _try_transactions(clients: list[Client]) -> str | None:
    with ExitStack() as stack:
        for number, client in enumerate(clients):
            stack.enter_context(client.transaction())
            client.execute(_set_mark(number))
        for number, client in enumerate(clients):
            if _ask(client, _READ) != f"{_PREFIX}{number}":
                return "a transaction does not stay on one connection of the server."
    return _find_leftover(clients)


def _find_leftover(clients: list[Client]) -> str | None:
    if any(_PREFIX in _ask(client, _READ) for client in clients):
        return "what is set in one transaction is found in the next."
    return None


def _set_mark(number: int) -> str:
    return f"SELECT set_config('search_path', '{_PREFIX}{number}', true)"


def _ask(client: Client, statement: str) -> str:
    """Return the only value of the last statement's only row."""
    cursor = client.execute(statement)
    return str(cursor.set_result(-1).fetchone()[0])  # type: ignore[index]
