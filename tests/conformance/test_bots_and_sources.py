"""§3.3 bot profiles, §3.4 sources, §6 ingestion."""

from __future__ import annotations

import httpx
import pytest

from tests.conformance.wire import (
    BOT,
    NOBODY,
    SOURCE,
    TIMESTAMP,
    assert_detail,
    assert_invalid,
    make_bot,
    make_source,
    settled,
)

MISSING_BOT = "Bot profile not found or belongs to a different tenant"


def upload(
    client: httpx.Client, bot: str, file_name: str, data: bytes, **fields: str
) -> httpx.Response:
    return client.post(
        "/v1/sources/upload",
        data={"bot_profile_id": bot, **fields},
        files={"file": (file_name, data)},
    )


@pytest.fixture
def plain_bot(owner) -> str:
    return make_bot(owner)


class TestBotProfiles:
    def test_a_new_one_has_the_contracts_keys_and_defaults(self, owner, acme):
        answer = owner.post("/v1/bot-profiles", json={"name": "Helper"})
        body = answer.json()
        assert answer.status_code == 201
        assert set(body) == BOT
        assert body["tenant_id"] == acme.tenant["id"]
        assert (body["name"], body["description"], body["embedding_model"]) == ("Helper", "", None)
        assert body["system_prompt"] == "You are a helpful assistant."
        assert (body["temperature"], body["max_tokens"]) == (0.7, 1024)
        assert (body["has_credentials"], body["is_active"]) == (False, True)
        assert isinstance(body["model"], str) and body["model"]

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("name", "x" * 256),
            ("description", "x" * 1001),
            ("model", "x" * 101),
            ("embedding_model", "x" * 101),
            ("temperature", 2.1),
            ("temperature", -0.1),
            ("max_tokens", 0),
            ("max_tokens", 128001),
            ("credentials", "a key"),
        ],
    )
    def test_a_bad_field_is_422(self, owner, field, value):
        assert_invalid(
            owner.post("/v1/bot-profiles", json={"name": "x", field: value}), "body", field
        )

    @pytest.mark.parametrize("temperature", [0.0, 2.0])
    def test_the_ends_of_the_range_are_in_it(self, owner, temperature):
        assert (
            owner.post(
                "/v1/bot-profiles", json={"name": "x", "temperature": temperature}
            ).status_code
            == 201
        )

    def test_is_active_is_ignored_when_making_one(self, owner):
        assert (
            owner.post("/v1/bot-profiles", json={"name": "x", "is_active": False}).json()[
                "is_active"
            ]
            is True
        )

    def test_credentials_are_kept_and_never_shown(self, owner):
        made = owner.post(
            "/v1/bot-profiles", json={"name": "x", "credentials": {"api_key": "sk-very-secret"}}
        )
        assert made.json()["has_credentials"] is True
        assert "sk-very-secret" not in made.text + owner.get("/v1/bot-profiles").text

    @pytest.mark.parametrize("nothing", [{}, None])
    def test_credentials_are_cleared_by_an_empty_object_or_null(self, owner, nothing):
        made = owner.post(
            "/v1/bot-profiles", json={"name": "x", "credentials": {"api_key": "sk-very-secret"}}
        ).json()
        changed = owner.patch(
            f"/v1/bot-profiles/{made['id']}", json={"credentials": nothing}
        ).json()
        assert changed["has_credentials"] is False

    def test_a_patch_changes_what_is_sent_and_moves_updated_at(self, owner):
        made = owner.post("/v1/bot-profiles", json={"name": "x", "description": "kept"}).json()
        changed = owner.patch(f"/v1/bot-profiles/{made['id']}", json={"name": "y"}).json()
        assert changed == {**made, "name": "y", "updated_at": changed["updated_at"]}
        assert changed["updated_at"] > made["updated_at"]

    def test_even_an_empty_patch_moves_updated_at(self, owner, plain_bot):
        before = owner.get(f"/v1/bot-profiles/{plain_bot}").json()
        assert (
            owner.patch(f"/v1/bot-profiles/{plain_bot}", json={}).json()["updated_at"]
            > before["updated_at"]
        )

    @pytest.mark.parametrize(
        "field", ["name", "model", "system_prompt", "temperature", "max_tokens", "is_active"]
    )
    def test_null_for_a_required_field_is_422(self, owner, plain_bot, field):
        assert_invalid(
            owner.patch(f"/v1/bot-profiles/{plain_bot}", json={field: None}), "body", field
        )

    def test_deleting_is_soft_idempotent_and_undone_by_a_patch(self, owner, plain_bot):
        path = f"/v1/bot-profiles/{plain_bot}"
        assert [owner.delete(path).status_code for _ in range(2)] == [204, 204]
        assert owner.get(path).json()["is_active"] is False
        assert plain_bot in {bot["id"] for bot in owner.get("/v1/bot-profiles").json()}
        assert owner.patch(path, json={"is_active": True}).json()["is_active"] is True

    def test_the_list_is_newest_first(self, owner):
        made = [make_bot(owner, name=str(number)) for number in range(3)]
        assert [bot["id"] for bot in owner.get("/v1/bot-profiles").json()[:3]] == made[::-1]

    @pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
    def test_one_of_another_tenant_is_404(self, owner, foreign_bot, method):
        body = {"json": {}} if method == "PATCH" else {}
        assert_detail(
            owner.request(method, f"/v1/bot-profiles/{foreign_bot}", **body),
            404,
            "Bot profile not found",
        )


