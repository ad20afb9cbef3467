"""Every check at once, for `make test`: the types, the tests that drive the whole product, and all the others.

    python -m tests.side_by_side [--without-browser]

Each test run has its own PostgreSQL and Valkey, and much of a product test is waiting, so two cores are busy together.
A check's output appears when the check has ended, the longest last; one that fails makes this fail.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from typing import IO


@dataclass
class Check:
    name: str
    command: list[str]
    output: IO[bytes] = field(default_factory=tempfile.TemporaryFile)
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0

    def start(self) -> None:
        self.started = time.monotonic()
        command = [sys.executable, "-u", *self.command]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=self.output, stderr=subprocess.STDOUT
        )

    def report(self) -> int:
        """Print what an ended check said; returns its exit code."""
        assert self.process is not None
        self.output.seek(0)
        seconds = time.monotonic() - self.started
        print(
            f"\n===== {self.name}: {seconds:.0f} s, exit code {self.process.returncode}", flush=True
        )
        sys.stdout.buffer.write(self.output.read())
        sys.stdout.flush()
        return self.process.returncode


def list_checks(*, without_browser: bool) -> list[Check]:
    kept = " and not browser" if without_browser else ""
    pytest = ["-m", "pytest", "-m"]
    return [
        Check("types", ["-m", "mypy"]),
        # In the order of their files: they share installations that take a while to start, and their content.
        Check(
            "tests of the running product",
            ["-m", "pytest", "-p", "no:randomly", "-m", f"product{kept}"],
        ),
        Check("all other tests", [*pytest, f"not product{kept}"]),
    ]


def main(arguments: list[str]) -> int:
    checks = list_checks(without_browser="--without-browser" in arguments)
    for check in checks:
        check.start()
    running, codes = list(checks), []
    try:
        while running:
            ended = [
                check for check in running if check.process and check.process.poll() is not None
            ]
            codes += [check.report() for check in ended]
            running = [check for check in running if check not in ended]
            time.sleep(0.2)
    finally:
        for check in running:
            if check.process is not None:
                check.process.terminate()
    return max(codes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
