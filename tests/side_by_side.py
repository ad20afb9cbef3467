"""Every check at once, for `make test`: the types, the tests that drive the whole product, and all the others in two
parts.

    python -m tests.side_by_side [--without-browser]

Each test run has its own PostgreSQL and Valkey, and much of a product test is waiting, so two cores are busy together.
A check's output appears when the check has ended, the longest last; one that fails makes this fail.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO


@dataclass
class Check:
    name: str
    command: list[str]
    niceness: int = 0
    output: IO[bytes] = field(default_factory=tempfile.TemporaryFile)
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0

    def start(self) -> None:
        self.started = time.monotonic()
        command = ["nice", "-n", str(self.niceness), sys.executable, "-u", *self.command]
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
    """The tests of the product take longest and wait in between, so that all others stand behind them."""
    kept = " and not browser" if without_browser else ""
    pytest, apps = ["-m", "pytest", "-m"], [each for each in read_test_folders() if each != "tests"]
    return [
        # In the order of their files: they share installations that take a while to start, and their content.
        Check(
            "tests of the running product",
            ["-m", "pytest", "-p", "no:randomly", "-m", f"product{kept}"],
        ),
        Check("types", ["-m", "mypy"], niceness=5),
        Check("tests of each app", [*pytest, f"not product{kept}", *apps], niceness=5),
        Check("tests across the apps", [*pytest, f"not product{kept}", "tests"], niceness=5),
    ]


def read_test_folders() -> list[str]:
    with (Path(__file__).resolve().parent.parent / "pyproject.toml").open("rb") as file:
        return tomllib.load(file)["tool"]["pytest"]["ini_options"]["testpaths"]


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
