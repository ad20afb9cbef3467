"""`/v1/webhooks`: the contract's routes field by field, and ours beside them."""

from __future__ import annotations

import json
from datetime import timedelta
from urllib.parse import quote
from uuid import uuid4

import pytest

from minirag.lib.errors import NotFound
from tenants.context import tenant_context
from tenants.models import AuditEvent
from webhooks.delivering.batch import deliver_batch
from webhooks.event_types import SUBSCRIBABLE
from webhooks.models import Attempt, Delivery, Webhook
from webhooks.subscriptions import rotate_secret
from webhooks.tests.conftest import SECRET, tell

JSON = "application/json"
KEYS = {
    "id", "tenant_id", "url", "events", "is_active", "description", "has_secret", "created_at", "updated_at",
    "paused_at", "paused_reason", "failing_since",
}  # fmt: skip
PUBLIC = "https://hooks.example.com/minirag"


def post(client, path: str, body: dict | None = None):
    return client.post(f"/v1/webhooks{path}", body, content_type=JSON)


def subscribe(client, url: str = PUBLIC, **fields) -> dict:
    response = post(client, "", {"url": url, "events": ["source.ingested"], **fields})
    assert response.status_code == 201, response.content
    return response.json()


def change(client, webhook_id: str, **fields):
    return client.patch(f"/v1/webhooks/{webhook_id}", fields, content_type=JSON)


# --- Subscriptions ------------------------------------------------------------------------------------------------


def test_a_webhook_is_made_and_its_secret_is_shown_once(as_acme, acme):
    made = subscribe(as_acme, description="CRM")
    assert set(made) == KEYS | {"secret"} and len(made["secret"]) == 43
    assert (made["url"], made["events"], made["description"]) == (
        PUBLIC,
        ["source.ingested"],
        "CRM",
    )
    assert (made["is_active"], made["has_secret"], made["tenant_id"]) == (
        True,
        True,
        str(acme.tenant.pk),
    )
    shown = as_acme.get(f"/v1/webhooks/{made['id']}")
    assert set(shown.json()) == KEYS and made["secret"] not in shown.content.decode()
    assert made["secret"] not in as_acme.get("/v1/webhooks").content.decode()
    with tenant_context(acme.tenant):
        row = Webhook.objects.get()
        assert made["secret"] not in row.encrypted_secret and row.reveal_secret() == made["secret"]


@pytest.mark.parametrize(
    ("given", "kept"), [("my own", "my own"), ("whsec_c2VjcmV0", "whsec_c2VjcmV0")]
)
def test_a_given_secret_is_kept(as_acme, given, kept):
    assert subscribe(as_acme, secret=given)["secret"] == kept


@pytest.mark.parametrize("none", ["", None])
def test_instead_of_an_empty_secret_one_is_made(as_acme, none):
    assert len(subscribe(as_acme, secret=none)["secret"]) == 43


@pytest.mark.parametrize("secret", ["whsec_", "whsec_###", "whsec_ü"])
def test_a_secret_that_cannot_sign_is_refused(as_acme, acme, secret):
    response = post(as_acme, "", {"url": PUBLIC, "events": [], "secret": secret})
    assert (response.status_code, response.json()["code"]) == (422, "secret_invalid")
    with tenant_context(acme.tenant):
        assert not Webhook.objects.exists()


def test_an_unknown_event_is_refused_in_the_contracts_words(as_acme):
    response = post(as_acme, "", {"url": PUBLIC, "events": ["chat.message", "x"]})
    assert response.status_code == 422 and response.json()["code"] == "event_unknown"
    assert response.json()["detail"] == f"Invalid event type: x. Valid: {sorted(SUBSCRIBABLE)}"
    assert "test.ping" not in response.json()["detail"]
    assert change(as_acme, subscribe(as_acme)["id"], events=["test.ping"]).status_code == 422


