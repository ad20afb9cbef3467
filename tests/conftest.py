"""Fixtures of the cross-app tests: one running product per session, with acme and globex in it.

With MINIRAG_WITHOUT_BROWSER=1 the tests that need Chromium are left out, and where there is no PgBouncer or no Node
those that need it; the summary says so loudly.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pgbouncer import find_pgbouncer
from tests.product import Product, TenantAccount

WITHOUT_BROWSER = os.environ.get("MINIRAG_WITHOUT_BROWSER") == "1"
BROWSER_TESTS = [
    "test_product_browser.py",
    "test_reference_browser.py",
    "test_widget_browser.py",
    "test_widget_page_browser.py",
    "test_frameworks.py",
]
WITHOUT_POOLER = find_pgbouncer() is None
POOLER_TESTS = ["test_pooler.py"]
_MODULES = Path(__file__).resolve().parent.parent / "clients" / "node_modules"
WITHOUT_NODE = shutil.which("npm") is None or not all(
    (_MODULES / tool).exists() for tool in ("typescript", "terser", "react-dom", "vue")
)
NODE_TESTS = ["test_javascript.py", "test_frameworks.py"]
collect_ignore = [
    *(BROWSER_TESTS if WITHOUT_BROWSER else []),
    *(POOLER_TESTS if WITHOUT_POOLER else []),
    *(NODE_TESTS if WITHOUT_NODE else []),
]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if WITHOUT_BROWSER:
        terminalreporter.section("NOT TESTED: the widget in a browser", red=True, bold=True)
        terminalreporter.line(
            f"MINIRAG_WITHOUT_BROWSER=1 left out {', '.join(BROWSER_TESTS)}.", red=True
        )
    if WITHOUT_POOLER:
        terminalreporter.section("NOT TESTED: tenants behind a pooler", red=True, bold=True)
        terminalreporter.line(f"{', '.join(POOLER_TESTS)}: there is no PgBouncer here.", red=True)
    if WITHOUT_NODE:
        terminalreporter.section("NOT TESTED: the packages for JavaScript", red=True, bold=True)
        terminalreporter.line(
            f"{', '.join(NODE_TESTS)}: there is no Node with what clients/package-lock.json pins (make node).",
            red=True,
        )


@pytest.fixture(scope="session")
def product() -> Iterator[Product]:
    with tempfile.TemporaryDirectory(prefix="minirag-product-") as directory:
        Path(directory).chmod(0o711)
        running = Product(Path(directory))
        try:
            running.start()
            yield running
        finally:
            running.stop()


@pytest.fixture(scope="session")
def acme_account(product: Product) -> TenantAccount:
    return product.sign_up("acme")


@pytest.fixture(scope="session")
def globex_account(product: Product) -> TenantAccount:
    return product.sign_up("globex")
