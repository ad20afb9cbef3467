"""Pages of a list: all rows once, whatever happens between two of them, and cursors that cannot be made up."""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.db.models import F, IntegerField, Value
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from bots.models import BotProfile
from minirag.lib.http_in.pagination import (
    InvalidCursor,
    PageQuery,
    PlainPageQuery,
    paginate,
    render_page,
)

MOMENT = datetime(2026, 11, 20, 12, tzinfo=UTC)
ODD_CURSORS = ["x", "AAAA", "eyJ2IjoxfQ", "é", "\0", "=", "0" * 3000, "null", "[]", "-1"]


@pytest.fixture
def bots(in_acme):
    """Seven bots: two pairs made at the very same time."""
    BotProfile.objects.all().delete()
    made = [BotProfile.objects.create(name=f"bot {number}") for number in range(7)]
    for bot, minutes in zip(made, (0, 1, 1, 2, 3, 3, 4), strict=True):
        BotProfile.objects.filter(pk=bot.pk).update(created_at=MOMENT + timedelta(minutes=minutes))
    return BotProfile.objects


def walk(queryset, limit, **options):
    """The names on each page, following the cursors."""
    pages, cursor = [], None
    while True:
        page = paginate(queryset.all(), PageQuery(limit=limit, cursor=cursor), **options)
        pages.append([row["name"] if isinstance(row, dict) else row.name for row in page.items])
        cursor = page.next_cursor
        if cursor is None:
            return pages


@pytest.mark.parametrize("limit", range(1, 9))
@pytest.mark.parametrize(
    "order", [("-created_at", "-id"), ("created_at", "id"), ("-created_at", "name")]
)
def test_pages_hold_every_row_once_and_in_order(bots, limit, order):
    whole = [bot.name for bot in bots.order_by(*order)]
    pages = walk(bots, limit, order=order)
    assert [name for page in pages for name in page] == whole
    assert [len(page) for page in pages[:-1]] == [limit] * (len(pages) - 1)
    assert pages[-1]


def test_rows_that_come_and_go_between_two_pages_move_no_other(bots):
    first = paginate(bots.all(), PageQuery(limit=3))
    bots.create(name="newest")
    bots.filter(pk=first.items[-1].pk).delete()
    second = paginate(bots.all(), PageQuery(limit=100, cursor=first.next_cursor))
    assert sorted(bot.name for bot in second.items) == ["bot 0", "bot 1", "bot 2", "bot 3"]


def test_a_list_may_be_ordered_by_an_annotation_and_give_dicts(bots):
    rows = bots.annotate(size=Value(7, output_field=IntegerField()) + F("max_tokens")).values(
        "name", "size", "id"
    )
    whole = [row["name"] for row in rows.order_by("-size", "id")]
    assert [name for page in walk(rows, 2, order=("-size", "id")) for name in page] == whole


def test_a_page_costs_one_query_and_no_offset(bots):
    cursor = paginate(bots.all(), PageQuery(limit=2)).next_cursor
    with CaptureQueriesContext(connection) as queries:
        paginate(bots.all(), PageQuery(limit=2, cursor=cursor))
    selects = [query["sql"] for query in queries if query["sql"].startswith("SELECT")]
    assert len(selects) == 1 and "OFFSET" not in selects[0] and "LIMIT 3" in selects[0]


def test_a_plain_list_without_a_limit_is_whole_and_one_with_zero_empty(bots):
    assert len(paginate(bots.all(), PlainPageQuery()).items) == 7
    assert paginate(bots.all(), PlainPageQuery(limit=0)) == paginate(bots.none(), PlainPageQuery())
    assert len(paginate(bots.all(), PlainPageQuery(limit=10**30), max_limit=5).items) == 5


def test_an_offset_counts_from_the_start_and_a_cursor_overrules_it(bots):
    page = paginate(bots.all(), PlainPageQuery(limit=2), offset=3)
    assert page.items[0].name == "bot 3"
    following = paginate(bots.all(), PlainPageQuery(limit=2, cursor=page.next_cursor), offset=3)
    assert "bot 0" in [bot.name for bot in following.items]


