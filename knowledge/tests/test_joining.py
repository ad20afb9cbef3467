"""A list or a table that was cut between chunks is whole in what is found, within bounds."""

from __future__ import annotations

import io

import docx
import pytest
from asgiref.sync import async_to_sync
from django.db import connection
from django.test.utils import CaptureQueriesContext

from knowledge.formats.parsing import parse
from knowledge.indexing.chunking import chunk_document
from knowledge.models import ANYONE, Chunk
from knowledge.ordering.joining import LONGEST_JOINED, is_cut, join
from knowledge.retrieval.retrieving import retrieve
from knowledge.tests.conftest import teach
from minirag.ai.builtin.quoting import read_quotes

INTRO = "For a passport you have to bring the following:"


def test_only_what_begins_or_ends_in_a_list_is_cut():
    cut = [
        "- a birth certificate",
        f"{INTRO}\n- a photograph",
        "E24 | pump | clean it",
        "2. Close the lid.",
    ]
    whole = [
        "Open from 9 to 5.",
        f"{INTRO} a photograph, a form.",
        "A - B",
        "- a list\n\nThat is all.",
        "",
    ]
    assert [is_cut(each) for each in cut] == [True] * 4
    assert [is_cut(each) for each in whole] == [False, False, False, True, False]


def test_lines_of_the_same_list_are_joined_and_nothing_else():
    before = f"We are open daily.\n\n{INTRO}\n\n- a photograph\n- a form"
    after = "- 60 euros\n- the old passport\n\nIt takes three weeks."
    assert join("- a form\n- a birth certificate", {-1: before, 1: after}) == (
        f"{INTRO}\n- a photograph\n- a form\n- a birth certificate\n- 60 euros\n- the old passport"
    )
    assert join("Open from 9.", {-1: before, 1: after}) == "Open from 9."
    assert join("- alone", {}) == "- alone"
    assert join("- alone\n  ", {1: " \n\n"}) == "- alone" and join(" ", {-1: ""}) == ""
    table = join("Code | Fault\nE26 | fan", {1: "Code | Fault\nE27 | lamp\n\nCall us."})
    assert table == "Code | Fault\nE26 | fan\nE27 | lamp"


def test_the_rows_of_a_cut_table_are_joined_below_its_header():
    head = "Code | Meaning | What to do"
    before = f"Press the key.\n\n{head}\nE11 | low voltage | short cable\nE12 | weak | other supply"
    middle = f"{head}\nE24 | fan blocked | clean it\nE25 | worn | replace it"
    after = f"{head}\nE31 | hose off | check it\n\nE22 stays stored."
    rows = [*before.split("\n")[3:], *middle.split("\n")[1:], after.split("\n")[1]]
    whole = "\n".join(["Press the key.", head, *rows])
    assert join(middle, {-1: before, 1: after}) == whole
    assert join(after, {-1: middle}).startswith(f"{head}\nE24 | fan blocked")
    assert join(
        f"{head}\nE11 | x | y\n\n{head}\nE12 | x | z", {1: f"{head}\nE13 | a | b"}
    ).endswith(f"{head}\nE12 | x | z\nE13 | a | b")


HEADS = {
    "en": ("Code", "What it means", "What to do"),
    "de": ("Fehler", "Bedeutung", "Abhilfe"),
    "tr": ("Kod", "Anlamı", "Çözüm"),
}


def rows_of(language, count=60):
    return [
        (
            f"E{number:02}",
            f"{HEADS[language][1]} {number} Ω",
            f"{HEADS[language][2]} {number}, 4.5 V",
        )
        for number in range(count)
    ]


def write_markdown(head, rows):
    return "\n".join(
        "| " + " | ".join(row) + " |" for row in (head, ("---",) * len(head), *rows)
    ).encode()


def write_page(head, rows):
    cells = [
        "<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in (head, *rows)
    ]
    return f"<main><h1>T</h1><table><caption>C</caption>{''.join(cells)}</table></main>".encode()


def write_word(head, rows):
    document = docx.Document()
    table = document.add_table(0, len(head))
    for row in (head, *rows):
        for cell, text in zip(table.add_row().cells, row, strict=True):
            cell.text = text
    written = io.BytesIO()
    document.save(written)
    return written.getvalue()


