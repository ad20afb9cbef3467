"""The tables of formats and languages: a row that is there is there everywhere, and whole."""

from __future__ import annotations

import re

import pytest

from knowledge.formats.parsing import parse
from knowledge.formats.registry import BY_SUFFIX, FORMATS, UPLOADABLE, format_of_answer
from tests.test_architecture import ROOT


@pytest.mark.parametrize("row", FORMATS.values(), ids=FORMATS)
class TestFormats:
    def test_it_says_everything(self, row):
        assert re.fullmatch(r"[a-z0-9]{1,10}", row.kind) and row.name.strip() == row.name != ""
        assert row.suffixes and row.media_types
        assert all(re.fullmatch(r"\.[a-z0-9]+", suffix) for suffix in row.suffixes)
        assert all(re.fullmatch(r"[a-z]+/[a-z0-9.+-]+", name) for name in row.media_types)
        assert row.parse.__module__.startswith("knowledge.formats.")

    def test_it_is_found_by_each_of_its_names(self, row):
        assert all(BY_SUFFIX[suffix] is row for suffix in row.suffixes), "a suffix has two formats"
        assert all(format_of_answer("x", name) is row for name in row.media_types)

    def test_it_is_in_the_documentation(self, row):
        listed = re.search(r"`upload` \| `([^`]*)`", (ROOT / "docs" / "knowledge.md").read_text())
        assert listed and (row.suffixes[0] in listed[1].split()) == row.can_be_uploaded

    def test_large_libraries_stay_in_a_process_of_their_own(self, row):
        source = (ROOT / (row.parse.__module__.replace(".", "/") + ".py")).read_text()
        is_large = re.search(r"import (pypdfium2|docx)|from (selectolax|docx)", source)
        assert bool(is_large) != bool(row.in_process_bytes)

    def test_its_own_bytes_are_read_or_refused_with_a_reason(self, row):
        if row.is_text:
            assert parse(b"Hello there", kind=row.kind, name="x").sections


def test_uploads_are_listed_in_the_api_docs():
    listed = re.search(r"parts `file` \(`([^`]*)`", (ROOT / "docs" / "api.md").read_text())
    assert listed and listed[1].split() == list(UPLOADABLE)


def test_no_format_is_named_anywhere_else():
    """Before there was a table, a format stood in ten places."""
    kinds = "|".join(FORMATS)
    literal = re.compile(rf"""["'](?:\.?(?:{kinds}))["']""")
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in sorted((ROOT / "knowledge").rglob("*.py"))
        if "tests" not in path.parts
        and "migrations" not in path.parts
        and path.name != "registry.py"
        for line in path.read_text().splitlines()
        if literal.search(line) and "examples=" not in line
    ]
    assert found == []
