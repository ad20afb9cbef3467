"""The pool notices at once that a server went away, and that it is back."""

from __future__ import annotations

import socket
import time
from collections import Counter
from collections.abc import Iterator

import psycopg
import pytest
from django.db import connection
from psycopg_pool import PoolTimeout

from minirag.lib.metrics import counted
from tenants.backend.pool import Pool, is_alive


@pytest.fixture
def pool(acme) -> Iterator[Pool]:
    parameters = {**connection.get_connection_params(), "autocommit": True}
    with Pool(kwargs=parameters, min_size=1, max_size=4, timeout=60, open=False) as pool:
        yield pool


def end_sessions(*connections: psycopg.Connection) -> None:
    """As a server that is shut down does."""
    with connection.cursor() as cursor:
        for other in connections:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [other.info.backend_pid])


def test_connections_that_were_cut_meanwhile_are_never_handed_out(pool):
    idle = [pool.getconn() for _ in range(4)]
    for one in idle:
        pool.putconn(one)
    end_sessions(*idle)
    found = [pool.getconn() for _ in range(4)]
    assert not {id(one) for one in found} & {id(one) for one in idle}
    assert [one.execute("SELECT 1").fetchone() for one in found] == [(1,)] * 4
    for one in found:
        pool.putconn(one)


def test_a_connection_that_only_had_something_to_say_is_alive(pool):
    one = pool.getconn()
    with connection.cursor() as cursor:
        one.execute("LISTEN somebody")
        cursor.execute("SELECT pg_notify('somebody', 'hello')")
        assert is_alive(one)
    end_sessions(one)
    assert not is_alive(one)
    one.close()
    assert not is_alive(one)
    pool.putconn(one)


def test_who_waits_for_a_server_that_refuses_is_told_soon_and_again_each_time(acme):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        port = nobody.getsockname()[1]
    parameters = {**connection.get_connection_params(), "autocommit": True}
    refusing = {**parameters, "host": "127.0.0.1", "port": port}
    with Pool(kwargs=refusing, min_size=1, max_size=2, timeout=3600, open=False) as pool:
        for _ in range(3):
            with pytest.raises(PoolTimeout):
                pool.getconn()
        pool.kwargs = parameters  # it is back
        one = pool.getconn()
        assert one.execute("SELECT 1").fetchone() == (1,)
        pool.putconn(one)


def test_who_has_a_connection_who_waits_and_what_is_idle_is_counted(pool, monkeypatch):
    told: Counter[str] = Counter()
    waits: list[float] = []
    monkeypatch.setattr(counted, "note_pool", lambda state, change: told.update({state: change}))
    monkeypatch.setattr(counted, "note_pool_idle", lambda number: told.update(idle=number))
    monkeypatch.setattr(counted, "note_pool_wait", waits.append)
    taken = [pool.getconn() for _ in range(4)]
    assert (told["in_use"], told["waiting"]) == (4, 0)
    with pytest.raises(PoolTimeout):
        pool.getconn(timeout=0.3)
    assert (told["in_use"], told["waiting"]) == (4, 0) and waits[-1] >= 0.3
    for one in taken:
        pool.putconn(one)
    assert (told["in_use"], told["waiting"]) == (0, 0) and told["idle"] >= 1


def test_of_a_process_that_became_quiet_the_idle_ones_are_counted_all_the_same(acme, monkeypatch):
    told: list[int] = []
    parameters = {**connection.get_connection_params(), "autocommit": True}
    with Pool(kwargs=parameters, min_size=0, max_size=3, max_idle=0.2, open=False) as pool:
        taken = [pool.getconn() for _ in range(3)]
        monkeypatch.setattr(counted, "note_pool_idle", told.append)
        for one in taken:
            pool.putconn(one)
        for _ in range(100):
            if told[-1:] == [0] and 3 in told:
                break
            time.sleep(0.05)
        assert told[-1] == 0 and 3 in told, told