def write_titled(head, rows):
    return write_page(("All of them", "", ""), (head, *rows))


def write_csv(head, rows):
    return "\n".join(";".join(row) for row in (head, *rows)).encode()


@pytest.mark.parametrize("language", HEADS)
@pytest.mark.parametrize(
    ("kind", "write"),
    [
        ("md", write_markdown),
        ("html", write_page),
        ("html", write_titled),
        ("docx", write_word),
        ("csv", write_csv),
    ],
)
def test_each_row_of_a_cut_table_is_read_under_its_own_header(kind, write, language):
    head, rows = HEADS[language], rows_of(language)
    right = {
        ", ".join(f"{name}: {cell}" for name, cell in zip(head, row, strict=True)) for row in rows
    }
    chunks = [
        each.content for each in chunk_document(parse(write(head, rows), kind=kind, name="t"))
    ]
    assert len(chunks) > 3
    read = set()
    for place in range(len(chunks)):
        neighbours = {
            far: chunks[place + far] for far in (-2, -1, 1, 2) if 0 <= place + far < len(chunks)
        }
        read |= {quote.text for quote in read_quotes(join(chunks[place], neighbours))}
    assert right <= read and read - right <= {"C", "All of them"}


def test_a_table_with_a_header_too_long_to_repeat_is_read_as_records():
    head = [f"The name of column number {number}, which is long" for number in range(24)]
    rows = [[f"value {number}.{row}" for number in range(24)] for row in range(5)]
    document = parse(write_markdown(head, rows), kind="md", name="t")
    chunks = [each.content for each in chunk_document(document)]
    assert all(
        line.startswith("The name of column")
        for text in chunks
        for line in text.split("\n")
        if line
    )
    last = next(text for text in chunks if "value 23.3" in text)
    assert f"{head[0]}: value 0.3" in last


def test_another_table_beside_is_not_joined():
    ranges = "Quantity | Range\nCO2 | 400 ppm"
    sizes = " | One | Pro\nWeight | 165 g | 240 g"
    assert join(ranges, {1: sizes, -1: sizes}) == ranges
    assert join(sizes, {1: ranges, -1: f"{sizes}\nSize | 1 mm | 2 mm"}) == (
        " | One | Pro\nSize | 1 mm | 2 mm\nWeight | 165 g | 240 g"
    )


def test_a_long_table_keeps_its_header_and_what_leads_to_it():
    head = "Taste | Farbe"
    rows = [f"Taste {number} | leuchtet in der Farbe {number}" for number in range(80)]
    cut = {-1: "\n".join([head, *rows[20:60]]), -2: "\n".join(["Farben:", head, *rows[:20]])}
    joined = join("\n".join([head, *rows[60:]]), cut).split("\n")
    assert joined[:2] == ["Farben:", head] and joined[-1] == rows[-1] and rows[0] not in joined


def test_no_more_is_joined_than_the_bound():
    long = "\n".join(f"- thing number {number} of many" for number in range(500))
    joined = join("- first", {-2: long, -1: long, 1: long, 2: long})
    assert LONGEST_JOINED < len(joined) <= 2 * (LONGEST_JOINED + 100)


def test_a_cut_list_is_found_whole_with_what_it_is_of(bot):
    things = [
        f"- thing number {number}, which you will find in the drawer of room {number}"
        for number in range(40)
    ]
    teach(bot, f"# Passports\n\n{INTRO}\n\n" + "\n".join(things))
    assert Chunk.objects.count() > 2
    second = Chunk.objects.get(ordinal=1).content
    assert INTRO not in second
    number = int(second.split("\n")[1].split()[3].rstrip(","))
    found = async_to_sync(retrieve)(
        bot, f"thing number {number} in the drawer of room {number}", audience=ANYONE, limit=1
    )
    assert INTRO in found.passages[0].content and second in found.passages[0].content
    assert found.passages[0].chunk_id == Chunk.objects.get(ordinal=1).pk


def test_a_search_that_finds_no_cut_list_asks_for_no_neighbours(bot):
    teach(bot)
    with CaptureQueriesContext(connection) as asked:
        async_to_sync(retrieve)(bot, "How long is the warranty?", audience=ANYONE)
    assert not [each for each in asked if "n.ordinal" in each["sql"]]
