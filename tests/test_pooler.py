"""Behind PgBouncer, in both of the modes that we serve in, no tenant meets another; in the third we do not serve."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.pgbouncer import PgBouncer
from tests.product import CHECKOUT, make_database

pytestmark = [pytest.mark.product, pytest.mark.timeout(900)]

REQUESTS = 5_000  # through each of two poolers


@pytest.fixture
def bounce(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., PgBouncer]]:
    """Starts a pooler in a mode in front of a database; by transactions, all clients share four connections."""
    running: list[PgBouncer] = []
    with tempfile.TemporaryDirectory(prefix="minirag-pgbouncer-") as directory:
        Path(directory).chmod(0o711)  # PgBouncer runs as nobody

        def start(mode: str, server_url: str, size: int = 0) -> PgBouncer:
            size = size or (20 if mode == "session" else 4)
            running.append(PgBouncer(server_url, Path(directory) / str(len(running)), mode, size))
            running[-1].start()
            return running[-1]

        yield start
        for pooler in running:
            pooler.stop()


def start_python(pooler: PgBouncer, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=CHECKOUT,
        env={**os.environ, "DATABASE_URL": pooler.url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_ten_thousand_requests_of_two_tenants_meet_no_other_tenant_and_no_500(bounce):
    """New tenants go through the pooler as well, and migrations through the one that shares connections."""
    poolers = [
        bounce("transaction", make_database()),
        bounce("session", make_database(migrated=True)),
    ]
    runs = [start_python(pooler, "-m", "tests.pooler_traffic", str(REQUESTS)) for pooler in poolers]
    for run in runs:
        output, errors = run.communicate(timeout=600)
        assert run.returncode == 0, errors[-3000:]
        wanted = {"worked": REQUESTS * 9 // 10, "status 200": REQUESTS // 10}
        assert json.loads(output) == wanted, errors[-3000:]


@pytest.mark.parametrize(
    ("mode", "words"),
    [("transaction", "through a pooler that shares connections"), ("session", "of our own")],
)
def test_doctor_says_how_postgresql_is_reached(bounce, mode, words):
    doctor = start_python(
        bounce(mode, os.environ["DATABASE_URL"]), "manage.py", "doctor", "--part", "pooler"
    )
    output, _ = doctor.communicate(timeout=600)
    # This run's own database has no tables, so what is said of the marks does not count here.
    assert "could see each other" not in output
    assert words in output or "does not answer" in output, output


@pytest.mark.parametrize(
    "start",
    [
        ("-c", "import minirag.asgi"),
        ("-m", "celery", "--app", "minirag", "worker", "--pool", "solo"),
        ("-m", "celery", "--app", "minirag", "beat"),
        ("manage.py", "doctor", "--part", "pooler"),
    ],
    ids=["web", "worker", "beat", "doctor"],
)
def test_where_tenants_could_cross_nothing_starts_and_doctor_says_why(bounce, start):
    refused = start_python(bounce("statement", os.environ["DATABASE_URL"]), *start)
    output, errors = refused.communicate(timeout=600)
    assert refused.returncode != 0
    assert "could see each other's rows" in output + errors
    assert "deployment.md" in output + errors


def test_a_pooler_that_has_no_connection_left_is_waited_for_and_not_called_a_crossing(bounce):
    """It says so under the same code as that its mode forbids something."""
    started = start_python(
        bounce("transaction", os.environ["DATABASE_URL"], 1), "-c", "import minirag.asgi"
    )
    _, errors = started.communicate(timeout=600)
    assert started.returncode == 0, errors
    assert "PostgreSQL does not answer yet" in errors and "query_wait_timeout" in errors
    assert "could see each other's rows" not in errors
