"""The product under measurement: `manage.py up` with servers of its own in a temporary directory, and its provider."""

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
from types import TracebackType

import httpx

from bench.processes import find_processes, list_descendants, read_cpu_seconds
from minirag.local.embedded.processes import die_with_parent, find_free_port
from tests.product import CHECKOUT, Product, TenantAccount

DEMO = CHECKOUT / "minirag" / "local" / "demo" / "acme"
DOCUMENTS = ("product-handbook.md", "support-faq.md")
QUIET_SECONDS, QUIET_MS = 10, 150  # so long each second with less CPU than that
_OURS = ("DATABASE_URL", "REDIS_URL", "DATABASE_POOL_SIZE", "DJANGO_SETTINGS_MODULE")


@dataclass
class BenchProduct(Product):
    """A whole installation with embedded, durable servers and one web process, of this checkout or another one."""

    checkout: Path = CHECKOUT
    options: tuple[str, ...] = ("--web-processes", "1")

    @property
    def data_directory(self) -> Path:
        return self.directory / "data"

    @property
    def environment(self) -> dict[str, str]:
        """Ours without what this process needs for itself, or the installation would use foreign servers."""
        kept = {name: value for name, value in os.environ.items() if name not in _OURS}
        return {**kept, **self.settings}

    def start(self) -> None:
        """Start it and wait until it says that it is ready; the servers of an earlier start have the data still."""
        self.settings = {
            "DATA_DIR": str(self.data_directory), "ALLOW_TENANT_SIGNUP": "true", "OUTBOUND_ALLOWED_HOSTS": "127.0.0.1",
            "SIGNUP_RATE": "100000/minute", "WIDGET_RATE": "1000000/minute", "LOG_LEVEL": "INFO",
            # Wide, but counted: what counting costs is part of what is measured.
            **dict.fromkeys(("API_RATE", "CHAT_RATE", "TENANT_RATE", "VISITOR_RATE"), "1000000/minute"),
        }  # fmt: skip
        log = self.directory / "output.log"
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "up", "--port", str(self.port), "--data-dir", str(self.data_directory),
                 *self.options],
                cwd=self.checkout, env=self.environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True, preexec_fn=die_with_parent(signal.SIGINT),
            )  # fmt: skip
        deadline = time.monotonic() + 400
        while not re.search(r"is ready on \S+", self.output):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"The product did not start:\n{self.output[-4000:]}")
            time.sleep(0.02)

    def connect_here(self) -> None:
        """Let Django in this process work on the installation's servers; once, before any model is imported."""
        os.environ |= {
            "DATA_DIR": str(self.data_directory),
            "DATABASE_POOL_SIZE": "16",
            "LOG_LEVEL": "ERROR",
        }
        os.environ.setdefault("EMBEDDER_DIR", str(CHECKOUT / ".data" / "models" / "minilm"))
        os.environ["DJANGO_SETTINGS_MODULE"] = "minirag.settings"
        from minirag.local.supervision.installation import adopt_installation

        adopt_installation()
        import django

        django.setup()

    @property
    def root_pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    @property
    def web_pids(self) -> list[int]:
        return find_processes(self.root_pid, "daphne")

    @property
    def web_pid(self) -> int:
        return self.web_pids[0]

    @property
    def database_url(self) -> str:
        """Of the embedded server, which takes another port when it is started again."""
        lines = (self.data_directory / "servers.env").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)["DATABASE_URL"]


@dataclass
class Meter:
    """CPU of the product between two moments, in milliseconds: of the web processes, and of all its processes."""

    product: BenchProduct
    web_ms: float = 0.0
    total_ms: float = 0.0
    seconds: float = 0.0

    def __enter__(self) -> Meter:
        self._started, self._before = time.monotonic(), self._read()
        return self

    def __exit__(self, *exception: object) -> None:
        web, total = self._read()
        self.web_ms, self.total_ms = (
            (web - self._before[0]) * 1000,
            (total - self._before[1]) * 1000,
        )
        self.seconds = time.monotonic() - self._started

    def _read(self) -> tuple[float, float]:
        root = self.product.root_pid
        return read_cpu_seconds(self.product.web_pids), read_cpu_seconds(list_descendants(root))


@dataclass
class Provider:
    """The fake provider in a process of its own."""

    port: int = field(default_factory=find_free_port)

    def __enter__(self) -> Provider:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bench.provider", str(self.port)], cwd=CHECKOUT, stdout=subprocess.PIPE,
            preexec_fn=die_with_parent(signal.SIGTERM),
        )  # fmt: skip
        assert self.process.stdout is not None
        self.process.stdout.readline()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"


@dataclass
class House:
    """A tenant whose bots know the demo's documents."""

    product: BenchProduct
    provider: Provider
    account: TenantAccount

    def make_taught_bot(self, model: str) -> str:
        """A bot that has read the demo's handbook and FAQ; a model that is not local is asked of the provider."""
        fields = {} if model.startswith("minirag/") else {
            "credentials": {"api_key": "bench", "api_base": self.provider.base_url}
        }  # fmt: skip
        bot_id = self.product.make_bot(self.account, model=model, **fields)
        # A refusal would be a turn without a model; sessions are opened from the product's own origin.
        settings = {"refuses": False, "is_public": True}
        answer = self.account.client.patch(f"/v1/bot-profiles/{bot_id}/settings", json=settings)
        assert answer.status_code == 200, answer.text
        sources = [self.product.upload(self.account, bot_id, DEMO / name) for name in DOCUMENTS]
        for source_id in sources:
            self.account.client.post(f"/v1/sources/{source_id}/ingest")
        for source_id in sources:
            self.product.wait_until_ready(self.account, source_id)
        return bot_id

    def settle(self) -> None:
        """Wait until nothing is done in the background any more: some seconds after a bot's first ingestion its floors
        are made, which is no part of a turn.
        """
        deadline, quiet_seconds = time.monotonic() + 180, 0
        while quiet_seconds < QUIET_SECONDS and time.monotonic() < deadline:
            with Meter(self.product) as meter:
                time.sleep(1)
            quiet_seconds = quiet_seconds + 1 if meter.total_ms < QUIET_MS else 0

    def open_widget_session(self, bot_id: str) -> str:
        answer = httpx.post(
            f"{self.product.base_url}/v1/widget/sessions", headers={"Origin": self.product.base_url},
            json={"bot_profile_id": bot_id, "visitor_id": secrets.token_hex(12)}, timeout=30,
        )  # fmt: skip
        assert answer.status_code == 201, answer.text
        return answer.json()["session_token"]
