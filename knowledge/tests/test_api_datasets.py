"""/v1/datasets: shared sets of sources, the bots that answer from them, and what is refused."""

from __future__ import annotations

import uuid

import pytest
from asgiref.sync import async_to_sync
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bots.models import BotProfile, UsageEvent
from knowledge.indexing.ingestion import ingest
from knowledge.models import ANYONE, BotDataset, Dataset, Source
from knowledge.retrieval.retrieving import retrieve
from knowledge.tests.api import QUESTION, refusal
from knowledge.tests.conftest import HANDBOOK, RETURNS
from minirag.ai.embeddings import embed_query
from tenants.context import tenant_context

URL = "/v1/datasets"


# --- Datasets -----------------------------------------------------------------------------------------------------
def test_a_dataset_is_made_shown_changed_and_found_in_the_list(api, settings):
    made = api.send(
        "post", "datasets", name=" Handbooks ", description="Of devices", tags=["a", "b", "a"]
    )
    dataset = made.json()
    assert made.status_code == 201
    assert {key: dataset[key] for key in ("name", "description", "tags", "metadata", "is_active", "is_shared")} == {
        "name": "Handbooks", "description": "Of devices", "tags": ["a", "b"], "metadata": {}, "is_active": True,
        "is_shared": True,
    }  # fmt: skip
    assert (
        dataset["embedding_model"] == settings.DEFAULT_EMBEDDING_MODEL
        and dataset["bot_profile_id"] is None
    )
    changed = api.send(
        "patch", f"datasets/{dataset['id']}", name="Manuals", metadata={"owner": "Bo"}
    ).json()
    assert (changed["name"], changed["metadata"], changed["tags"]) == (
        "Manuals",
        {"owner": "Bo"},
        ["a", "b"],
    )
    assert api.client.get(f"{URL}/{dataset['id']}").json() == changed
    assert api.client.get(URL).json() == {"items": [changed], "next_cursor": None, "total": 1}


def test_the_list_is_searched_filtered_and_paged(api):
    names = [f"Set {number}" for number in range(5)]
    for name in names:
        api.dataset(name, tags=[name[-1]], is_active=name != "Set 0", description=f"about {name}")
    api.teach(bot_profile_id=api.bot())  # a private one

    def listed(query):
        return [each["name"] for each in api.client.get(f"{URL}?{query}").json()["items"]]

    assert listed("") == names[::-1]
    assert (
        listed("q=ABOUT%20SET%203") == ["Set 3"]
        and listed("tag=2") == ["Set 2"]
        and listed("q=%25") == []
    )
    assert listed("is_active=false") == ["Set 0"] and listed("include_private=true") == [
        "Support",
        *names[::-1],
    ]
    first = api.client.get(f"{URL}?limit=3").json()
    rest = api.client.get(f"{URL}?limit=3&cursor={first['next_cursor']}").json()
    assert [each["name"] for each in first["items"] + rest["items"]] == names[::-1]
    assert rest["next_cursor"] is None and first["total"] == rest["total"] == 5


def test_a_list_of_many_datasets_costs_no_more_queries_than_one_of_few(api):
    def count():
        with CaptureQueriesContext(connection) as queries:
            assert api.client.get(URL).status_code == 200
        return len(queries)

    bot = api.bot()
    api.link(api.dataset("first"), bot)
    few = count()
    for number in range(5):
        dataset = api.dataset(str(number))
        api.link(dataset, bot)
        api.teach(dataset_id=dataset)
    assert count() == few
    api.client.get(f"/v1/bot-profiles/{bot}/datasets")
    with CaptureQueriesContext(connection) as queries:
        links = api.client.get(f"/v1/bot-profiles/{bot}/datasets").json()
    assert len(links) == 6 and sum("knowledge_" in query["sql"] for query in queries) == 1


def test_two_shared_datasets_have_no_name_in_common_whatever_its_case(api, theirs):
    first, second = api.dataset("Handbooks"), api.dataset("Others")
    assert refusal(api.send("post", "datasets", name="handBOOKS")) == (409, "dataset_name_taken")
    assert refusal(api.send("patch", f"datasets/{second}", name="HANDBOOKS")) == (
        409,
        "dataset_name_taken",
    )
    assert theirs.send("post", "datasets", name="Handbooks").status_code == 201
    api.client.delete(f"{URL}/{first}")
    assert api.send("post", "datasets", name="Handbooks").status_code == 201
    bot = api.bot("Handbooks")  # a private dataset is named as its bot
    api.teach(bot_profile_id=bot)


