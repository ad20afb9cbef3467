"""The demo's documents say what its questions expect, each in one place and for one tenant only."""

from __future__ import annotations

import json
import re
from pathlib import Path

import docx
import pypdfium2
import pytest

from minirag.local.demo import build_documents

DEMO = Path(build_documents.__file__).parent
QUESTIONS = json.loads((DEMO / "questions.json").read_text("utf-8"))
TENANTS = ("acme", "globex")
ANSWERABLE = [(tenant, item) for tenant in TENANTS for item in QUESTIONS[tenant]["answerable"]]


def read_document(path: Path) -> str:
    if path.suffix == ".docx":
        document = docx.Document(str(path))
        cells = [cell.text for table in document.tables for row in table.rows for cell in row.cells]
        return "\n".join([*(paragraph.text for paragraph in document.paragraphs), *cells])
    if path.suffix == ".pdf":
        with pypdfium2.PdfDocument(path) as document:
            return "\n".join(page.get_textpage().get_text_range() for page in document)
    return path.read_text("utf-8")


def documents_of(tenant: str) -> dict[str, str]:
    return {
        path.name: " ".join(read_document(path).split())
        for path in sorted((DEMO / tenant).iterdir())
    }


@pytest.mark.parametrize(("tenant", "item"), ANSWERABLE, ids=lambda value: str(value)[:60])
def test_each_expected_fact_stands_in_the_file_it_is_said_to_come_from(tenant, item):
    assert item["fact"] in documents_of(tenant)[item["file"]]


def test_each_kind_of_document_is_there_in_decent_size():
    acme, globex = documents_of("acme"), documents_of("globex")
    assert {Path(name).suffix for name in [*acme, *globex]} == {".md", ".csv", ".docx", ".pdf"}
    words = {name: len(text.split()) for name, text in (acme | globex).items()}
    assert words["product-handbook.md"] >= 3500
    assert words["support-faq.md"] >= 1500
    assert words["shipping-guide.md"] >= 2500
    assert (
        sum(path.stat().st_size for tenant in TENANTS for path in (DEMO / tenant).iterdir())
        < 300_000
    )


def test_the_two_trades_share_no_proper_names():
    acme, globex = (" ".join(documents_of(tenant).values()) for tenant in TENANTS)
    for name in ("Acme", "Breva", "AC-S25", "E24", "calibration", "firmware", "warranty"):
        assert name in acme
        assert not re.search(rf"\b{name}\b", globex)
    for name in ("Globex", "Rotterdam", "EORI", "demurrage", "container", "Incoterm", "reefer"):
        assert name in globex
        assert not re.search(rf"\b{name}\b", acme)


def test_every_tenant_has_three_starter_questions_and_foreign_ones():
    for tenant in TENANTS:
        assert len(QUESTIONS[tenant]["starter_questions"]) == 3
        assert len(QUESTIONS[tenant]["answerable"]) >= 10
        assert len(QUESTIONS["only_the_other_tenant_can_answer"][tenant]) == 5
    assert len(QUESTIONS["nobody_can_answer"]) == 5


def test_the_script_writes_the_documents_that_are_committed(tmp_path):
    build_documents.write_hub_rules(tmp_path / "hub-rules.pdf")
    assert (tmp_path / "hub-rules.pdf").read_bytes() == (
        DEMO / "globex" / "hub-rules.pdf"
    ).read_bytes()
    build_documents.write_bulletins(tmp_path / "bulletins.docx")
    assert read_document(tmp_path / "bulletins.docx") == read_document(
        DEMO / "acme" / "service-bulletins.docx"
    )
