"""`python -m tests.upgrades 2.0.0`: keep what this checkout's demo writes, with chats in each tenant, as a release's.

The file lies in the repository, so the tests need neither its tag nor its code.
"""

from __future__ import annotations

import argparse
import lzma
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.product import BenchProduct
from tenants.backend.dumping import find_program

PLACE = Path(__file__).resolve().parent
MOST_BYTES = 400 * 1024
BOTS = {"acme": "Ava", "globex": "Gus"}
QUESTIONS = {
    "acme": ("How long is the warranty?", "What was Napoleon's horse called?"),
    "globex": ("Which ports do you sail to?", "How do I track a container?"),
}
_OF_ANOTHER_PSQL = re.compile(r"^(\\(un)?restrict |SET transaction_timeout)")


def keep(name: str) -> Path:
    """Start the product with its demo, ask, and dump what is in its database."""
    with tempfile.TemporaryDirectory(prefix="minirag-release-") as directory:
        Path(directory).chmod(0o711)  # PostgreSQL runs as another user where we are root
        product = BenchProduct(Path(directory))
        try:
            product.start()
            for slug, questions in QUESTIONS.items():
                for question in questions:
                    product.manage("ask", "--tenant", slug, "--bot", BOTS[slug], question)
            dumped = dump(product.database_url)
        finally:
            product.stop()
    path = PLACE / f"{name}.sql.xz"
    path.write_bytes(lzma.compress(dumped.encode(), preset=9 | lzma.PRESET_EXTREME))
    return path


def dump(url: str) -> str:
    """As SQL that `psql` of other versions reads, too."""
    program = find_program("pg_dump")
    assert program is not None
    done = subprocess.run(
        [program, "--no-owner", "--no-privileges", "--no-comments", url], capture_output=True, text=True, check=True
    )  # fmt: skip
    return "".join(
        line for line in done.stdout.splitlines(keepends=True) if not _OF_ANOTHER_PSQL.match(line)
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.upgrades", description=__doc__)
    parser.add_argument("release", help="its number, as its tag has it")
    name = parser.parse_args().release
    if not re.fullmatch(r"\d+\.\d+\.\d+", name):
        parser.error("A release is three numbers, such as 2.0.0.")
    path = keep(name)
    size = path.stat().st_size
    print(f"{path} ({size / 1000:.0f} kB)")
    if size > MOST_BYTES:
        print(f"It is larger than {MOST_BYTES / 1000:.0f} kB.", file=sys.stderr)
    return int(size > MOST_BYTES)


if __name__ == "__main__":
    sys.exit(main())