@pytest.mark.parametrize(
    ("fields", "loc"),
    [
        ({"name": " "}, ["name"]), ({"name": "x" * 256}, ["name"]), ({"name": None}, ["name"]),
        ({"name": "a\0"}, ["name"]), ({"tags": ["x" * 51]}, ["tags", 0]), ({"tags": [""]}, ["tags", 0]),
        ({"tags": ["a"] * 51}, ["tags"]), ({"tags": None}, ["tags"]), ({"metadata": []}, ["metadata"]),
        ({"metadata": {"x": "y" * 20_000}}, ["metadata"]), ({"is_active": None}, ["is_active"]),
        ({"embedding_model": ""}, ["embedding_model"]), ({"description": "x" * 1001}, ["description"]),
    ],
)  # fmt: skip
def test_a_bad_field_is_named_and_nothing_is_made(api, fields, loc):
    for method, path in (("post", "datasets"), ("patch", f"datasets/{api.dataset('Good')}")):
        response = api.send(method, path, **{"name": "x", **fields})
        assert (response.status_code, response.json()["detail"][0]["loc"]) == (422, ["body", *loc])
    assert [each["name"] for each in api.client.get(URL).json()["items"]] == ["Good"]


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "cursor=nonsense", "is_active=perhaps", "q=%00"]
)
def test_a_bad_query_is_422(api, query):
    assert api.client.get(f"{URL}?{query}").status_code == 422


def test_deleting_needs_force_while_sources_or_bots_hang_on_it(api, acme):
    dataset, bot = api.dataset(), api.bot()
    api.link(dataset, bot)
    assert refusal(api.client.delete(f"{URL}/{dataset}")) == (409, "dataset_in_use")
    api.client.delete(f"{URL}/{dataset}/bots/{bot}")
    source = api.teach(dataset_id=dataset)
    assert refusal(api.client.delete(f"{URL}/{dataset}?force=false")) == (409, "dataset_in_use")
    api.link(dataset, bot)
    assert api.answers(bot) == [source] * 3
    assert api.client.delete(f"{URL}/{dataset}?force=true").status_code == 204
    assert api.answers(bot) == []
    assert api.client.delete(f"{URL}/{dataset}").status_code == 204, "twice is as good as once"
    assert (
        api.client.get(f"{URL}/{dataset}").status_code == 404
        and api.client.get(URL).json()["items"] == []
    )
    assert api.client.get(f"/v1/sources/{source}").json()["is_active"] is False
    restored = api.send("patch", f"sources/{source}", is_active=True)
    assert refusal(restored) == (409, "dataset_deleted")
    for method, path in (("patch", f"datasets/{dataset}"), ("post", f"datasets/{dataset}/bots")):
        assert api.send(method, path, bot_profile_id=bot).status_code == 404
    assert api.client.delete(f"{URL}/{uuid.uuid4()}").status_code == 404


def test_a_bots_own_dataset_is_shown_and_neither_changed_linked_nor_deleted(api, acme):
    bot = api.bot()
    api.teach(bot_profile_id=bot)
    (own,) = api.client.get(f"{URL}?include_private=true").json()["items"]
    assert (own["is_shared"], own["bot_profile_id"], own["source_count"], own["bot_count"]) == (
        False,
        bot,
        1,
        1,
    )
    for response in (
        api.send("patch", f"datasets/{own['id']}", is_active=False), api.client.delete(f"{URL}/{own['id']}?force=true"),
        api.send("post", f"datasets/{own['id']}/bots", bot_profile_id=api.bot("Sales")),
        api.send("put", f"bot-profiles/{bot}/datasets", datasets=[{"dataset_id": own["id"]}]),
    ):  # fmt: skip
        assert refusal(response) == (409, "dataset_private")


