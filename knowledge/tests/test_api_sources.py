"""/v1/sources: the contract's object, its lists and aggregates, its soft deletes, and what is refused."""

from __future__ import annotations

import re
import uuid

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from knowledge.models import ANYONE, Dataset, Source
from knowledge.sources.configs import reveal_secret
from minirag.lib.jobs.job import ClaimLost
from tenants.context import tenant_context

URL = "/v1/sources"
JSON = "application/json"
KEYS = {
    "id", "tenant_id", "bot_profile_id", "parent_id", "name", "description", "source_type", "status", "config",
    "document_count", "chunk_count", "error_message", "is_active", "refresh_schedule", "last_refreshed_at",
    "children_count", "created_at", "updated_at",
}  # fmt: skip
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?")
NO_BOT = "Bot profile not found or belongs to a different tenant"


def make_bot(client, name="Support"):
    return client.post("/v1/bot-profiles", {"name": name}, content_type=JSON).json()["id"]


@pytest.fixture
def bot(as_acme):
    return make_bot(as_acme)


@pytest.fixture
def post(as_acme, bot):
    """Create a source of acme's bot and return the response."""

    def create(**fields):
        body = {"bot_profile_id": bot, "name": "Manual", "source_type": "text", **fields}
        return as_acme.post(URL, body, content_type=JSON)

    return create


@pytest.fixture
def make(post):
    return lambda **fields: post(**fields).json()


@pytest.fixture
def write(acme):
    """Change rows of acme as a worker would."""

    def update(pk, **fields):
        with tenant_context(acme.tenant):
            Source.objects.filter(pk=pk).update(**fields)

    return update


@pytest.fixture
def row(acme):
    def read(pk):
        with tenant_context(acme.tenant):
            return Source.objects.get(pk=pk)

    return read


def change(client, pk, **fields):
    return client.patch(f"{URL}/{pk}", fields, content_type=JSON)


def ids(response):
    assert response.status_code == 200
    return [source["id"] for source in response.json()]


# --- Creating -----------------------------------------------------------------------------------------------------
def test_a_source_has_exactly_the_contracts_keys_and_defaults(post, as_acme, acme, bot, row):
    response = post(content="The pump runs.", colour="red", status="ready", is_active=False)
    source = response.json()
    assert response.status_code == 201
    assert source.pop("ignored") == ["colour"]
    assert response["X-Ignored-Fields"] == "colour, status, is_active"
    assert set(source) == KEYS
    fixed = {key: source[key] for key in KEYS - {"id", "created_at", "updated_at"}}
    assert fixed == {
        "tenant_id": str(acme.tenant.pk), "bot_profile_id": bot, "parent_id": None, "name": "Manual",
        "description": "", "source_type": "text", "status": "pending", "config": {}, "document_count": 0,
        "chunk_count": 0, "error_message": None, "is_active": True, "refresh_schedule": None,
        "last_refreshed_at": None, "children_count": 0,
    }  # fmt: skip
    assert TIME.fullmatch(source["created_at"])
    assert as_acme.get(f"{URL}/{source['id']}").json() == source
    assert (row(source["id"]).content, row(source["id"]).queued_at) == ("The pump runs.", None)


def test_each_bot_has_one_private_dataset_for_its_sources(make, as_acme, acme, bot, row):
    first, second = make(), make()
    other = as_acme.post(
        URL,
        {"bot_profile_id": make_bot(as_acme, "Sales"), "name": "x", "source_type": "text"},
        content_type=JSON,
    ).json()
    assert (
        row(first["id"]).dataset_id == row(second["id"]).dataset_id != row(other["id"]).dataset_id
    )
    with tenant_context(acme.tenant):
        assert Dataset.objects.get(bot_profile=bot).embedding_model


def test_an_inactive_bot_takes_sources(post, as_acme, bot):
    as_acme.delete(f"/v1/bot-profiles/{bot}")
    assert post().status_code == 201


def test_a_missing_bot_and_another_tenants_are_422(post, as_globex, bot):
    for pk in (str(uuid.uuid4()), make_bot(as_globex)):
        response = post(bot_profile_id=pk)
        assert (response.status_code, response.json()["detail"]) == (422, NO_BOT)
    response = as_globex.post(
        URL, {"bot_profile_id": bot, "name": "x", "source_type": "text"}, content_type=JSON
    )
    assert (response.status_code, response.json()["detail"]) == (422, NO_BOT)


