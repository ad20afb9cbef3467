"""One more web process of a running product, as a deploy starts it beside the old one."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType

import httpx

from tests.ports import find_port
from tests.product import CHECKOUT, Product


@dataclass
class WebProcess:
    """A real Daphne on a port of its own, on the product's servers; ends with the `with` block."""

    product: Product
    settings: dict[str, str] = field(default_factory=dict)
    port: int = field(default_factory=find_port)

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log_path(self) -> Path:
        return self.product.directory / f"web-{self.port}.log"

    def __enter__(self) -> WebProcess:
        command = [sys.executable, "-m", "daphne", "--bind", "127.0.0.1", "--port", str(self.port)]
        environment = {**self.product.environment, "DATABASE_POOL_SIZE": "8", **self.settings}
        with self.log_path.open("wb") as output:
            self.process = subprocess.Popen(
                [*command, "--verbosity", "0", "minirag.asgi:application"],
                cwd=CHECKOUT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        deadline = time.monotonic() + 120
        while self.get_health() != 200:
            assert self.process.poll() is None and time.monotonic() < deadline, self.log
            time.sleep(0.1)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(60)

    @property
    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def get_health(self) -> int:
        """The status of /health; 0 where nobody listens."""
        try:
            return httpx.get(f"{self.base_url}/health", timeout=60).status_code
        except httpx.TransportError:
            return 0

    def terminate(self) -> None:
        """Send SIGTERM, and return once the process says that it stops."""
        self.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + 60
        while self.get_health() == 200:
            assert time.monotonic() < deadline, self.log
            time.sleep(0.02)