def test_statistics_count_what_is_there(api, acme):
    dataset, bot = api.dataset(), api.bot()
    empty = api.client.get(f"{URL}/{dataset}/statistics").json()
    assert (empty["sources"], empty["chunks"], empty["bytes"], empty["last_activity_at"]) == (
        0,
        0,
        0,
        None,
    )
    assert empty["embedding_progress"] == 1.0
    api.link(dataset, bot, is_active=False)
    api.teach(dataset_id=dataset)
    api.make("sources", name="Later", source_type="text", content="ü", dataset_id=dataset)
    elsewhere = api.teach(RETURNS, bot_profile_id=bot)
    found = api.client.get(f"{URL}/{dataset}/statistics").json()
    assert found["sources_by_status"] == {"pending": 1, "processing": 0, "ready": 1, "error": 0}
    assert (found["sources"], found["documents"], found["chunks"]) == (2, 1, 3)
    assert (found["embedded_chunks"], found["embedding_progress"]) == (3, 1.0)
    assert (found["bots"], found["active_bots"], found["bytes"]) == (1, 0, len(HANDBOOK) + 2)
    assert found["tokens"] > 50 and found["characters"] > 400 and found["last_activity_at"]
    overview = api.client.get(f"{URL}/overview").json()
    assert (overview["sources"], overview["chunks"], overview["bots"], overview["active_bots"]) == (
        3,
        4,
        1,
        1,
    )
    api.client.delete(f"/v1/sources/{elsewhere}")
    assert api.client.get(f"{URL}/overview").json()["chunks"] == 3


# --- Links --------------------------------------------------------------------------------------------------------
def test_a_linked_bot_answers_from_the_dataset_and_another_does_not(api):
    dataset, bot, other = api.dataset(), api.bot(), api.bot("Sales")
    source = api.teach(dataset_id=dataset)
    assert api.answers(bot) == []
    link = api.link(dataset, bot)
    assert {key: link[key] for key in ("dataset_id", "bot_profile_id", "priority", "is_active", "is_searched")} == {
        "dataset_id": dataset, "bot_profile_id": bot, "priority": 1, "is_active": True, "is_searched": True,
    }  # fmt: skip
    assert set(api.answers(bot)) == {source} and api.answers(other) == []
    own = api.teach(RETURNS, name="Own", bot_profile_id=bot)
    assert set(api.answers(bot)) == {source, own}
    api.link(dataset, other)
    assert set(api.answers(other)) == {source}


@pytest.mark.parametrize("stop", ["link", "dataset", "unlink", "source", "delete"])
def test_what_is_switched_off_or_removed_stops_answering_with_the_next_question(api, stop):
    dataset, bot = api.dataset(), api.bot()
    source, own = api.teach(dataset_id=dataset), api.teach(RETURNS, name="Own", bot_profile_id=bot)
    api.link(dataset, bot)
    assert set(api.answers(bot)) == {source, own}
    link = f"datasets/{dataset}/bots/{bot}"
    done = {
        "link": lambda: api.send("patch", link, is_active=False),
        "dataset": lambda: api.send("patch", f"datasets/{dataset}", is_active=False),
        "unlink": lambda: api.client.delete(f"/v1/{link}"),
        "source": lambda: api.send("patch", f"sources/{source}", is_active=False),
        "delete": lambda: api.client.delete(f"/v1/datasets/{dataset}?force=true"),
    }[stop]()
    assert done.status_code in (200, 204)
    assert set(api.answers(bot)) == {own}
    if stop in ("link", "dataset"):
        assert api.client.get(f"/v1/bot-profiles/{bot}/datasets").json()[0]["is_searched"] is False
        path = link if stop == "link" else f"datasets/{dataset}"
        api.send("patch", path, is_active=True)
        assert set(api.answers(bot)) == {source, own}


def test_links_are_listed_changed_and_removed(api):
    first, second, bot = api.dataset("First"), api.dataset("Second"), api.bot()
    api.link(first, bot, priority=2)
    assert refusal(api.send("post", f"datasets/{first}/bots", bot_profile_id=bot)) == (
        409,
        "dataset_already_linked",
    )
    api.link(second, bot)
    listed = api.client.get(f"/v1/bot-profiles/{bot}/datasets").json()
    assert [(each["dataset_name"], each["priority"]) for each in listed] == [
        ("Second", 1),
        ("First", 2),
    ]
    assert [each["bot_name"] for each in api.client.get(f"{URL}/{first}/bots").json()] == [
        "Support"
    ]
    assert api.send("patch", f"datasets/{first}/bots/{bot}", priority=9).json()["priority"] == 9
    path = f"{URL}/{first}/bots/{bot}"
    assert [api.client.delete(path).status_code, api.client.delete(path).status_code] == [204, 204]
    assert api.send("patch", f"datasets/{first}/bots/{bot}", priority=9).status_code == 404
    assert [
        each["dataset_id"] for each in api.client.get(f"/v1/bot-profiles/{bot}/datasets").json()
    ] == [second]