def test_a_parent_must_exist_be_of_the_same_bot_and_no_child_itself(post, make, as_acme, as_globex):
    parent = make()
    child = make(parent_id=parent["id"])
    assert child["parent_id"] == parent["id"]
    other_bot = make_bot(as_acme, "Sales")
    foreign = as_globex.post(
        URL,
        {"bot_profile_id": make_bot(as_globex), "name": "x", "source_type": "text"},
        content_type=JSON,
    ).json()
    for fields, status, detail in (
        ({"parent_id": str(uuid.uuid4())}, 404, "Source not found"),
        ({"parent_id": foreign["id"]}, 404, "Source not found"),
        ({"parent_id": parent["id"], "bot_profile_id": other_bot}, 422,
         "Parent source belongs to a different bot profile"),
        ({"parent_id": child["id"]}, 422, "Nesting beyond one level is not allowed"),
    ):  # fmt: skip
        response = post(**fields)
        assert (response.status_code, response.json()["detail"]) == (status, detail)


def test_an_inactive_parent_is_accepted(post, make, as_acme):
    parent = make()
    as_acme.delete(f"{URL}/{parent['id']}")
    assert post(parent_id=parent["id"]).status_code == 201


BAD = [
    ({"name": None}, "string_type"),
    ({"name": "x" * 256}, "string_too_long"),
    ({"name": "\0"}, "string_unicode"),
    ({"description": None}, "string_type"),
    ({"description": "x" * 1001}, "string_too_long"),
    ({"config": None}, "dict_type"),
    ({"config": []}, "dict_type"),
    ({"content": 5}, "string_type"),
    ({"content": "a\0b"}, "string_unicode"),
    ({"refresh_schedule": "yearly"}, "enum"),
]


@pytest.mark.parametrize(
    ("fields", "kind"),
    [*BAD, ({"bot_profile_id": "x"}, "uuid_parsing"), ({"bot_profile_id": None}, "uuid_type"),
     ({"source_type": "video"}, "enum"), ({"source_type": None}, "enum"), ({"parent_id": "x"}, "uuid_parsing")],
)  # fmt: skip
def test_a_bad_field_of_a_new_source_is_named(post, as_acme, fields, kind):
    response = post(**fields)
    error = response.json()["detail"][0]
    assert (response.status_code, error["type"], error["loc"]) == (
        422,
        kind,
        ["body", next(iter(fields))],
    )
    assert as_acme.get(URL).json() == []


@pytest.mark.parametrize(("fields", "kind"), [*BAD, ({"is_active": None}, "bool_type"),
                                              ({"is_active": "maybe"}, "bool_parsing")])  # fmt: skip
def test_a_bad_field_of_a_change_is_named_and_the_source_stays_readable(
    make, as_acme, fields, kind
):
    source = make()
    response = change(as_acme, source["id"], **fields)
    error = response.json()["detail"][0]
    assert (response.status_code, error["type"], error["loc"]) == (
        422,
        kind,
        ["body", next(iter(fields))],
    )
    assert as_acme.get(URL).json() == [source]


def test_a_nul_deep_in_the_config_is_named(post):
    response = post(config={"a": [{"b": "\0"}]})
    assert (response.status_code, response.json()["detail"][0]["loc"]) == (
        422,
        ["body", "config", "a", 0, "b"],
    )


def test_a_body_over_the_limit_is_413(post, settings):
    settings.MAX_BODY_BYTES = 1000
    response = post(content="x" * 2000)
    assert (response.status_code, response.json()["code"]) == (413, "body_too_large")


# --- URL and nyxCore configs --------------------------------------------------------------------------------------
@pytest.mark.parametrize("verb", ["create", "patch"])
@pytest.mark.parametrize("url", ["http://127.0.0.1/", "http://169.254.169.254/latest", "http://localhost/",
                                 "ftp://example.com", "http://10.0.0.1",
                                 "nonsense", "", 5, None, "https://a.com/" + "x" * 2100])  # fmt: skip