class TestMakingSources:
    def test_a_new_one_has_the_contracts_keys(self, owner, plain_bot, acme):
        made = make_source(owner, plain_bot, content="Some text.")
        assert set(made) == SOURCE
        assert (made["tenant_id"], made["bot_profile_id"]) == (acme.tenant["id"], plain_bot)
        assert (made["source_type"], made["status"], made["config"]) == ("text", "pending", {})
        assert (made["document_count"], made["chunk_count"], made["children_count"]) == (0, 0, 0)
        assert made["description"] == "" and made["is_active"] is True
        for nothing in ("parent_id", "error_message", "refresh_schedule", "last_refreshed_at"):
            assert made[nothing] is None

    def test_it_does_not_start_ingestion(self, owner, plain_bot):
        made = make_source(owner, plain_bot)
        assert owner.get(f"/v1/sources/{made['id']}").json()["status"] == "pending"

    def test_a_missing_or_foreign_bot_is_422(self, owner, foreign_bot):
        for bot in (NOBODY, foreign_bot):
            body = {"bot_profile_id": bot, "name": "x", "source_type": "text"}
            assert_detail(owner.post("/v1/sources", json=body), 422, MISSING_BOT)

    def test_an_inactive_bot_is_accepted(self, owner, plain_bot):
        owner.delete(f"/v1/bot-profiles/{plain_bot}")
        assert make_source(owner, plain_bot)["bot_profile_id"] == plain_bot

    def test_a_missing_parent_is_404(self, owner, plain_bot):
        body = {
            "bot_profile_id": plain_bot,
            "name": "x",
            "source_type": "text",
            "parent_id": NOBODY,
        }
        assert_detail(owner.post("/v1/sources", json=body), 404, "Source not found")

    def test_a_parent_of_another_bot_is_422(self, owner, plain_bot):
        parent = make_source(owner, make_bot(owner))
        body = {
            "bot_profile_id": plain_bot,
            "name": "x",
            "source_type": "text",
            "parent_id": parent["id"],
        }
        assert_detail(
            owner.post("/v1/sources", json=body),
            422,
            "Parent source belongs to a different bot profile",
        )

    def test_a_grandchild_is_422(self, owner, plain_bot):
        parent = make_source(owner, plain_bot)
        child = make_source(owner, plain_bot, parent_id=parent["id"])
        body = {
            "bot_profile_id": plain_bot,
            "name": "x",
            "source_type": "text",
            "parent_id": child["id"],
        }
        assert_detail(
            owner.post("/v1/sources", json=body), 422, "Nesting beyond one level is not allowed"
        )

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("source_type", "fax"),
            ("refresh_schedule", "yearly"),
            ("name", "x" * 256),
            ("description", "x" * 1001),
            ("config", None),
            ("config", "text"),
        ],
    )
    def test_a_bad_field_is_422(self, owner, plain_bot, field, value):
        body = {"bot_profile_id": plain_bot, "name": "x", "source_type": "text", field: value}
        assert_invalid(owner.post("/v1/sources", json=body), "body", field)

    def test_content_never_comes_back(self, owner, plain_bot):
        made = make_source(owner, plain_bot, content="a very particular text")
        assert "particular" not in owner.get(f"/v1/sources/{made['id']}").text

    def test_a_batch_makes_parent_and_children(self, owner, plain_bot):
        children = [
            {"name": f"page {n}", "source_type": "text", "content": f"text {n}"} for n in range(3)
        ]
        answer = owner.post(
            "/v1/sources/batch",
            json={"bot_profile_id": plain_bot, "name": "site", "children": children},
        )
        body = answer.json()
        assert answer.status_code == 201
        assert set(body) == {"parent", "children"}
        assert set(body["parent"]) == SOURCE
        assert body["parent"]["source_type"] == "url"
        assert [child["name"] for child in body["children"]] == ["page 0", "page 1", "page 2"]
        assert {child["parent_id"] for child in body["children"]} == {body["parent"]["id"]}

    def test_a_batch_without_children_is_422(self, owner, plain_bot):
        body = {"bot_profile_id": plain_bot, "name": "site", "children": []}
        assert_detail(
            owner.post("/v1/sources/batch", json=body), 422, "At least one child source is required"
        )

    def test_a_batch_with_one_bad_child_makes_nothing(self, owner, plain_bot):
        children = [
            {"name": "good", "source_type": "text"},
            {"name": "x" * 300, "source_type": "text"},
        ]
        body = {"bot_profile_id": plain_bot, "name": "site", "children": children}
        assert_invalid(owner.post("/v1/sources/batch", json=body), "body", "children", 1, "name")
        assert owner.get("/v1/sources", params={"bot_profile_id": plain_bot}).json() == []