def test_a_bots_links_are_replaced_whole_and_in_order(api):
    a, b, c, bot = api.dataset("A"), api.dataset("B"), api.dataset("C"), api.bot()
    api.link(a, bot, priority=7)

    def put(*wanted):
        return api.send("put", f"bot-profiles/{bot}/datasets", datasets=list(wanted))

    made = put(
        {"dataset_id": c}, {"dataset_id": b, "is_active": False}, {"dataset_id": a, "priority": 9}
    ).json()
    assert [(each["dataset_name"], each["priority"], each["is_active"]) for each in made] == [
        ("C", 1, True), ("B", 2, False), ("A", 9, True),
    ]  # fmt: skip
    assert refusal(put({"dataset_id": a}, {"dataset_id": a})) == (422, "dataset_named_twice")
    assert put({"dataset_id": a}, {"dataset_id": str(uuid.uuid4())}).status_code == 404
    assert len(api.client.get(f"/v1/bot-profiles/{bot}/datasets").json()) == 3, "all or none"
    assert [each["dataset_name"] for each in put({"dataset_id": b}).json()] == ["B"]
    assert put().json() == []


@pytest.mark.parametrize(
    ("fields", "loc"),
    [
        ({"priority": 0}, "priority"), ({"priority": 101}, "priority"), ({"priority": 10**30}, "priority"),
        ({"priority": "1"}, "priority"), ({"priority": None}, "priority"), ({"is_active": "yes"}, "is_active"),
    ],
)  # fmt: skip
def test_a_bad_link_is_422(api, fields, loc):
    dataset, bot = api.dataset(), api.bot()
    posted = api.send("post", f"datasets/{dataset}/bots", bot_profile_id=bot, **fields)
    api.link(dataset, bot)
    for response in (posted, api.send("patch", f"datasets/{dataset}/bots/{bot}", **fields)):
        assert (response.status_code, response.json()["detail"][0]["loc"]) == (422, ["body", loc])
    (link,) = api.client.get(f"{URL}/{dataset}/bots").json()
    assert (link["priority"], link["is_active"]) == (1, True)


def test_another_tenants_bots_and_datasets_are_not_there(api, theirs):
    dataset, bot = api.dataset(), api.bot()
    api.link(dataset, bot)
    foreign, own = theirs.bot(), theirs.dataset()
    assert refusal(api.send("post", f"datasets/{dataset}/bots", bot_profile_id=foreign)) == (
        422,
        "bot_not_found",
    )
    assert (
        theirs.send("post", f"datasets/{dataset}/bots", bot_profile_id=foreign).status_code == 404
    )
    assert (
        theirs.send(
            "put", f"bot-profiles/{foreign}/datasets", datasets=[{"dataset_id": dataset}]
        ).status_code
        == 404
    )
    assert (
        theirs.send(
            "put", f"bot-profiles/{bot}/datasets", datasets=[{"dataset_id": own}]
        ).status_code
        == 404
    )
    refused = theirs.send("post", "sources", name="x", source_type="text", dataset_id=dataset)
    assert refused.status_code == 404
    assert theirs.client.get(f"/v1/sources?dataset_id={dataset}").json() == []


# --- Embedding models ---------------------------------------------------------------------------------------------
def test_a_bot_with_another_embedding_model_cannot_be_linked(api):
    dataset, bot = api.dataset(), api.bot()
    api.send("patch", f"bot-profiles/{bot}", embedding_model="openai/text-embedding-3-small")
    assert refusal(api.send("post", f"datasets/{dataset}/bots", bot_profile_id=bot)) == (
        409,
        "embedding_model_differs",
    )
    put = api.send("put", f"bot-profiles/{bot}/datasets", datasets=[{"dataset_id": dataset}])
    assert refusal(put) == (409, "embedding_model_differs")


def test_a_datasets_model_changes_only_while_nothing_depends_on_it(api):
    dataset, bot = api.dataset(), api.bot()
    api.link(dataset, bot)
    path, other = f"datasets/{dataset}", "openai/text-embedding-3-small"
    assert refusal(api.send("patch", path, embedding_model=other)) == (
        409,
        "embedding_model_differs",
    )
    api.client.delete(f"{URL}/{dataset}/bots/{bot}")
    assert api.send("patch", path, embedding_model=other).json()["embedding_model"] == other
    api.send("patch", path, embedding_model="minirag/hash")
    api.teach(dataset_id=dataset)
    assert refusal(api.send("patch", path, embedding_model=other)) == (409, "embedding_model_fixed")


