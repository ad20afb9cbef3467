"""The pages as a site: built strictly, whole, searchable, and asking nobody else for anything. And what a checkout on
GitHub does with them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from docs.site_pages import begin_lists, lead_links

ROOT = Path(__file__).resolve().parent.parent
ASKS = re.compile(
    r'<(?:script|img|iframe|source)\b[^>]*\bsrc="([^"]+)"|<link\b[^>]*\bhref="([^"]+)"'
)


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """`make docs`, which ends with the first broken link, missing anchor, or page outside of the nav."""
    folder = tmp_path_factory.mktemp("site")
    build = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    quiet = {**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(build, cwd=ROOT, env=quiet, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


def test_every_page_is_there_and_is_found_by_its_words(site):
    found = {
        entry["location"].partition("/")[0]
        for entry in json.loads((site / "search/search_index.json").read_text())["docs"]
    }
    pages = {path.stem for path in (ROOT / "docs").glob("*.md")} - {"index"}
    assert len(pages) > 30 and pages | {"overview", "changelog"} <= found
    assert not any(
        re.search(r"^\s*(```|~~~) ?mermaid", path.read_text(), re.MULTILINE)
        for path in (ROOT / "docs").glob("*.md")
    )


def test_a_page_asks_nobody_else_for_anything(site):
    asked = {
        target
        for page in site.rglob("*.html")
        for found in ASKS.findall(page.read_text())
        for target in found
        if re.match(r"(https?:)?//", target)
    }
    assert asked == set()
    styles = "".join(path.read_text() for path in site.rglob("*.css"))
    assert not re.search(r"url\(['\"]?(https?:)?//|@import", styles)


def test_links_to_what_lies_beside_the_pages_lead_into_the_site():
    assert lead_links(
        "[a](../README.md#first-calls) [b](api.md) [c](https://x.org/README.md)", "docs"
    ) == ("[a](overview.md#first-calls) [b](api.md) [c](https://x.org/README.md)")
    assert lead_links('[a](docs/api.md#errors) <img src="docs/images/a.png">', "") == (
        '[a](api.md#errors) <img src="images/a.png">'
    )
    assert begin_lists("so:\n- one\n- two\n  three\n- four\n\n| a |\n- no") == (
        "so:\n\n- one\n- two\n  three\n- four\n\n| a |\n- no"
    )


def test_the_workflow_runs_the_readmes_commands_on_what_the_readme_asks_for():
    steps = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text())["jobs"]["test"]["steps"]
    runs = [step["run"] for step in steps if "run" in step]
    assert "make test" in runs and "make docs" in runs
    assert {"make", "python3", "python3-venv"} <= set(runs[0].split())
    assert re.search(r"^make test$", (ROOT / "README.md").read_text(), re.MULTILINE)
    for form in (ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml"):
        assert yaml.safe_load(form.read_text())