def test_events_may_be_none_and_are_kept_once(as_acme):
    assert subscribe(as_acme, events=[])["events"] == []
    twice = ["chat.refused", "chat.message", "chat.refused"]
    assert subscribe(as_acme, events=twice)["events"] == ["chat.refused", "chat.message"]


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("ftp://example.com/", "url_scheme"),
        ("javascript:alert(1)", "url_scheme"),
        ("nonsense", "url_scheme"),
        ("https://user:secret@example.com/", "url_invalid"),
        ("https:///path", "url_invalid"),
        ("https://exa mple.com/", "url_invalid"),
        ("http://10.0.0.1/", "address_refused"),
        ("http://127.0.0.2/", "address_refused"),
        ("http://2130706434/", "address_refused"),
        ("http://[::1]/", "address_refused"),
        ("http://[::ffff:10.0.0.1]/", "address_refused"),
        ("http://169.254.169.254/latest/meta-data", "address_refused"),
        ("http://localhost/", "address_refused"),
        ("https://example.com:25/", "address_refused"),
        ("https://example.com:99999/", "url_invalid"),
    ],
)
def test_an_address_that_may_not_be_reached_is_refused_when_it_is_made_and_when_it_is_changed(
    as_acme, url, code
):
    kept = subscribe(as_acme)["id"]
    for response in (post(as_acme, "", {"url": url, "events": []}), change(as_acme, kept, url=url)):
        assert (response.status_code, response.json()["code"]) == (422, code)
    assert [hook["url"] for hook in as_acme.get("/v1/webhooks").json()] == [PUBLIC]


def test_the_list_is_newest_first_and_goes_by_pages(as_acme):
    ids = [subscribe(as_acme)["id"] for _ in range(3)][::-1]
    assert [hook["id"] for hook in as_acme.get("/v1/webhooks").json()] == ids
    first = as_acme.get("/v1/webhooks?limit=2")
    rest = as_acme.get("/v1/webhooks", {"limit": 2, "cursor": first["X-Next-Cursor"]})
    assert [hook["id"] for hook in first.json() + rest.json()] == ids


def test_deleting_is_for_good_and_takes_the_log_along(as_acme, acme, receiver, clock, sent):
    made = subscribe(as_acme, receiver.url("/hook"))
    with tenant_context(acme.tenant):
        tell()
        deliver_batch(Webhook.objects.get().pk, clock=clock)
        assert Attempt.objects.exists()
    path = f"/v1/webhooks/{made['id']}"
    assert as_acme.delete(path).status_code == 204
    for response in (as_acme.delete(path), as_acme.get(path), post(as_acme, f"/{made['id']}/test")):
        assert (response.status_code, response.json()["detail"]) == (404, "Webhook not found")
    with tenant_context(acme.tenant):
        assert not Delivery.objects.exists() and not Attempt.objects.exists()


def test_a_webhook_is_edited_paused_and_resumed(as_acme):
    pk = subscribe(as_acme)["id"]
    changed = change(
        as_acme, pk, url="https://b.example.com/", events=[], description="later", is_active=False
    ).json()
    assert (changed["url"], changed["events"], changed["description"]) == (
        "https://b.example.com/",
        [],
        "later",
    )
    assert (
        changed["is_active"] is False
        and changed["paused_at"]
        and "by hand" in changed["paused_reason"]
    )
    again = change(as_acme, pk, is_active=True).json()
    assert (again["is_active"], again["paused_at"], again["paused_reason"]) == (True, None, None)
    assert change(as_acme, pk).json()["description"] == "later"


def test_what_was_done_is_in_the_audit_log_without_address_and_secret(as_acme):
    made = subscribe(as_acme)
    change(as_acme, made["id"], description="x")
    post(as_acme, f"/{made['id']}/rotate-secret")
    as_acme.delete(f"/v1/webhooks/{made['id']}")
    events = AuditEvent.objects.filter(action__startswith="webhook.")
    assert [event.action for event in events][::-1] == [
        "webhook.created", "webhook.changed", "webhook.secret_rotated", "webhook.deleted"
    ]  # fmt: skip
    noted = json.dumps([event.detail for event in events])
    assert made["id"] in noted and "example.com" not in noted and made["secret"] not in noted