def test_a_dataset_that_a_bot_has_left_behind_is_found_by_its_words_only(api, acme, monkeypatch):
    dataset, bot = api.dataset(), api.bot()
    shared, own = api.teach(dataset_id=dataset), api.teach(RETURNS, name="Own", bot_profile_id=bot)
    api.link(dataset, bot)
    with tenant_context(acme.tenant):
        # As after a re-embedding with another model of the same size.
        BotProfile.objects.filter(pk=bot).update(embedding_model="minirag/minilm")
        Dataset.objects.filter(bot_profile=bot).update(embedding_model="minirag/minilm")
        monkeypatch.setattr(
            "knowledge.retrieval.retrieving.embed_query",
            lambda model, text, **options: embed_query("minirag/hash", text),
        )
        found = async_to_sync(retrieve)(BotProfile.objects.get(pk=bot), QUESTION, audience=ANYONE)
    by_source = {str(passage.source_id): passage for passage in found.passages}
    assert by_source[shared].cosine == 0 and by_source[shared].bm25 > 0
    assert found.mode == "hybrid" and by_source[own].cosine > 0


# --- Priority -----------------------------------------------------------------------------------------------------
def test_of_the_same_text_in_two_datasets_that_of_the_first_priority_answers(api):
    first, second, bot = api.dataset("First"), api.dataset("Second"), api.bot()
    a, b = api.teach(dataset_id=first), api.teach(dataset_id=second)
    api.send(
        "put", f"bot-profiles/{bot}/datasets", datasets=[{"dataset_id": second}, {"dataset_id": first}]
    )  # fmt: skip
    assert b in api.answers(bot) and a not in api.answers(bot)
    api.send("patch", f"datasets/{first}/bots/{bot}", priority=1)
    api.send("patch", f"datasets/{second}/bots/{bot}", priority=2)
    assert a in api.answers(bot) and b not in api.answers(bot)


def test_a_bots_own_dataset_comes_before_a_second_priority(api):
    dataset, bot = api.dataset(), api.bot()
    shared, own = api.teach(dataset_id=dataset), api.teach(bot_profile_id=bot)
    api.link(dataset, bot, priority=2)
    assert own in api.answers(bot) and shared not in api.answers(bot)


def test_no_priority_moves_a_passage_that_fits_clearly_better(api):
    dataset, bot = api.dataset(), api.bot()
    shared, own = api.teach(dataset_id=dataset), api.teach(RETURNS, bot_profile_id=bot)
    api.link(dataset, bot, priority=100)
    assert api.answers(bot)[0] == shared and own in api.answers(bot)


# --- Sources of a shared dataset ----------------------------------------------------------------------------------
def test_a_source_of_a_shared_dataset_needs_no_bot_and_says_where_it_is(api):
    dataset = api.dataset()
    for fields in ({}, {"bot_profile_id": None}):
        made = api.make(
            "sources", name="x", source_type="text", content="x", dataset_id=dataset, **fields
        )
        assert (made["bot_profile_id"], made["dataset_id"]) == (None, dataset)
    listed = api.client.get(f"/v1/sources?dataset_id={dataset}").json()
    assert (
        len(listed) == 2 and listed[0] == made == api.client.get(f"/v1/sources/{made['id']}").json()
    )
    batch = api.make(
        "sources/batch",
        name="p",
        dataset_id=dataset,
        children=[{"name": "c", "source_type": "text"}],
    )
    assert batch["parent"]["dataset_id"] == batch["children"][0]["dataset_id"] == dataset


def test_a_bot_named_with_a_dataset_must_be_linked_and_then_pays(api, acme):
    dataset, bot = api.dataset(), api.bot()
    body = {
        "name": "x",
        "source_type": "text",
        "bot_profile_id": bot,
        "dataset_id": dataset,
        "content": HANDBOOK,
    }
    assert refusal(api.send("post", "sources", **body)) == (422, "dataset_not_linked")
    api.link(dataset, bot, is_active=False)
    source = api.teach(dataset_id=dataset, bot_profile_id=bot)
    assert api.client.get(f"/v1/sources/{source}").json()["bot_profile_id"] == bot
    assert api.answers(bot) == [], "an inactive link is not searched, whoever pays"
    with tenant_context(acme.tenant):
        assert [
            str(event.bot_profile_id) for event in UsageEvent.objects.filter(source_id=source)
        ] == [bot]
    api.client.delete(f"{URL}/{dataset}/bots/{bot}")
    assert api.client.get(f"/v1/sources/{source}").json()["bot_profile_id"] is None