def test_a_url_that_may_not_be_fetched_is_refused_when_it_is_saved(post, make, as_acme, url, verb):
    good = make(source_type="url", config={"url": "https://example.com/"})
    response = (
        post(source_type="url", config={"url": url})
        if verb == "create"
        else change(as_acme, good["id"], config={"url": url})
    )
    assert response.status_code == 422
    assert response.json()["detail"].startswith("config.url")
    assert as_acme.get(URL).json() == [good]


def test_a_private_host_that_the_operator_allowed_is_accepted(post, settings):
    settings.OUTBOUND_ALLOWED_HOSTS = ["127.0.0.1"]
    assert post(source_type="url", config={"url": "http://127.0.0.1:8080/"}).status_code == 201


def test_an_nyxcore_token_is_encrypted_and_never_shown(post, as_acme, row):
    response = post(
        source_type="nyxcore",
        config={"api_token": "nyx_ax_1", "limit": 5, "authority": ["mandatory"]},
    )
    source = response.json()
    assert source["config"] == {"limit": 5, "authority": ["mandatory"], "has_api_token": True}
    kept = row(source["id"])
    assert "nyx_ax_1" not in str(kept.config)
    assert set(kept.config) == {"limit", "authority", "encrypted_token"}
    assert as_acme.get(f"{URL}/{source['id']}").json()["config"] == source["config"]
    assert as_acme.get(URL).json()[0]["config"] == source["config"]


def test_a_change_of_an_nyxcore_config_keeps_replaces_or_forgets_its_token(
    make, as_acme, acme, row
):
    pk = make(source_type="nyxcore", config={"api_token": "nyx_ax_1"})["id"]

    def token():
        with tenant_context(acme.tenant):
            return reveal_secret(row(pk))

    assert token() == "nyx_ax_1"
    shown = change(
        as_acme, pk, config={"limit": 3, "has_api_token": False, "encrypted_token": "forged"}
    ).json()
    assert (shown["config"], token()) == ({"limit": 3, "has_api_token": True}, "nyx_ax_1")
    change(as_acme, pk, config={"api_token": "nyx_ax_2"})
    assert token() == "nyx_ax_2"
    assert change(as_acme, pk, config={"api_token": None}).json()["config"] == {}
    assert token() is None


def test_a_kept_nyxcore_token_never_goes_to_another_server(make, as_acme, acme, row):
    config = {"base_url": "https://axiom.example.com/eu", "api_token": "nyx_ax_1"}
    pk = make(source_type="nyxcore", config=config)["id"]
    same = {"base_url": "https://AXIOM.example.com:443/us"}
    assert change(as_acme, pk, config=same).json()["config"] == {**same, "has_api_token": True}
    other = {"base_url": "https://evil.example.com/"}
    assert change(as_acme, pk, config=other).json()["config"] == other
    assert "encrypted_token" not in row(pk).config


@pytest.mark.parametrize("config", [{"api_token": 5}, {"api_token": ["x"]}, {"limit": 0}, {"limit": "ten"},
                                    {"limit": 51}, {"limit": None}, {"limit": True}, {"authority": None},
                                    {"api_token": "with space"}, {"api_token": "x" * 513}, {"api_token": "line\n"},
                                    {"min_score": 2}, {"min_score": "x"}, {"min_score": None},
                                    {"base_url": None}, {"base_url": "https://a.example.com/?x=1"},
                                    {"base_url": "https://u:p@a.example.com"}, {"base_url": "ftp://a.example.com"},
                                    {"authority": "mandatory"}, {"authority": ["law"]}, {"authority": [{}]},
                                    {"base_url": "http://127.0.0.1"}, {"base_url": 5}])  # fmt: skip
def test_a_bad_nyxcore_config_is_refused_without_echoing_it(post, config):
    response = post(source_type="nyxcore", config={"api_token": "nyx_ax_secret", **config})
    assert response.status_code == 422
    assert isinstance(response.json()["detail"], str)
    assert b"nyx_ax_secret" not in response.content