def test_members_read_and_do_not_change(as_acme, as_bob):
    made = subscribe(as_acme)
    path = f"/v1/webhooks/{made['id']}"
    for read in ("/v1/webhooks", path, f"{path}/deliveries"):
        assert as_bob.get(read).status_code == 200
    body = {"url": PUBLIC, "events": []}
    for response in (
        post(as_bob, "", body), change(as_bob, made["id"], description="x"), as_bob.delete(path),
        *(post(as_bob, f"/{made['id']}/{act}") for act in ("test", "rotate-secret", "redeliver-failed")),
    ):  # fmt: skip
        assert (response.status_code, response.json()["code"]) == (403, "role_forbidden")


def test_a_webhook_of_another_tenant_is_not_found(as_acme, as_globex):
    made = subscribe(as_acme)
    path = f"/v1/webhooks/{made['id']}"
    assert as_globex.get("/v1/webhooks").json() == []
    for response in (
        as_globex.get(path), change(as_globex, made["id"], description="x"), as_globex.delete(path),
        as_globex.get(f"{path}/deliveries"), as_globex.get(f"{path}/deliveries/{uuid4()}"),
        *(post(as_globex, f"/{made['id']}/{act}") for act in ("test", "rotate-secret", "redeliver-failed")),
    ):  # fmt: skip
        assert (response.status_code, response.json()["detail"]) == (404, "Webhook not found")


# --- Tests, secrets -----------------------------------------------------------------------------------------------


def test_a_test_says_how_it_went_and_is_in_the_log(as_acme, receiver):
    pk = subscribe(as_acme, receiver.url("/hook"))["id"]
    answer = post(as_acme, f"/{pk}/test")
    assert answer.status_code == 200
    assert (answer.json()["success"], answer.json()["status_code"], answer.json()["error"]) == (
        True,
        200,
        None,
    )
    [(_, _, headers, body)] = receiver.seen
    assert body == b'{"event": "test.ping", "webhook_id": "%s"}' % pk.encode()
    assert (
        headers["x-minirag-event"] == "test.ping"
        and headers["webhook-id"] == answer.json()["delivery_id"]
    )
    [delivery] = as_acme.get(f"/v1/webhooks/{pk}/deliveries").json()["items"]
    assert (delivery["event_type"], delivery["status"]) == ("test.ping", "delivered")


def test_a_test_that_fails_is_a_200_too_and_is_not_tried_again(as_acme, acme, receiver, settings):
    receiver.serve("/hook", status=500)
    pk = subscribe(as_acme, receiver.url("/hook"))["id"]
    assert {"success": False, "status_code": 500}.items() <= post(
        as_acme, f"/{pk}/test"
    ).json().items()
    settings.OUTBOUND_ALLOWED_HOSTS = []
    refused = post(as_acme, f"/{pk}/test")
    assert refused.status_code == 200
    assert {"success": False, "status_code": None}.items() <= refused.json().items()
    with tenant_context(acme.tenant):
        assert set(Delivery.objects.values_list("status", flat=True)) == {"failed"}


def test_a_paused_webhook_can_be_tested(as_acme, receiver):
    pk = subscribe(as_acme, receiver.url("/hook"))["id"]
    change(as_acme, pk, is_active=False)
    assert post(as_acme, f"/{pk}/test").json()["success"] is True


def test_a_secret_is_changed_and_the_old_one_lives_on_for_a_while(as_acme, acme):
    made = subscribe(as_acme, secret="whsec_" + "c2VjcmV0")
    rotated = post(as_acme, f"/{made['id']}/rotate-secret?overlap_hours=2").json()
    assert (
        set(rotated) == KEYS | {"secret", "previous_secret_until"}
        and rotated["previous_secret_until"]
    )
    assert rotated["secret"].startswith("whsec_") and rotated["secret"] != made["secret"]
    with tenant_context(acme.tenant):
        row = Webhook.objects.get()
        assert (row.reveal_secret(), row.reveal_previous_secret()) == (
            rotated["secret"],
            made["secret"],
        )
    at_once = post(as_acme, f"/{made['id']}/rotate-secret?overlap_hours=0").json()
    assert at_once["previous_secret_until"] is None
    with tenant_context(acme.tenant):
        assert Webhook.objects.get().reveal_previous_secret() == ""


