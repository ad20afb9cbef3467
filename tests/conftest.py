"""Fixtures of the cross-app tests: one running product per session, with acme and globex in it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.product import Product, TenantAccount


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