@pytest.fixture(scope="module")
def family(owner):
    """A bot with a leaf, and a parent with three children of which one is gone."""
    bot = make_bot(owner)
    children = [
        {"name": name, "source_type": "text", "content": name} for name in ("a", "b", "gone")
    ]
    made = owner.post(
        "/v1/sources/batch", json={"bot_profile_id": bot, "name": "site", "children": children}
    )
    owner.delete(f"/v1/sources/{made.json()['children'][2]['id']}")
    leaf = make_source(owner, bot, name="leaf")
    return {"bot": bot, "leaf": leaf["id"], **made.json()}


class TestListingSources:
    def test_the_default_is_the_top_level_newest_first_with_counts(self, owner, family):
        found = owner.get("/v1/sources", params={"bot_profile_id": family["bot"]}).json()
        assert [source["id"] for source in found] == [family["leaf"], family["parent"]["id"]]
        assert [source["children_count"] for source in found] == [0, 2]

    def test_of_one_parent_newest_first(self, owner, family):
        found = owner.get("/v1/sources", params={"parent_id": family["parent"]["id"]}).json()
        assert [source["name"] for source in found] == ["b", "a"]

    def test_flat_with_children(self, owner, family):
        params = {"bot_profile_id": family["bot"], "include_children": "true"}
        found = owner.get("/v1/sources", params=params).json()
        assert {source["name"] for source in found} == {"leaf", "site", "a", "b"}
        assert {source["children_count"] for source in found} == {0}

    def test_children_are_oldest_first_without_the_deleted(self, owner, family):
        found = owner.get(f"/v1/sources/{family['parent']['id']}/children").json()
        assert [source["name"] for source in found] == ["a", "b"]

    def test_a_leaf_has_no_children(self, owner, family):
        assert owner.get(f"/v1/sources/{family['leaf']}/children").json() == []

    def test_a_parent_by_id_has_aggregates(self, owner, family):
        found = owner.get(f"/v1/sources/{family['parent']['id']}").json()
        assert (found["children_count"], found["status"]) == (2, "pending")

    def test_the_parents_status_and_chunks_are_its_childrens(self, owner):
        bot = make_bot(owner)
        children = [
            {"name": "a", "source_type": "text", "content": "One fact."},
            {"name": "b", "source_type": "text"},
        ]
        made = owner.post(
            "/v1/sources/batch", json={"bot_profile_id": bot, "name": "x", "children": children}
        ).json()
        answer = owner.post(f"/v1/sources/{made['parent']['id']}/ingest-children")
        assert (answer.status_code, answer.json()["enqueued"]) == (202, 2)
        assert answer.json()["status"] == "accepted"
        assert answer.json()["message"] == "Ingestion queued for 2 child sources"
        ends = [settled(owner, child["id"]) for child in made["children"]]
        assert [end["status"] for end in ends] == ["ready", "error"]
        assert ends[1]["error_message"] == "No content to ingest"
        parent = owner.get(f"/v1/sources/{made['parent']['id']}").json()
        assert (parent["status"], parent["chunk_count"]) == ("error", ends[0]["chunk_count"])

    def test_ingesting_the_children_of_a_leaf_queues_none(self, owner, family):
        assert owner.post(f"/v1/sources/{family['leaf']}/ingest-children").json()["enqueued"] == 0