def test_a_source_without_a_bot_is_put_down_to_the_first_linked_one(api, acme):
    dataset, late, early = api.dataset(), api.bot("Late"), api.bot("Early")
    api.link(dataset, late, priority=2)
    api.link(dataset, early, priority=1)
    source = api.teach(dataset_id=dataset)
    with tenant_context(acme.tenant):
        assert [
            str(event.bot_profile_id) for event in UsageEvent.objects.filter(source_id=source)
        ] == [early]


def test_a_model_that_costs_money_waits_for_a_bot_that_pays(api, acme):
    dataset = api.make("datasets", name="Paid", embedding_model="openai/text-embedding-3-small")[
        "id"
    ]
    source = api.make(
        "sources", name="x", source_type="text", content=HANDBOOK, dataset_id=dataset
    )["id"]
    with tenant_context(acme.tenant):
        ingest(uuid.UUID(source))
    shown = api.client.get(f"/v1/sources/{source}").json()
    assert shown["status"] == "error" and "Link a bot" in shown["error_message"]
    bot = api.make("bot-profiles", name="Rich", embedding_model="openai/text-embedding-3-small")[
        "id"
    ]
    api.link(dataset, bot)
    assert api.client.get(f"/v1/sources/{source}").json()["status"] == "pending", "it is queued"


def test_the_contracts_errors_of_a_missing_bot_are_as_they_were(api):
    def fault(**body):
        response = api.send("post", "sources", name="x", source_type="text", **body)
        return (
            response.status_code,
            response.json()["detail"][0]["type"],
            response.json()["detail"][0]["loc"],
        )

    where = ["body", "bot_profile_id"]
    assert fault() == (422, "missing", where)
    assert fault(bot_profile_id=None) == (422, "uuid_type", where)
    assert fault(bot_profile_id="x") == fault(bot_profile_id="x", dataset_id=api.dataset()) == (
        422, "uuid_parsing", where,
    )  # fmt: skip
    assert fault(bot_profile_id=None, dataset_id="x")[2] == ["body", "dataset_id"]


def test_a_parent_of_another_dataset_is_refused(api):
    first, second = api.dataset("1"), api.dataset("2")
    parent = api.make("sources", name="p", source_type="text", dataset_id=first)["id"]
    body = {"name": "c", "source_type": "text", "parent_id": parent}
    assert refusal(api.send("post", "sources", dataset_id=second, **body)) == (
        422,
        "parent_of_other_bot",
    )
    assert api.make("sources", dataset_id=first, **body)["parent_id"] == parent


def test_a_dataset_is_of_one_bot_or_of_all(api, acme):
    bot, other = api.bot(), api.bot("Sales")
    api.teach(bot_profile_id=bot)
    own = api.client.get(f"{URL}?include_private=true").json()["items"][0]["id"]
    refused = api.send(
        "post", "sources", name="x", source_type="text", bot_profile_id=other, dataset_id=own
    )
    assert refusal(refused) == (422, "dataset_of_other_bot")
    made = api.make("sources", name="x", source_type="text", dataset_id=own)
    assert made["bot_profile_id"] == bot and "dataset_id" not in made, (
        "as if it were made with the bot"
    )


def test_a_bot_that_is_erased_takes_its_own_sources_along_and_leaves_shared_ones(api, acme):
    dataset, bot = api.dataset(), api.bot()
    api.link(dataset, bot)
    shared, own = api.teach(dataset_id=dataset, bot_profile_id=bot), api.teach(bot_profile_id=bot)
    with tenant_context(acme.tenant):
        BotProfile.objects.get(pk=bot).delete()
        assert list(Source.objects.values_list("pk", "bot_profile")) == [(uuid.UUID(shared), None)]
        assert not BotDataset.objects.exists() and own


def test_deleting_one_with_its_sources_waits_for_a_swap_before_it_holds_any_row(api):
    dataset = api.dataset()
    api.teach(dataset_id=dataset)
    api.link(dataset, api.bot())
    with CaptureQueriesContext(connection) as asked:
        assert api.client.delete(f"/v1/datasets/{dataset}?force=true").status_code == 204
    held = [
        each["sql"]
        for each in asked
        if any(lock in each["sql"] for lock in ("FOR UPDATE", "FOR NO KEY UPDATE", "advisory"))
    ]
    assert "pg_advisory_xact_lock" in held[0]
    rows = ("knowledge_source", "bots_botprofile", "knowledge_dataset")
    assert [f'FROM "{table}"' in lock for table, lock in zip(rows, held[1:], strict=False)] == [
        True
    ] * 3