@pytest.mark.parametrize("hours", ["-1", "169", "x", "1e9"])
def test_an_odd_overlap_is_a_422_and_changes_nothing(as_acme, acme, hours):
    made = subscribe(as_acme, secret=SECRET)
    assert post(as_acme, f"/{made['id']}/rotate-secret?overlap_hours={hours}").status_code == 422
    with tenant_context(acme.tenant):
        assert Webhook.objects.get().reveal_secret() == SECRET


# --- Deliveries ---------------------------------------------------------------------------------------------------


@pytest.fixture
def failed(as_acme, acme, receiver, clock, sent) -> tuple[str, str]:
    """A webhook and a delivery to it that was given up, as ids."""
    pk = subscribe(as_acme, receiver.url("/hook"))["id"]
    receiver.serve("/hook", b"no room", status=507)
    with tenant_context(acme.tenant):
        delivery = tell()
        Delivery.objects.update(attempts_left=1)
        deliver_batch(delivery.webhook_id, clock=clock)
        Webhook.objects.update(rests_until=None)
        clock.turn(minutes=1)
    return pk, str(delivery.pk)


def test_a_delivery_is_shown_with_every_attempt(as_acme, failed):
    pk, delivery_id = failed
    shown = as_acme.get(f"/v1/webhooks/{pk}/deliveries/{delivery_id}").json()
    assert (shown["status"], shown["attempts"], shown["last_status_code"]) == ("failed", 1, 507)
    assert (
        shown["next_attempt_at"] is None
        and json.loads(shown["request_body"])["source_name"] == "Prüfung"
    )
    [attempt] = shown["log"]
    assert (attempt["number"], attempt["status_code"], attempt["response_body"]) == (
        1,
        507,
        "no room",
    )
    assert (
        attempt["error"] == "The endpoint answered with status 507." and attempt["duration_ms"] >= 0
    )
    assert attempt["request_headers"]["X-MiniRAG-Event"] == "source.ingested"


def test_the_log_is_filtered_by_status_and_event_and_goes_by_pages(as_acme, failed, acme):
    pk, failed_id = failed
    with tenant_context(acme.tenant):
        others = [str(tell(number=number).pk) for number in range(3)][::-1]
    read = lambda **query: as_acme.get(f"/v1/webhooks/{pk}/deliveries", query).json()  # noqa: E731
    assert [each["id"] for each in read()["items"]] == [*others, failed_id]
    assert [each["id"] for each in read(status="failed")["items"]] == [failed_id]
    assert read(event_type="chat.message")["items"] == []
    page = read(limit=3)
    assert [each["id"] for each in read(limit=3, cursor=page["next_cursor"])["items"]] == [
        failed_id
    ]


@pytest.mark.parametrize(
    "query", ["status=odd", "event_type=odd", "limit=0", "limit=101", "cursor=odd", "status=%00"]
)
def test_a_bad_query_of_the_log_is_a_422(as_acme, failed, query):
    assert as_acme.get(f"/v1/webhooks/{failed[0]}/deliveries?{query}").status_code == 422


def test_a_delivery_is_sent_again_under_its_old_id(as_acme, acme, failed, receiver, clock):
    pk, delivery_id = failed
    receiver.serve("/hook")
    again = post(as_acme, f"/{pk}/deliveries/{delivery_id}/redeliver")
    assert again.status_code == 202 and again.json()["status"] == "pending"
    with tenant_context(acme.tenant):
        deliver_batch(Webhook.objects.get().pk, clock=clock)
    assert [headers["webhook-id"] for _, _, headers, _ in receiver.seen] == [delivery_id] * 2
    shown = as_acme.get(f"/v1/webhooks/{pk}/deliveries/{delivery_id}").json()
    assert shown["status"] == "delivered" and [each["number"] for each in shown["log"]] == [1, 2]


