"""`/v1/platform` and `/v1/audit-events`: operators' programs run tenants; nobody of a tenant does."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from bots.models import BotProfile
from knowledge.models import Source
from knowledge.tasks import queue_ingestion
from knowledge.tests.conftest import make_source
from tenants.context import tenant_context
from tenants.models import AuditEvent, OperatorToken, Tenant, TenantStatus
from tenants.platform.operators import mint_operator_token
from tenants.provisioning import provision_tenant

URL = "/v1/platform/tenants"
OWNER = {"owner_email": "owner@initech.example.com", "owner_password": "correct horse"}


@pytest.fixture
def operator(olga) -> Client:
    """A client with the token of a platform operator's program."""
    return _client(mint_operator_token(olga, "billing")[1])


@pytest.fixture
def reader(olga) -> Client:
    return _client(mint_operator_token(olga, "reports", is_read_only=True)[1])


def _client(raw_token: str) -> Client:
    return Client(headers={"authorization": f"Bearer {raw_token}"})


def post(client: Client, path: str, body: dict | None = None):
    return client.post(f"/v1/platform/{path}", body, content_type="application/json")


def status_of(slug: str) -> str:
    return Tenant.objects.get(slug=slug).status


class TestWhoMayEnter:
    @pytest.mark.parametrize("header", [None, "Basic x", "Bearer ", "Bearer " + "x" * 43])
    def test_without_an_operators_token_it_is_401(self, acme, header):
        answer = Client(headers={"authorization": header} if header else {}).get(URL)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"

    def test_a_tenants_token_or_jwt_opens_nothing(self, as_acme, acme, bob):
        assert as_acme.get(URL).status_code == 401
        assert post(as_acme, "tenants/globex/archive").status_code == 401

    def test_an_operators_token_opens_nothing_of_a_tenant(self, operator, acme):
        assert operator.get("/v1/bot-profiles").status_code == 401
        assert operator.get("/v1/bot-profiles", SCRIPT_NAME="/t/acme").status_code == 401
        assert operator.get("/v1/audit-events").status_code == 401

    def test_on_a_tenants_path_there_is_no_platform(self, operator, acme):
        assert operator.get(URL, SCRIPT_NAME="/t/acme").status_code == 404

    def test_one_that_may_only_read_changes_nothing(self, reader, acme):
        assert reader.get(URL).status_code == 200
        refused = post(reader, "tenants/acme/archive")
        assert (refused.status_code, refused.json()["code"]) == (403, "token_restricted")
        assert status_of("acme") == "active"

    @pytest.mark.parametrize(
        "change", [{"is_active": False}, {"expires_at": timezone.now() - timedelta(seconds=1)}]
    )
    def test_a_revoked_or_expired_one_stops_at_once(self, operator, change):
        OperatorToken.objects.update(**change)
        assert operator.get(URL).status_code == 401

    def test_it_stops_with_its_operator(self, operator, olga):
        olga.is_active = False
        olga.save()
        assert operator.get(URL).status_code == 401

    def test_the_command_prints_one_that_works(self, olga, acme, capsys):
        call_command("create_operator_token", email=olga.email, expires_days=1)
        assert _client(capsys.readouterr().out.strip()).get(URL).status_code == 200
        assert AuditEvent.objects.filter(action="operator_token.created").exists()