class TestChangingSources:
    def test_a_patch_keeps_what_is_not_sent(self, owner, plain_bot):
        made = make_source(owner, plain_bot, description="kept", refresh_schedule="daily")
        changed = owner.patch(f"/v1/sources/{made['id']}", json={"name": "new"}).json()
        assert changed == {**made, "name": "new", "updated_at": changed["updated_at"]}

    def test_null_clears_the_schedule(self, owner, plain_bot):
        made = make_source(owner, plain_bot, refresh_schedule="daily")
        assert (
            owner.patch(f"/v1/sources/{made['id']}", json={"refresh_schedule": None}).json()[
                "refresh_schedule"
            ]
            is None
        )

    def test_type_bot_and_parent_are_ignored(self, owner, plain_bot):
        made = make_source(owner, plain_bot)
        sent = {"source_type": "url", "bot_profile_id": NOBODY, "parent_id": NOBODY}
        changed = owner.patch(f"/v1/sources/{made['id']}", json=sent).json()
        assert changed == {**made, "updated_at": changed["updated_at"]}

    def test_the_config_is_replaced_as_a_whole(self, owner, plain_bot):
        made = make_source(owner, plain_bot, config={"a": 1})
        assert owner.patch(f"/v1/sources/{made['id']}", json={"config": {"b": 2}}).json()[
            "config"
        ] == {"b": 2}

    def test_a_null_config_is_422_and_poisons_nothing(self, owner, plain_bot):
        made = make_source(owner, plain_bot)
        assert_invalid(
            owner.patch(f"/v1/sources/{made['id']}", json={"config": None}), "body", "config"
        )
        assert owner.get("/v1/sources").status_code == 200

    def test_deleting_is_soft_idempotent_and_takes_the_children_along(self, owner, plain_bot):
        parent = make_source(owner, plain_bot)
        child = make_source(owner, plain_bot, parent_id=parent["id"])
        assert [owner.delete(f"/v1/sources/{parent['id']}").status_code for _ in range(2)] == [
            204,
            204,
        ]
        assert owner.get(f"/v1/sources/{parent['id']}").json()["is_active"] is False
        assert owner.get(f"/v1/sources/{child['id']}").json()["is_active"] is False
        assert owner.get("/v1/sources", params={"bot_profile_id": plain_bot}).json() == []

    def test_ingest_answers_202_with_the_contracts_words(self, owner, plain_bot):
        made = make_source(owner, plain_bot, content="A fact about tea.")
        answer = owner.post(f"/v1/sources/{made['id']}/ingest")
        expected = {"status": "accepted", "message": f"Ingestion queued for source {made['id']}"}
        assert answer.status_code == 202
        assert answer.json() == expected

    def test_ingestion_ends_ready_with_its_counts(self, owner, plain_bot):
        made = make_source(owner, plain_bot, content="A fact about tea.")
        owner.post(f"/v1/sources/{made['id']}/ingest")
        found = settled(owner, made["id"])
        assert (found["status"], found["document_count"], found["chunk_count"]) == ("ready", 1, 1)
        assert TIMESTAMP.fullmatch(found["last_refreshed_at"])
        assert found["error_message"] is None

    def test_ingesting_twice_doubles_nothing(self, owner, plain_bot):
        made = make_source(owner, plain_bot, content="A fact about tea.")
        for _ in range(2):
            owner.post(f"/v1/sources/{made['id']}/ingest")
            found = settled(owner, made["id"])
        assert (found["document_count"], found["chunk_count"]) == (1, 1)

    def test_nothing_to_ingest_is_an_error_with_a_reason(self, owner, plain_bot):
        made = make_source(owner, plain_bot, content=None)
        owner.post(f"/v1/sources/{made['id']}/ingest")
        found = settled(owner, made["id"])
        assert (found["status"], found["error_message"]) == ("error", "No content to ingest")

    def test_a_nyxcore_token_never_comes_back(self, owner, plain_bot):
        config = {
            "base_url": "https://nyxcore.cloud",
            "api_token": "nyx_ax_very_secret",
            "limit": 5,
        }
        made = owner.post(
            "/v1/sources",
            json={
                "bot_profile_id": plain_bot,
                "name": "x",
                "source_type": "nyxcore",
                "config": config,
            },
        )
        assert made.status_code == 201
        assert made.json()["config"]["has_api_token"] is True
        child = {"name": "c", "source_type": "nyxcore", "config": config}
        batch = owner.post(
            "/v1/sources/batch",
            json={"bot_profile_id": plain_bot, "name": "b", "children": [child]},
        )
        assert batch.json()["children"][0]["config"]["has_api_token"] is True
        assert (
            "very_secret"
            not in made.text + batch.text + owner.get("/v1/sources?include_children=true").text
        )

    def test_a_nyxcore_source_without_a_token_says_so(self, owner, plain_bot):
        made = make_source(owner, plain_bot, source_type="nyxcore", content=None, config={})
        assert "has_api_token" not in made["config"]
        owner.post(f"/v1/sources/{made['id']}/ingest")
        found = settled(owner, made["id"])
        assert (found["status"], found["error_message"]) == ("error", "No API token configured")

    @pytest.mark.parametrize(
        ("method", "tail"),
        [
            ("GET", ""),
            ("PATCH", ""),
            ("DELETE", ""),
            ("GET", "/children"),
            ("POST", "/ingest"),
            ("POST", "/ingest-children"),
        ],
    )
    def test_one_of_another_tenant_is_404(self, owner, stranger, foreign_bot, method, tail):
        theirs = make_source(stranger, foreign_bot)["id"]
        body = {"json": {}} if method == "PATCH" else {}
        assert_detail(
            owner.request(method, f"/v1/sources/{theirs}{tail}", **body), 404, "Source not found"
        )


