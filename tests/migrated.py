"""A PostgreSQL data directory with migrated databases in it, made once for each state of the migrations.

Running the migrations takes 7 s of computing; a copy of their outcome a tenth of one. Each test run copies the
directory for a server of its own. It lies beside what an installation keeps and is never used by one.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from minirag.local.embedded import PostgresServer

CHECKOUT = Path(__file__).resolve().parent.parent
KEPT = CHECKOUT / ".data" / "migrated"
TEST_DATABASE = "test_minirag"
"""What Django calls the database of a test run."""
PRODUCT_DATABASE = "migrated"
"""Nobody is connected to it, so a product's database can be made from it."""
UNSAFE_BUT_FAST = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


def copy_migrated(directory: Path, environment: dict[str, str]) -> bool:
    """Put the data of a server with the migrated databases into `directory`, which is not there yet.

    False where they cannot be made or are another user's: the run then migrates by itself, and shows what is wrong.
    """
    try:
        with _alone():
            kept = KEPT / compute_digest()
            if not kept.exists() and not _make(kept, environment):
                return False
            subprocess.run(["cp", "-a", str(kept), str(directory)], check=True)
    except (OSError, subprocess.CalledProcessError):
        shutil.rmtree(directory, ignore_errors=True)
        return False
    return True


def fill_data_directory(directory: Path) -> bool:
    """Let the first `manage.py up` in this DATA_DIR find its database migrated, where that can be had."""
    directory.mkdir(parents=True, exist_ok=True)
    postgres = directory / "postgres"
    if not copy_migrated(postgres, {}):
        return False
    server = PostgresServer(postgres, directory / "postgres.log", flags=UNSAFE_BUT_FAST)
    server.start()
    try:
        own = urlsplit(server.url).path[1:]
        elsewhere = server.url.rpartition("/")[0] + f"/{TEST_DATABASE}"
        with psycopg.connect(elsewhere, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {own}")
            connection.execute(f"ALTER DATABASE {PRODUCT_DATABASE} RENAME TO {own}")
    finally:
        server.stop()
    return True


def compute_digest() -> str:
    """Of everything that decides what the migrations leave behind."""
    digest = hashlib.sha256()
    paths = [*CHECKOUT.glob("*/migrations/*.py"), *CHECKOUT.glob("requirements*.txt")]
    paths += [
        CHECKOUT / "minirag/settings.py",
        CHECKOUT / "minirag/lib/bounds.py",
        *(CHECKOUT / "minirag/local/embedded").glob("*.py"),
        *(CHECKOUT / "tenants/backend").glob("*.py"),
        CHECKOUT / "tenants/schemas.py",
        Path(__file__),
    ]
    for path in sorted(paths):
        digest.update(f"{path.relative_to(CHECKOUT)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:32]


@contextmanager
def _alone() -> Iterator[None]:
    """Of the runs that begin side by side the first makes the directory, and the others wait for it."""
    KEPT.mkdir(parents=True, exist_ok=True)
    with (KEPT / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _make(kept: Path, environment: dict[str, str]) -> bool:
    with tempfile.TemporaryDirectory(prefix="minirag-migrated-") as made:
        Path(made).chmod(0o711)  # the unprivileged user that PostgreSQL runs as passes
        server = PostgresServer(
            Path(made) / "postgres", Path(made) / "postgres.log", flags=UNSAFE_BUT_FAST
        )
        server.start()
        try:
            if not _migrate(server.url, environment):
                return False
        finally:
            server.stop()
        for outdated in KEPT.iterdir():
            if outdated.is_dir():
                shutil.rmtree(outdated)
        draft = KEPT / "new"  # what a killed run has left of one is outdated too
        subprocess.run(["cp", "-a", str(Path(made) / "postgres"), str(draft)], check=True)
        draft.rename(kept)
    return True


def _migrate(url: str, environment: dict[str, str]) -> bool:
    """Migrate a database as a test run names it, and copy it for products; False where that fails."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {TEST_DATABASE}")
    done = subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
        cwd=CHECKOUT,
        env={
            **os.environ,
            **environment,
            "DATABASE_URL": url.rpartition("/")[0] + f"/{TEST_DATABASE}",
        },
        capture_output=True,
        check=False,
        timeout=600,
    )
    if done.returncode:
        return False
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {PRODUCT_DATABASE} TEMPLATE {TEST_DATABASE}")
    return True