class TestOneTenant:
    def test_a_new_one_comes_with_a_token_that_works(self, operator):
        answer = post(
            operator, "tenants", {"slug": "initech", "name": "Initech", "plan": "pro", **OWNER}
        )
        body = answer.json()
        assert answer.status_code == 201
        assert (body["created"], body["tenant"]["plan"], body["tenant"]["status"]) == (
            True,
            "pro",
            "active",
        )
        assert _client(body["api_token"]).get("/v1/tenants/me").json()["slug"] == "initech"

    def test_asked_again_it_is_left_as_it_is(self, operator, acme):
        answer = post(operator, "tenants", {"slug": "acme", "name": "Other", **OWNER})
        assert (answer.status_code, answer.json()["created"], answer.json()["api_token"]) == (
            200,
            False,
            None,
        )
        assert answer.json()["tenant"]["name"] == acme.tenant.name

    def test_a_patch_changes_what_is_sent_and_replaces_the_metadata(self, operator, acme):
        before = operator.get(f"{URL}/acme").json()
        changes = {
            "description": "A customer since 1949",
            "metadata": {"crm": 7},
            "time_zone": "Europe/Berlin",
        }
        changed = operator.patch(f"{URL}/acme", changes, content_type="application/json").json()
        assert changed == {**before, **changes, "updated_at": changed["updated_at"]}

    @pytest.mark.parametrize("change", [
        {"name": None}, {"time_zone": "Mars/Olympus"}, {"rate": "often"}, {"metadata": {"x": "y" * 20_001}},
        {"plan": ""}, {"name": "x" * 256},
    ])  # fmt: skip
    def test_a_bad_field_is_422(self, operator, acme, change):
        answer = operator.patch(f"{URL}/acme", change, content_type="application/json")
        assert answer.status_code == 422
        assert answer.json()["detail"][0]["loc"] == ["body", next(iter(change))]

    @pytest.mark.parametrize(
        ("act", "status"),
        [("archive", "archived"), ("suspend", "suspended"), ("restore", "active")],
    )
    def test_its_status_is_changed_with_a_reason_and_a_line_in_the_log(
        self, operator, olga, acme, act, status
    ):
        answer = post(operator, f"tenants/acme/{act}", {"reason": "unpaid"})
        assert (answer.status_code, answer.json()["status"]) == (200, status)
        event = AuditEvent.objects.filter(tenant_slug="acme").first()
        assert event.action.startswith("tenant.")
        assert olga.email in event.actor

    def test_a_suspended_tenants_token_stops_and_an_archived_ones_reads(
        self, operator, as_acme, as_globex
    ):
        assert post(operator, "tenants/acme/suspend").status_code == 200
        assert as_acme.get("/v1/bot-profiles").status_code == 403
        assert post(operator, "tenants/acme/archive").status_code == 200
        assert as_acme.get("/v1/bot-profiles").status_code == 200
        assert as_globex.get("/v1/bot-profiles").status_code == 200

    def test_erasing_needs_an_archived_tenant_and_its_slug(self, operator, acme):
        def erase(confirm: str):
            return operator.delete(
                f"{URL}/acme", {"confirm": confirm}, content_type="application/json"
            )

        assert erase("acme").json()["code"] == "tenant_not_archived"
        post(operator, "tenants/acme/archive")
        assert (erase("globex").status_code, erase("globex").json()["code"]) == (
            422,
            "confirmation_required",
        )
        assert Tenant.objects.filter(slug="acme").exists()

    @pytest.mark.parametrize(("method", "path"), [
        ("get", "tenants/nobody"), ("patch", "tenants/nobody"), ("post", "tenants/nobody/archive"),
        ("post", "tenants/acme/explode"), ("post", "bulk/explode"), ("post", "bulk/explode-matching"),
    ])  # fmt: skip
    def test_what_is_not_there_is_404(self, operator, acme, method, path):
        answer = getattr(operator, method)(
            f"/v1/platform/{path}", {}, content_type="application/json"
        )
        assert answer.status_code == 404


class TestManyTenants:
    @pytest.fixture(autouse=True)
    def _tenants(self, acme, globex):
        """Nothing else is there."""

    def test_the_list_is_searched_filtered_and_counted(self, operator):
        Tenant.objects.filter(slug="globex").update(plan="pro", description="Makers of kilns")
        everything = operator.get(URL).json()
        assert (everything["total"], {each["slug"] for each in everything["items"]}) == (
            2,
            {"acme", "globex"},
        )
        for query in ({"q": "KILNS"}, {"plan": "pro"}, {"q": "glob"}):
            assert [each["slug"] for each in operator.get(URL, query).json()["items"]] == ["globex"]
        assert operator.get(URL, {"status": "archived"}).json()["total"] == 0
        assert operator.get(URL, {"status": "lost"}).status_code == 422

    def test_it_is_paged(self, operator):
        first = operator.get(URL, {"limit": 1}).json()
        second = operator.get(URL, {"limit": 1, "cursor": first["next_cursor"]}).json()
        assert {first["items"][0]["slug"], second["items"][0]["slug"]} == {"acme", "globex"}
        assert second["next_cursor"] is None

    def test_by_name_all_are_changed(self, operator):
        answer = post(
            operator, "bulk/archive", {"slugs": ["globex", "acme", "globex"], "reason": "closing"}
        ).json()
        assert (answer["action"], answer["updated_count"]) == ("archive", 2)
        assert [each["slug"] for each in answer["tenants"]] == ["globex", "acme"]
        assert status_of("acme") == status_of("globex") == "archived"

    def test_one_unknown_name_changes_none(self, operator):
        answer = post(operator, "bulk/archive", {"slugs": ["acme", "nobody"]})
        assert (answer.status_code, answer.json()["code"]) == (404, "tenants_not_found")
        assert "nobody" in answer.json()["detail"]
        assert status_of("acme") == "active"

    @pytest.mark.parametrize("slugs", [[], ["x"] * 101, ["Not A Slug"], None])
    def test_bad_names_are_422(self, operator, slugs):
        assert post(operator, "bulk/archive", {"slugs": slugs}).status_code == 422

    def test_the_preview_tells_how_many_and_shows_some(self, operator):
        body = operator.get("/v1/platform/bulk/preview", {"sample_limit": 1}).json()
        assert (body["total"], body["sample_count"], len(body["tenants"])) == (2, 1, 1)

    def test_what_matches_is_changed_when_it_is_what_was_shown(self, operator):
        matching = {"q": "acme", "expected_total": 1, "confirm": True}
        assert post(operator, "bulk/archive-matching", matching).json()["updated_count"] == 1
        assert (status_of("acme"), status_of("globex")) == ("archived", "active")
        archived = {"status": "archived", "expected_total": 1, "confirm": True}
        assert post(operator, "bulk/restore-matching", archived).json()["updated_count"] == 1
        assert status_of("acme") == TenantStatus.ACTIVE

    def test_without_the_word_nothing_happens(self, operator):
        answer = post(operator, "bulk/archive-matching", {"q": "acme", "expected_total": 1})
        assert (answer.status_code, answer.json()["code"]) == (400, "confirmation_required")
        assert status_of("acme") == "active"

    def test_another_total_than_was_shown_is_409(self, operator):
        answer = post(operator, "bulk/archive-matching", {"expected_total": 1, "confirm": True})
        assert (answer.status_code, answer.json()["code"]) == (409, "preview_changed")
        assert status_of("acme") == "active"

    def test_no_match_at_all_changes_and_logs_nothing(self, operator):
        before = AuditEvent.objects.count()
        body = {"q": "nobody", "expected_total": 0, "confirm": True}
        assert post(operator, "bulk/archive-matching", body).json()["updated_count"] == 0
        assert AuditEvent.objects.count() == before


