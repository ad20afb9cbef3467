"""A list or a table that was cut between chunks is whole in what is found, within bounds."""

from __future__ import annotations

from asgiref.sync import async_to_sync
from django.db import connection
from django.test.utils import CaptureQueriesContext

from knowledge.models import Chunk
from knowledge.ordering.joining import LONGEST_JOINED, is_cut, join
from knowledge.retrieval.retrieving import retrieve
from knowledge.tests.conftest import teach

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
    table = join("Code | Fault\nE26 | fan", {1: "Code | Fault\nE27 | lamp\n\nCall us."})
    assert table == "Code | Fault\nE26 | fan\nE27 | lamp"


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
        bot, f"thing number {number} in the drawer of room {number}", limit=1
    )
    assert INTRO in found.passages[0].content and second in found.passages[0].content
    assert found.passages[0].chunk_id == Chunk.objects.get(ordinal=1).pk


def test_a_search_that_finds_no_cut_list_asks_for_no_neighbours(bot):
    teach(bot)
    with CaptureQueriesContext(connection) as asked:
        async_to_sync(retrieve)(bot, "How long is the warranty?")
    assert not [each for each in asked if "n.ordinal" in each["sql"]]