# --- Reading ------------------------------------------------------------------------------------------------------
def test_the_list_is_top_level_newest_first_and_active_only(make, as_acme):
    first, second, third = make(), make(), make()
    child = make(parent_id=first["id"])
    change(as_acme, second["id"], is_active=False)
    assert ids(as_acme.get(URL)) == [third["id"], first["id"]]
    assert ids(as_acme.get(f"{URL}?include_children=true")) == [
        child["id"],
        third["id"],
        first["id"],
    ]


def test_the_list_can_be_of_one_bot_or_one_parent(make, as_acme, bot):
    sales = make_bot(as_acme, "Sales")
    mine, theirs = make(), make(bot_profile_id=sales)
    a, b = make(parent_id=mine["id"]), make(parent_id=mine["id"])
    assert ids(as_acme.get(f"{URL}?bot_profile_id={bot}")) == [mine["id"]]
    assert ids(as_acme.get(f"{URL}?bot_profile_id={sales}")) == [theirs["id"]]
    assert ids(as_acme.get(f"{URL}?parent_id={mine['id']}")) == [b["id"], a["id"]]
    assert ids(as_acme.get(f"{URL}?parent_id={uuid.uuid4()}")) == []
    assert ids(as_acme.get(f"{URL}?parent_id={mine['id']}&bot_profile_id={sales}")) == []


@pytest.mark.parametrize("query", ["bot_profile_id=x", "parent_id=1", "include_children=perhaps"])
def test_a_bad_filter_names_its_parameter(as_acme, query):
    response = as_acme.get(f"{URL}?{query}")
    assert (response.status_code, response.json()["detail"][0]["loc"]) == (
        422,
        ["query", query.partition("=")[0]],
    )


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        (["ready", "error", "processing"], "processing"),
        (["ready", "error", "pending"], "error"),
        (["ready", "ready"], "ready"),
        (["ready", "pending"], "pending"),
    ],
)
def test_a_parent_shows_the_sum_of_its_active_children(make, as_acme, write, statuses, expected):
    parent = make()
    write(parent["id"], chunk_count=99, document_count=3, status="error", error_message="its own")
    for number, status in enumerate(statuses):
        write(make(parent_id=parent["id"])["id"], chunk_count=10 + number, status=status)
    gone = make(parent_id=parent["id"])
    write(gone["id"], chunk_count=1000, status="error", is_active=False)
    for shown in (as_acme.get(f"{URL}/{parent['id']}").json(), as_acme.get(URL).json()[0]):
        assert shown["chunk_count"] == sum(range(10, 10 + len(statuses)))
        assert (shown["children_count"], shown["status"]) == (len(statuses), expected)
        assert (shown["document_count"], shown["error_message"]) == (3, "its own")
    flat = {item["id"]: item for item in as_acme.get(f"{URL}?include_children=true").json()}
    assert (flat[parent["id"]]["children_count"], flat[parent["id"]]["chunk_count"]) == (0, 99)


def test_a_parent_without_active_children_shows_its_own_figures(make, as_acme, write):
    parent = make()
    write(parent["id"], chunk_count=4, status="ready")
    write(make(parent_id=parent["id"])["id"], is_active=False, chunk_count=7)
    shown = as_acme.get(f"{URL}/{parent['id']}").json()
    assert (shown["children_count"], shown["chunk_count"], shown["status"]) == (0, 4, "ready")


def test_the_list_costs_as_many_queries_for_many_parents_as_for_one(make, as_acme):
    make(parent_id=make()["id"])
    with CaptureQueriesContext(
        connection,
    ) as few:
        as_acme.get(URL)
    for _ in range(5):
        make(parent_id=make()["id"])
    with CaptureQueriesContext(connection) as many:
        as_acme.get(URL)
    assert len(many) == len(few)


def test_children_are_listed_oldest_first_and_a_leaf_has_none(make, as_acme):
    parent = make()
    children = [make(parent_id=parent["id"])["id"] for _ in range(3)]
    as_acme.delete(f"{URL}/{children[1]}")
    assert ids(as_acme.get(f"{URL}/{parent['id']}/children")) == [children[0], children[2]]
    assert ids(as_acme.get(f"{URL}/{children[0]}/children")) == []