class TestAuditLog:
    def test_a_tenant_sees_its_own_and_never_anothers(
        self, operator, as_acme, as_globex, acme, globex
    ):
        post(operator, "tenants/acme/suspend", {"reason": "a bill"})
        post(operator, "tenants/acme/restore")
        own = as_acme.get("/v1/audit-events").json()["items"]
        assert {"tenant.suspended", "tenant.restored"} <= {event["action"] for event in own}
        theirs = as_globex.get("/v1/audit-events").json()["items"]
        assert not [event for event in theirs if event["tenant_slug"] != "globex"]

    def test_a_new_tenant_does_not_see_what_an_erased_one_of_its_name_did(self, acme):
        with tenant_context(None):
            AuditEvent.objects.create(
                action="user.created", tenant_slug="initech", actor="old@initech.example.com"
            )
            made = provision_tenant(
                name="", slug="initech", owner_email="new@example.com", owner_password="longer one"
            )
        text = _client(made.raw_token).get("/v1/audit-events").content.decode()
        assert "old@initech" not in text
        assert "tenant.provisioned" in text

    def test_members_do_not_see_it(self, as_bob):
        refused = as_bob.get("/v1/audit-events")
        assert (refused.status_code, refused.json()["code"]) == (403, "role_forbidden")

    def test_the_platform_filters_by_tenant_act_request_and_time(self, operator, acme, globex):
        before = timezone.now()
        answer = operator.post(
            f"{URL}/acme/archive",
            {},
            content_type="application/json",
            headers={"x-request-id": "req-of-mine"},
        )
        assert answer.status_code == 200

        def found(**query: str) -> list[str]:
            return [
                event["action"]
                for event in operator.get("/v1/platform/audit-events", query).json()["items"]
            ]

        assert found(tenant="acme", action="tenant.archived") == ["tenant.archived"]
        assert found(request_id="req-of-mine") == ["tenant.archived"]
        assert found(tenant="globex", action="tenant.archived") == []
        assert "tenant.archived" in found(created_from=before.isoformat())
        assert found(created_to="2001-01-01T00:00:00") == []

    @pytest.mark.parametrize("query", [
        {"created_from": "yesterday"}, {"cursor": "x"}, {"limit": "0"},
        {"created_from": "2026-02-01", "created_to": "2026-01-01"},
    ])  # fmt: skip
    def test_bad_filters_are_422(self, operator, acme, query):
        assert operator.get("/v1/platform/audit-events", query).status_code == 422


class TestQueues:
    def test_each_tenants_queue_is_measured_and_nobody_else_sees_it(
        self, operator, reader, acme, globex, as_acme
    ):
        with tenant_context(globex.tenant):
            bot = BotProfile.objects.create(name="Gardener", embedding_model="minirag/hash")
            for _ in range(3):
                queue_ingestion(make_source(bot, "# Roses"))
            Source.objects.claim(Source.objects.first().pk)
            old = timezone.now() - timedelta(minutes=5)
            Source.objects.filter(claim_id__isnull=True).update(updated_at=old)
        answer = reader.get("/v1/platform/queues").json()
        (item,) = [item for item in answer["items"] if item["slug"] == "globex"]
        assert (item["waiting"], item["running"], item["work_weight"]) == (2, 1, 1)
        assert item["oldest_wait_seconds"] >= 300 and answer["waiting"] >= 2
        assert "acme" not in [item["slug"] for item in answer["items"]]
        own = as_acme.get("/v1/system/health/detailed").json()["queue"]
        assert own == {"waiting": 0, "running": 0, "oldest_wait_seconds": None}

    def test_the_operator_sets_a_tenants_weight_within_its_bounds(self, operator, acme):
        def patch(weight):
            body = {"work_weight": weight}
            return operator.patch(f"{URL}/acme", body, content_type="application/json")

        assert patch(5).json()["work_weight"] == 5
        assert {patch(weight).status_code for weight in (0, 21, "much", None)} == {422}
