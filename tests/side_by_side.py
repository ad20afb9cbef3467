"""Every check at once, for `make test`: the types, the tests that drive whole products, and all the others in parts.

    python -m tests.side_by_side [--without-browser]

Each test run has its own PostgreSQL and Valkey. The tests of products wait much, so they go in two runs that stand
before the others. These have a run for each core, which take file after file from one queue (`tests.taking`). A check's
output appears when the check has ended, the longest last; one that fails makes this fail.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
import tomllib
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from tests.taking import open_queue


@dataclass
class Check:
    name: str
    command: list[str]
    niceness: int = 0
    queue: int | None = None
    output: IO[bytes] = field(default_factory=tempfile.TemporaryFile)
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0

    def start(self) -> None:
        self.started = time.monotonic()
        command = ["nice", "-n", str(self.niceness), sys.executable, "-u", *self.command]
        inherited = () if self.queue is None else (self.queue,)
        self.process = subprocess.Popen(
            command,
            env={**os.environ, **{"MINIRAG_TEST_QUEUE": str(queue) for queue in inherited}},
            stdin=subprocess.DEVNULL,
            stdout=self.output,
            stderr=subprocess.STDOUT,
            pass_fds=inherited,
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


ROOT = Path(__file__).resolve().parent.parent
OWN_INSTALLATIONS = ["chaos", "deployment", "outage", "pooler", "rolling", "supervision"]
"""Tests of the product, by their files in this folder, that do not use the one running product of all the others."""
ONLY_PRODUCT = re.compile(r"^pytestmark = .*\bmark\.product\b", re.MULTILINE)


def list_checks(*, without_browser: bool, cores: int) -> list[Check]:
    kept = " and not browser" if without_browser else ""
    alone = [f"tests/test_{name}.py" for name in OWN_INSTALLATIONS]
    # In the order of their files: they share installations that take a while to start, and their content.
    product = ["-m", "pytest", "-p", "no:randomly", "-m", f"product{kept}"]
    files = [str(path.relative_to(ROOT)) for path in find_test_files()]
    queue, parts = open_queue(files), max(2, cores)
    others = ["-m", "pytest", "-p", "tests.taking", "-m", f"not product{kept}", *files]
    return [
        Check("tests of the running product", [*product, *(f"--ignore={path}" for path in alone)]),
        Check("tests of installations of their own", [*product, *alone]),
        Check("types", ["-m", "mypy"], niceness=5),
        *(
            Check(f"tests, part {part + 1} of {parts}", others, niceness=5, queue=queue)
            for part in range(parts)
        ),
    ]


def find_test_files() -> list[Path]:
    """All that have tests of something other than a running product, those that take long before the others.

    The tests across the apps send the most requests, and else the size of a file says it well enough.
    """
    found = [path for folder in read_test_folders() for path in (ROOT / folder).rglob("test_*.py")]
    others = [path for path in found if not is_of_product(path)]
    return sorted(others, key=lambda path: (path.parent.parent != ROOT, -path.stat().st_size, path))


def is_of_product(path: Path) -> bool:
    return "conformance" in path.parts or ONLY_PRODUCT.search(path.read_text()) is not None


def read_test_folders() -> list[str]:
    with (ROOT / "pyproject.toml").open("rb") as file:
        return tomllib.load(file)["tool"]["pytest"]["ini_options"]["testpaths"]


def main(arguments: list[str]) -> int:
    checks = list_checks(
        without_browser="--without-browser" in arguments, cores=os.cpu_count() or 2
    )
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