# --- Changing and deleting ----------------------------------------------------------------------------------------
def test_a_change_keeps_what_it_does_not_name_and_starts_no_ingestion(make, as_acme, row):
    source = make(config={"a": 1}, content="old", refresh_schedule="daily", description="d")
    changed = change(
        as_acme, source["id"], name="New", config={"b": 2}, source_type="url", bot_profile_id="x"
    ).json()
    assert changed | {"updated_at": ""} == source | {
        "name": "New",
        "config": {"b": 2},
        "updated_at": "",
    }
    assert changed["updated_at"] > source["updated_at"]
    kept = row(source["id"])
    assert (kept.content, kept.queued_at) == ("old", None)
    assert change(as_acme, source["id"], refresh_schedule=None).json()["refresh_schedule"] is None
    change(as_acme, source["id"], content=None)
    assert row(source["id"]).content is None


def test_a_change_answers_without_aggregates(make, as_acme):
    parent = make()
    make(parent_id=parent["id"])
    assert change(as_acme, parent["id"], name="x").json()["children_count"] == 0


def test_a_change_leaves_a_running_ingestion_alone(make, as_acme, write, row):
    source = make()
    write(source["id"], status="processing", progress_stage="embedding")
    change(as_acme, source["id"], name="New")
    assert (row(source["id"]).status, row(source["id"]).progress_stage) == (
        "processing",
        "embedding",
    )


def test_deleting_is_soft_cascades_to_children_and_can_be_repeated(make, as_acme, acme, write, row):
    parent = make()
    child = make(parent_id=parent["id"])
    write(child["id"], chunk_count=3, status="ready")
    for _ in range(2):
        response = as_acme.delete(f"{URL}/{parent['id']}")
        assert (response.status_code, response.content) == (204, b"")
    assert ids(as_acme.get(URL)) == ids(as_acme.get(f"{URL}?include_children=true")) == []
    for source in (parent, child):
        shown = as_acme.get(f"{URL}/{source['id']}")
        assert (shown.status_code, shown.json()["is_active"]) == (200, False)
    with tenant_context(acme.tenant):
        assert not Source.objects.answering(row(child["id"]).bot_profile_id, ANYONE).exists()


def test_deleting_a_child_leaves_its_parent_and_siblings(make, as_acme):
    parent = make()
    first, second = make(parent_id=parent["id"]), make(parent_id=parent["id"])
    as_acme.delete(f"{URL}/{first['id']}")
    assert ids(as_acme.get(f"{URL}/{parent['id']}/children")) == [second["id"]]
    assert as_acme.get(f"{URL}/{parent['id']}").json()["children_count"] == 1


def test_a_deleted_source_that_is_activated_again_comes_back_and_is_ingested_anew(
    make, as_acme, row
):
    source = make(content="The pump runs.")
    as_acme.delete(f"{URL}/{source['id']}")
    assert change(as_acme, source["id"], is_active=True).json()["is_active"] is True
    assert ids(as_acme.get(URL)) == [source["id"]]
    assert row(source["id"]).deleted_at is None
    assert row(source["id"]).queued_at is not None


# --- Ingesting ----------------------------------------------------------------------------------------------------
def test_ingestion_is_queued_and_the_status_stays_until_a_worker_takes_it(make, as_acme, row):
    pk = make(content="x")["id"]
    for _ in range(2):
        response = as_acme.post(f"{URL}/{pk}/ingest")
        assert response.status_code == 202
        assert response.json() == {
            "status": "accepted",
            "message": f"Ingestion queued for source {pk}",
        }
    assert (row(pk).status, row(pk).queued_at is None) == ("pending", False)


def test_a_source_that_is_being_processed_is_a_conflict(make, as_acme, write):
    pk = make()["id"]
    write(pk, status="processing")
    response = as_acme.post(f"{URL}/{pk}/ingest")
    assert (response.status_code, response.json()["detail"]) == (
        409,
        "Source is already being processed",
    )


def test_what_waits_is_cancelled_and_what_does_not_is_a_conflict(make, as_acme, row):
    pk = make(content="x")["id"]
    as_acme.post(f"{URL}/{pk}/ingest")
    response = as_acme.post(f"{URL}/{pk}/cancel")
    assert (response.status_code, response.json()["status"]) == (200, "pending")
    assert row(pk).queued_at is None
    again = as_acme.post(f"{URL}/{pk}/cancel")
    assert (again.status_code, again.json()["code"]) == (409, "source_not_processing")