def test_all_failed_ones_are_sent_again_within_bounds(as_acme, acme, failed):
    pk, _ = failed
    with tenant_context(acme.tenant):
        hook = Webhook.objects.get()
        for number in range(4):
            kind = "chat.message" if number else "test.ping"
            Delivery.objects.create(
                webhook=hook, event_type=kind, body="{}", status="failed", attempts_left=0
            )
    path = f"/{pk}/redeliver-failed"
    assert post(as_acme, f"{path}?event_type=chat.refused").json() == {
        "requeued": 0,
        "has_more": False,
    }
    assert post(as_acme, f"{path}?since=2999-01-01").json() == {"requeued": 0, "has_more": False}
    assert post(as_acme, f"{path}?limit=2&since=2020-01-01T00:00:00").json() == {
        "requeued": 2,
        "has_more": True,
    }
    answer = post(as_acme, path)
    assert answer.status_code == 202 and answer.json() == {"requeued": 2, "has_more": False}
    for query in (
        "limit=0",
        "limit=1001",
        "since=yesterday",
        "event_type=x",
        "since=9999999999999999",
    ):
        assert post(as_acme, f"{path}?{query}").status_code == 422, query


@pytest.mark.parametrize("zone", ["+16:00", "-15:30", "+20:22", "+14:00", "Z", ""])
def test_what_failed_may_be_asked_for_since_a_moment_of_any_zone(as_acme, failed, zone):
    pk, _ = failed
    answer = post(as_acme, f"/{pk}/redeliver-failed?since=2020-01-01T00:00:00{quote(zone)}")
    assert (answer.status_code, answer.json()["requeued"]) == (202, 1)


@pytest.mark.parametrize("zone", ["+16:00", "-15:30", "+20:22", "+14:00", "Z", ""])
def test_what_failed_may_be_asked_for_since_a_moment_of_any_zone(as_acme, failed, zone):
    pk, _ = failed
    answer = post(as_acme, f"/{pk}/redeliver-failed?since=2020-01-01T00:00:00{quote(zone)}")
    assert (answer.status_code, answer.json()["requeued"]) == (202, 1)


def test_nothing_is_sent_again_while_the_webhook_is_paused(as_acme, failed):
    pk, delivery_id = failed
    change(as_acme, pk, is_active=False)
    for path in (f"/{pk}/redeliver-failed", f"/{pk}/deliveries/{delivery_id}/redeliver"):
        response = post(as_acme, path)
        assert (response.status_code, response.json()["code"]) == (409, "webhook_paused")


def test_a_delivery_of_another_webhook_or_tenant_is_not_found(as_acme, as_globex, failed):
    _, delivery_id = failed
    other = subscribe(as_acme)["id"]
    theirs = subscribe(as_globex)["id"]
    for client, webhook_id in ((as_acme, other), (as_globex, theirs)):
        path = f"/v1/webhooks/{webhook_id}/deliveries/{delivery_id}"
        for response in (client.get(path), client.post(f"{path}/redeliver")):
            assert (response.status_code, response.json()["detail"]) == (404, "Delivery not found")


def test_the_log_costs_the_same_queries_however_long_it_is(
    as_acme, acme, failed, django_assert_max_num_queries
):
    pk, _ = failed
    with tenant_context(acme.tenant):
        for number in range(30):
            tell(number=number)
    with django_assert_max_num_queries(10):
        assert len(as_acme.get(f"/v1/webhooks/{pk}/deliveries").json()["items"]) == 31


def test_of_two_changes_of_the_secret_at_once_none_is_lost(in_acme, as_acme):
    made = subscribe(as_acme)
    first, second = (
        Webhook.objects.get(pk=made["id"]) for _ in range(2)
    )  # both read before either writes
    early = rotate_secret(first, overlap=timedelta(hours=1))
    late = rotate_secret(second, overlap=timedelta(hours=1))
    row = Webhook.objects.get(pk=made["id"])
    assert (row.reveal_secret(), row.reveal_previous_secret()) == (late, early)


def test_a_secret_is_not_changed_of_a_webhook_that_was_deleted_meanwhile(in_acme, as_acme):
    row = Webhook.objects.get(pk=subscribe(as_acme)["id"])
    Webhook.objects.all().delete()
    with pytest.raises(NotFound):
        rotate_secret(row, overlap=timedelta(hours=1))