class TestUploads:
    def test_an_upload_starts_its_ingestion(self, owner, plain_bot):
        answer = upload(owner, plain_bot, "Tea.TXT", b"Green tea wants eighty degrees.")
        made = answer.json()
        assert answer.status_code == 201
        assert set(made) == SOURCE
        assert (made["source_type"], made["name"]) == ("upload", "Tea.TXT")
        assert made["config"] == {"original_filename": "Tea.TXT", "file_size": 31}
        assert settled(owner, made["id"])["status"] == "ready"

    def test_name_description_and_parent_are_parts(self, owner, plain_bot):
        parent = make_source(owner, plain_bot)["id"]
        fields = {"name": "Tea", "description": "how to", "parent_id": parent}
        made = upload(owner, plain_bot, "tea.md", b"# Tea\n\nHot.", **fields).json()
        assert {key: made[key] for key in fields} == fields

    def test_another_extension_is_422(self, owner, plain_bot):
        allowed = (
            ".csv, .docx, .eml, .epub, .html, .ipynb, .json, .jsonl, .mbox, .md, .odp, .ods, .odt, .pdf, .pptx, .py, "
            ".rtf, .srt, .tsv, .txt, .xlsx, .xml, .yaml, .zip"
        )
        detail = f"Unsupported file type: .exe. Allowed: {allowed}"
        assert_detail(upload(owner, plain_bot, "a.exe", b"MZ"), 422, detail)

    def test_ten_megabytes_are_allowed_and_one_byte_more_is_422(self, owner, plain_bot):
        size = 10 * 2**20
        line = b"tea is hot\n"
        data = (line * (size // len(line) + 1))[:size]
        assert_detail(
            upload(owner, plain_bot, "a.txt", data + b"x"),
            422,
            "File too large. Maximum size is 10 MB.",
        )
        made = upload(owner, plain_bot, "blank.txt", b" " * size)
        assert made.status_code == 201
        owner.delete(f"/v1/sources/{made.json()['id']}")

    def test_the_extension_is_checked_before_the_bot(self, owner):
        assert "Unsupported file type" in upload(owner, NOBODY, "a.exe", b"MZ").json()["detail"]

    def test_a_missing_bot_is_422(self, owner):
        assert_detail(upload(owner, NOBODY, "a.txt", b"text"), 422, MISSING_BOT)

    def test_without_a_file_it_is_422(self, owner, plain_bot):
        answer = owner.post(
            "/v1/sources/upload", data={"bot_profile_id": plain_bot}, files={"other": ("a", b"b")}
        )
        assert_invalid(answer, "body", "file")

    def test_an_empty_file_is_201_and_ends_in_an_error(self, owner, plain_bot):
        made = upload(owner, plain_bot, "a.txt", b"")
        assert made.status_code == 201
        assert settled(owner, made.json()["id"])["status"] == "error"

    @pytest.mark.parametrize(
        ("name", "data"),
        [("a.txt", b"\xff\xfe\xfa"), ("a.pdf", b"%PDF-nope"), ("a.docx", b"PK\x03\x04x")],
    )
    def test_a_broken_file_is_no_500(self, owner, plain_bot, name, data):
        answer = upload(owner, plain_bot, name, data)
        assert answer.status_code in (201, 422), answer.text
        if answer.status_code == 201:
            assert settled(owner, answer.json()["id"])["status"] in ("error", "ready")