def test_what_a_worker_is_at_is_cancelled_and_can_be_asked_for_again(make, as_acme, acme, row):
    pk = make(content="x")["id"]
    with tenant_context(acme.tenant):
        held = Source.objects.claim(uuid.UUID(pk))
    shown = as_acme.post(f"{URL}/{pk}/cancel").json()
    assert (shown["status"], shown["error_message"]) == ("pending", "The ingestion was cancelled.")
    with tenant_context(acme.tenant), pytest.raises(ClaimLost):
        held.report("embedding")
    assert as_acme.post(f"{URL}/{pk}/ingest").status_code == 202


def test_members_may_not_cancel(make, as_acme, as_bob):
    pk = make(content="x")["id"]
    as_acme.post(f"{URL}/{pk}/ingest")
    assert as_bob.post(f"{URL}/{pk}/cancel").status_code == 403


def test_a_deleted_source_is_accepted_for_ingestion(make, as_acme):
    pk = make()["id"]
    as_acme.delete(f"{URL}/{pk}")
    assert as_acme.post(f"{URL}/{pk}/ingest").status_code == 202


def test_all_idle_children_are_queued_at_once(make, as_acme, write, row):
    parent = make()
    idle, busy, gone = (make(parent_id=parent["id"])["id"] for _ in range(3))
    write(busy, status="processing")
    write(gone, is_active=False)
    response = as_acme.post(f"{URL}/{parent['id']}/ingest-children")
    assert response.status_code == 202
    assert response.json() == {
        "status": "accepted",
        "message": "Ingestion queued for 1 child sources",
        "enqueued": 1,
    }
    assert [row(pk).queued_at is not None for pk in (idle, busy, gone)] == [True, False, False]
    leaf = as_acme.post(f"{URL}/{idle}/ingest-children").json()
    assert leaf == {
        "status": "accepted",
        "message": "Ingestion queued for 0 child sources",
        "enqueued": 0,
    }


# --- Batches ------------------------------------------------------------------------------------------------------
def post_batch(client, bot, **fields):
    body = {"bot_profile_id": bot, "name": "Site", **fields}
    return client.post(f"{URL}/batch", body, content_type=JSON)


def test_a_batch_makes_a_parent_and_its_children(as_acme, bot):
    urls = [f"https://example.com/{number}" for number in range(3)]
    pages = [
        {"name": f"Page {n}", "source_type": "url", "config": {"url": url}}
        for n, url in enumerate(urls)
    ]
    response = post_batch(as_acme, bot, children=pages, refresh_schedule="daily")
    payload = response.json()
    assert (response.status_code, set(payload)) == (201, {"parent", "children"})
    parent = payload["parent"]
    assert set(parent) == KEYS
    assert (parent["source_type"], parent["refresh_schedule"], parent["parent_id"]) == (
        "url",
        None,
        None,
    )
    assert [child["name"] for child in payload["children"]] == ["Page 0", "Page 1", "Page 2"]
    assert all(
        child["parent_id"] == parent["id"] and child["bot_profile_id"] == bot
        for child in payload["children"]
    )
    listed = as_acme.get(f"{URL}/{parent['id']}/children")
    assert ids(listed) == [child["id"] for child in payload["children"]]


def test_nyxcore_tokens_of_a_batch_are_encrypted_too(as_acme, acme, bot, row):
    child = {"name": "Axiom", "source_type": "nyxcore", "config": {"api_token": "nyx_ax_9"}}
    response = post_batch(as_acme, bot, children=[child])
    assert b"nyx_ax_9" not in response.content
    made = response.json()["children"][0]
    assert made["config"] == {"has_api_token": True}
    with tenant_context(acme.tenant):
        assert reveal_secret(row(made["id"])) == "nyx_ax_9"