@pytest.mark.parametrize("cursor", ODD_CURSORS)
def test_a_cursor_that_was_made_up_is_refused(bots, cursor):
    with pytest.raises(InvalidCursor):
        paginate(bots.all(), PlainPageQuery.model_construct(limit=2, cursor=cursor))


def test_a_cursor_of_another_list_or_another_order_is_refused(bots):
    cursor = paginate(bots.all(), PageQuery(limit=2)).next_cursor
    with pytest.raises(InvalidCursor):
        paginate(bots.all(), PageQuery(cursor=cursor), order=("created_at", "id"))


def test_a_cursor_whose_key_was_changed_is_refused(bots):
    cursor = paginate(bots.all(), PageQuery(limit=2)).next_cursor
    text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    assert '"v":1' in text
    forged = base64.urlsafe_b64encode(re.sub("2026", "2025", text).encode()).decode().rstrip("=")
    with pytest.raises(InvalidCursor):
        paginate(bots.all(), PageQuery(cursor=forged))


@given(st.text(max_size=80))
def test_no_text_at_all_is_a_cursor_by_chance(text):
    with pytest.raises(InvalidCursor):
        paginate(BotProfile.objects.all(), PageQuery.model_construct(limit=2, cursor=text or "x"))


def test_the_envelope_has_its_items_its_cursor_and_perhaps_a_total(bots):
    page = paginate(bots.all(), PageQuery(limit=100))
    assert render_page(page, ["a"], total=7) == {"items": ["a"], "next_cursor": None, "total": 7}


# --- on the wire --------------------------------------------------------------------------------------------------
def test_a_plain_list_leads_to_its_next_page_by_headers(bots, as_acme):
    response = as_acme.get("/v1/bot-profiles?limit=3&unknown=a%26b")
    assert response.json()[0]["name"] == "bot 6"
    link = re.fullmatch(r'<http://testserver(/v1/bot-profiles\?.*)>; rel="next"', response["Link"])
    assert (
        f"cursor={response['X-Next-Cursor']}" in link[1]
        and "limit=3" in link[1]
        and "unknown=a%26b" in link[1]
    )
    seen = [bot["name"] for bot in response.json()]
    while "Link" in response:
        response = as_acme.get(re.search("<([^>]*)>", response["Link"])[1])
        seen += [bot["name"] for bot in response.json()]
    assert sorted(seen) == [f"bot {number}" for number in range(7)]


def test_the_next_page_of_a_tenants_own_path_is_on_that_path(bots, as_acme):
    response = as_acme.get("/v1/bot-profiles?limit=1", SCRIPT_NAME="/t/acme")
    assert response["Link"].startswith("<http://testserver/t/acme/v1/bot-profiles?")


@pytest.mark.parametrize(
    "path",
    [
        "/v1/bot-profiles",
        "/v1/api-tokens",
        "/v1/sources",
        "/v1/sources?include_children=true",
        "/v1/chat",
    ],
)
def test_every_plain_list_takes_a_limit_and_refuses_what_is_none(as_acme, path):
    join = "&" if "?" in path else "?"
    assert as_acme.get(path).status_code == 200 and isinstance(as_acme.get(path).json(), list)
    assert as_acme.get(f"{path}{join}limit=0").json() == []
    assert as_acme.get(f"{path}{join}limit=99999999999999999999").status_code == 200
    for wrong in ("limit=-1", "limit=x", "limit=", "limit=1.5", "limit=" + "9" * 5000):
        assert as_acme.get(f"{path}{join}{wrong}").json()["code"] == "validation_error", wrong
    for wrong in ("x", "%00", "AAAA", "%ff"):
        response = as_acme.get(f"{path}{join}cursor={wrong}")
        assert response.status_code == 422 and response.json()["code"] in (
            "invalid_cursor",
            "validation_error",
        ), wrong
    assert as_acme.get(f"{path}{join}cursor=").status_code == 200
