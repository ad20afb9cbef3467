"""The whole product as real processes, for the tests that need it: `manage.py up` on servers of this test run."""

from __future__ import annotations

import os
import re
import secrets
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx
import psycopg

from tests.migrated import PRODUCT_DATABASE
from tests.ports import find_port
from tests.servers import is_migrated

CHECKOUT = Path(__file__).resolve().parent.parent


@dataclass
class TenantAccount:
    """A tenant of the running product and an HTTP client with its owner's token."""

    slug: str
    tenant_id: str
    token: str
    email: str
    password: str
    client: httpx.Client
    bot_id: str = ""


@dataclass
class Product:
    """A running installation: PostgreSQL and Redis of the test run, a database of its own, web, worker and beat.

    The database is migrated; starts on an empty one are what `test_supervision.py` and `test_deployment.py` are for.
    """

    directory: Path
    settings: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=find_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def output(self) -> str:
        return (self.directory / "output.log").read_text(errors="replace")

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, **self.settings}

    def start(self) -> None:
        self.settings = {
            "DATABASE_URL": self.settings.get("DATABASE_URL") or make_database(migrated=True),
            "REDIS_URL": os.environ["REDIS_URL"].rsplit("/", 1)[0] + "/5",
            "DATA_DIR": str(self.directory / "data"),
            "WEB_PROCESSES": "1",
            "ALLOW_TENANT_SIGNUP": "true",
            "SIGNUP_RATE": "10000/minute",
            "LOGIN_RATE": "10000/minute",
            "WIDGET_RATE": "100000/minute",
            **dict.fromkeys(
                ("API_RATE", "CHAT_RATE", "TENANT_RATE", "ADDRESS_RATE", "VISITOR_RATE"),
                "100000/minute",
            ),
            "OUTBOUND_ALLOWED_HOSTS": "127.0.0.1",
            **self.settings,
        }
        command = [sys.executable, "manage.py", "up", "--no-demo", "--port", str(self.port)]
        with (self.directory / "output.log").open("wb") as output:
            self.process = subprocess.Popen(
                [*command, "--data-dir", str(self.directory / "data")],
                cwd=CHECKOUT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        deadline = time.monotonic() + 240
        while not re.search(r"is ready on \S+", self.output):
            assert self.process.poll() is None, self.output
            assert time.monotonic() < deadline, self.output
            time.sleep(0.1)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(120)

    def manage(self, *arguments: str, check: bool = True) -> str:
        """Run a manage.py command on this installation; returns what it printed."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=CHECKOUT,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert done.returncode == 0 or not check, done.stdout + done.stderr
        return done.stdout + done.stderr

    def sign_up(self, slug: str) -> TenantAccount:
        email, password = f"owner@{slug}.example.com", "correct horse battery"
        answer = httpx.post(
            f"{self.base_url}/v1/tenants",
            json={
                "tenant_name": slug.title(),
                "tenant_slug": slug,
                "owner_email": email,
                "owner_password": password,
            },
            timeout=120,
        )
        assert answer.status_code == 201, answer.text
        token = answer.json()["api_token"]
        client = httpx.Client(
            base_url=self.base_url, headers={"Authorization": f"Bearer {token}"}, timeout=120
        )
        return TenantAccount(slug, answer.json()["tenant"]["id"], token, email, password, client)

    def make_bot(self, account: TenantAccount, **fields: Any) -> str:
        answer = account.client.post(
            "/v1/bot-profiles", json={"name": f"{account.slug} bot", **fields}
        )
        assert answer.status_code == 201, answer.text
        account.bot_id = account.bot_id or answer.json()["id"]
        return answer.json()["id"]

    def teach_text(
        self, account: TenantAccount, bot_id: str, text: str, name: str = "Notes"
    ) -> str:
        created = account.client.post(
            "/v1/sources",
            json={"bot_profile_id": bot_id, "name": name, "source_type": "text", "content": text},
        )
        assert created.status_code == 201, created.text
        source_id = created.json()["id"]
        assert account.client.post(f"/v1/sources/{source_id}/ingest").status_code == 202
        self.wait_until_ready(account, source_id)
        return source_id

    def upload(self, account: TenantAccount, bot_id: str, path: Path) -> str:
        with path.open("rb") as file:
            answer = account.client.post(
                "/v1/sources/upload",
                data={"bot_profile_id": bot_id},
                files={"file": (path.name, file)},
            )
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    def wait_until_ready(
        self, account: TenantAccount, source_id: str, *, seconds: float = 240
    ) -> dict[str, Any]:
        deadline = time.monotonic() + seconds
        while True:
            source = account.client.get(f"/v1/sources/{source_id}").json()
            if source["status"] == "ready":
                return source
            assert source["status"] != "error", source
            assert time.monotonic() < deadline, (source, self.output[-3000:])
            time.sleep(0.2)


def make_database(*, migrated: bool = False) -> str:
    """Create an empty database on this run's server, or one that is migrated where it can be; returns its URL."""
    url = urlsplit(os.environ["DATABASE_URL"])
    name = f"product_{secrets.token_hex(4)}"
    made_from = f" TEMPLATE {PRODUCT_DATABASE}" if migrated and is_migrated() else ""
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"{made_from}')
    return urlunsplit(url._replace(path=f"/{name}"))


def find_processes(product: Product, *parts: str) -> list[int]:
    """Processes of this product whose command line holds all of `parts`."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()
            environment = (entry / "environ").read_bytes().decode(errors="replace")
        except OSError:
            continue
        ours = product.settings["DATABASE_URL"].rsplit("/", 1)[1] in environment
        if ours and all(part in command for part in parts):
            found.append(int(entry.name))
    return found