@pytest.mark.parametrize(
    ("fields", "loc"),
    [
        ({"children": None}, ["children"]),
        ({"children": [{}]}, ["children", 0, "name"]),
        ({"children": [{"name": "x" * 256, "source_type": "text"}]}, ["children", 0, "name"]),
        ({"children": [{"name": "x", "description": "x" * 1001, "source_type": "text"}]},
         ["children", 0, "description"]),
        ({"children": [{"name": "x", "source_type": "text", "config": None}]}, ["children", 0, "config"]),
        ({"children": [{"name": "a\0", "source_type": "text"}]}, ["children", 0, "name"]),
        ({"children": [{"name": "x", "source_type": "text"}], "name": "x" * 256}, ["name"]),
    ],
)  # fmt: skip
def test_a_bad_batch_names_the_field_and_makes_nothing(as_acme, bot, fields, loc):
    response = post_batch(as_acme, bot, **fields)
    assert (response.status_code, response.json()["detail"][0]["loc"]) == (422, ["body", *loc])
    assert as_acme.get(f"{URL}?include_children=true").json() == []


def test_a_batch_of_more_than_1000_children_is_refused_whole(as_acme, bot):
    response = post_batch(as_acme, bot, children=[{"name": "x", "source_type": "text"}] * 1001)
    assert (response.status_code, response.json()["code"]) == (422, "too_many_children")
    assert as_acme.get(f"{URL}?include_children=true").json() == []


def test_a_batch_is_all_or_nothing_and_needs_a_child_and_a_bot_of_ones_own(as_acme, as_globex, bot):
    response = post_batch(as_acme, bot, children=[])
    assert (response.status_code, response.json()["detail"]) == (
        422,
        "At least one child source is required",
    )
    good = {"name": "x", "source_type": "text"}
    private = {"name": "y", "source_type": "url", "config": {"url": "http://127.0.0.1"}}
    assert post_batch(as_acme, bot, children=[good, private]).status_code == 422
    assert as_acme.get(f"{URL}?include_children=true").json() == []
    assert post_batch(as_globex, bot, children=[good]).json()["detail"] == NO_BOT


# --- Who may ------------------------------------------------------------------------------------------------------
ROUTES = [
    ("get", ""), ("patch", ""), ("delete", ""), ("get", "/children"), ("post", "/ingest"), ("post", "/ingest-children"),
    ("post", "/cancel"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_an_unknown_source_and_another_tenants_are_not_found(
    make, as_acme, as_globex, method, path
):
    mine = make()
    for client, pk in ((as_acme, uuid.uuid4()), (as_globex, mine["id"])):
        body = {} if method == "get" else {"data": {}, "content_type": JSON}
        response = getattr(client, method)(f"{URL}/{pk}{path}", **body)
        assert (response.status_code, response.json()["detail"]) == (404, "Source not found")
    assert as_acme.get(f"{URL}/{mine['id']}").json() == mine


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_a_malformed_source_id_is_invalid(as_acme, method, path):
    body = {} if method == "get" else {"data": {}, "content_type": JSON}
    response = getattr(as_acme, method)(f"{URL}/no-uuid{path}", **body)
    assert (response.status_code, response.json()["detail"][0]["loc"]) == (
        422,
        ["path", "source_id"],
    )


@pytest.mark.parametrize(
    ("method", "path"),
    [("get", ""), ("post", ""), ("post", "/batch"), ("post", "/upload"),
     *[(method, f"/{uuid.UUID(int=5)}{path}") for method, path in ROUTES]],
)  # fmt: skip
def test_without_a_credential_nothing_is_served(db, method, path):
    response = getattr(Client(), method)(URL + path)
    assert (response.status_code, response.json()["detail"]) == (401, "Not authenticated")


def test_a_member_reads_and_changes_nothing_and_the_other_tenant_sees_nothing(
    make, as_bob, as_globex
):
    source = make()
    assert ids(as_bob.get(URL)) == [source["id"]]
    for refused in (
        change(as_bob, source["id"], name="Bob's"),
        as_bob.delete(f"{URL}/{source['id']}"),
    ):
        assert (refused.status_code, refused.json()["code"]) == (403, "role_forbidden")
    assert as_bob.get(f"{URL}/{source['id']}").json()["name"] == source["name"]
    assert as_globex.get(f"{URL}?include_children=true").json() == []
