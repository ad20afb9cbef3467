"""No header of a client's chooses the host, path, scheme, address or tenant of what it asks for."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from minirag.lib.http_in.arrivals import Arrival, settle_scope
from tenants.calls.middleware import ArrivalApp
from tests.product import Product, TenantAccount
from tests.raw_http import RawConnection

EVIL = "evil.example"
SPOOFS = {
    "Daphne-Root-Path": f"//{EVIL}", "X-Forwarded-Host": EVIL, "X-Forwarded-Server": EVIL, "X-Forwarded-Port": "81",
    "X-Forwarded-Proto": "https", "X-Forwarded-For": "6.6.6.6", "X-Forwarded-Prefix": "/evil", "X-Real-IP": "6.6.6.6",
    "Forwarded": f"for=6.6.6.6;host={EVIL};proto=https", "X-Script-Name": "/t/globex", "Script-Name": "/t/globex",
    "X-Original-URL": "/t/globex/", "X-Rewrite-URL": "/t/globex/", "X-Tenant": "globex", "X_Forwarded_Host": EVIL,
    "X_Forwarded_Proto": "https", "Daphne_Root_Path": f"//{EVIL}", "Front-End-Https": "on", "X-Forwarded-Ssl": "on",
    "X-Host": EVIL, "X-HTTP-Method-Override": "DELETE", "Host_": EVIL, "HTTP_HOST": EVIL, "HTTP-Host": EVIL,
}  # fmt: skip


def scope(*, peer: str | None = "203.0.113.9", kind: str = "http", path: str = "/", **headers: str):
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {
        "type": kind, "method": "GET", "path": path, "headers": [(b"host", b"chat.example"), *pairs],
        "scheme": "ws" if kind == "websocket" else "http", "client": (peer, 5) if peer else None,
        "server": ("10.0.0.1", 8000), "root_path": "//" + EVIL,
    }  # fmt: skip


def arrive(**facts: Any) -> Arrival:
    return Arrival.of_scope(settle_scope(scope(**facts)))


# --- The scope --------------------------------------------------------------------------------------------------
def test_the_path_comes_from_the_request_line_only():
    assert settle_scope(scope())["root_path"] == ""
    settled = settle_scope(scope(path="/t/acme/v1/chat"))
    assert settled["root_path"] == "/t/acme"
    arrival = Arrival.of_scope(settled)
    assert (arrival.slug, arrival.path) == ("acme", "/v1/chat")


@pytest.mark.parametrize("kind", ["http", "websocket"])
@pytest.mark.parametrize(
    ("trusts", "peer", "expected"),
    [
        (False, "127.0.0.1", ("http", "127.0.0.1")),
        (True, "203.0.113.9", ("http", "203.0.113.9")),  # no proxy of ours
        (True, "127.0.0.1", ("https", "198.51.100.7")),
        (True, "::ffff:10.1.2.3", ("https", "198.51.100.7")),
        (True, None, ("https", "198.51.100.7")),  # a local socket
    ],
)
def test_a_proxy_says_scheme_and_address_where_it_is_one_of_ours(
    settings, kind, trusts, peer, expected
):
    settings.TRUST_PROXY_HEADERS = trusts
    told = {"x_forwarded_for": "6.6.6.6, 198.51.100.7", "x_forwarded_proto": "https"}
    arrival = arrive(peer=peer, kind=kind, forwarded="for=6.6.6.6", **told)
    assert (arrival.scheme, arrival.address) == expected
    assert not {name for name in arrival.headers if "forwarded" in name}


def test_which_proxies_are_ours_is_a_setting(settings):
    settings.TRUST_PROXY_HEADERS, settings.TRUSTED_PROXIES = True, ["203.0.113.0/24"]
    assert arrive(x_forwarded_proto="https").scheme == "https"
    assert arrive(peer="127.0.0.1", x_forwarded_proto="https").scheme == "http"


@pytest.mark.parametrize(
    ("told", "address"),
    [
        ("198.51.100.7:4711", "198.51.100.7"), ("[2001:db8::1]:80", "2001:db8::1"), ("2001:db8::1", "2001:db8::1"),
        ("unknown", "127.0.0.1"), ("", "127.0.0.1"), ("<script>", "127.0.0.1"),
    ],
)  # fmt: skip
def test_a_proxys_address_is_an_address(settings, told, address):
    settings.TRUST_PROXY_HEADERS = True
    assert arrive(peer="127.0.0.1", x_forwarded_for=told).address == address


def test_a_name_with_an_underscore_is_nobodys_header():
    asked = {**scope(), "headers": [(b"host", b"chat.example"), (b"x_real_ip", b"6.6.6.6")]}
    assert dict(Arrival.of_scope(asked).headers) == {"host": "chat.example"}


def test_a_path_and_a_host_of_two_tenants_lead_nowhere(acme, globex, client):
    globex.tenant.domains.create(domain="bots.globex.example")
    for slug, status in (("acme", 404), ("globex", 401)):
        answer = client.get(
            "/v1/auth/me", SCRIPT_NAME=f"/t/{slug}", headers={"host": "bots.globex.example"}
        )
        assert answer.status_code == status


def test_a_tenants_path_is_served_on_no_unknown_host(acme, client, settings):
    settings.PLATFORM_HOSTS = ["localhost"]
    answer = client.get("/v1/auth/me", SCRIPT_NAME="/t/acme", headers={"host": EVIL})
    assert (answer.status_code, answer.json()["code"]) == (400, "host_unknown")


# --- The product ------------------------------------------------------------------------------------------------
@pytest.mark.product
@pytest.mark.parametrize(
    "path",
    [
        "/v1/openapi.json", "/v1/bot-profiles/", "/v1/bot-profiles?limit=1", "/admin/", "/docs", "/", "/t/acme/",
        "/t/acme/admin/", "/t/acme/v1/openapi.json", "/t/acme/v1/bot-profiles/", "/v1/auth/me",
    ],
)  # fmt: skip
def test_every_answer_is_the_same_whatever_a_client_claims(
    product: Product, acme_account: TenantAccount, path: str
):
    own = {"Authorization": f"Bearer {acme_account.token}", "X-Request-ID": "same"}
    plain = ask(product, path, own)
    for name, value in SPOOFS.items():
        assert ask(product, path, {**own, name: value}) == plain, name


@pytest.mark.product
@pytest.mark.parametrize(
    "host",
    [EVIL, f"127.0.0.1@{EVIL}", f"127.0.0.1:80@{EVIL}", "127.0.0.1/../", "127.0.0.1, " + EVIL, "t/acme", "", "*"],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/v1/openapi.json", "/t/acme/admin/", "/admin/"])
def test_a_host_that_is_not_served_is_refused(product: Product, acme_account, host, path):
    status, _, body = ask(product, path, {"Host": host})
    assert status == 400 and EVIL.encode() not in body


def ask(product: Product, path: str, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
    """Send exactly these headers; returns what does not change from one call to the next."""
    lines = [f"GET {path} HTTP/1.1"] + [f"{name}: {value}" for name, value in headers.items()]
    if "Host" not in headers:
        lines.append("Host: 127.0.0.1")
    with RawConnection(product.port) as connection:
        connection.send("\r\n".join([*lines, "", ""]).encode("latin-1"))
        answer = connection.read()
    kept = {
        name: value
        for name, value in answer.headers.items()
        if not name.startswith("x-ratelimit")
        and name not in ("date", "expires", "set-cookie", "x-request-id")
    }
    return answer.status, kept, answer.body


def test_the_sockets_address_is_read_in_the_same_way(settings):
    settings.TRUST_PROXY_HEADERS = True
    seen: list[Arrival] = []

    async def application(settled: dict[str, Any], receive: Any, send: Any) -> None:
        seen.append(Arrival.of_scope(settled))

    asked = scope(
        peer="10.0.0.1", kind="websocket", path="/t/acme/ws/chat/", x_forwarded_for="198.51.100.7"
    )
    asyncio.run(ArrivalApp(application)(asked, None, None))
    assert (seen[0].slug, seen[0].path, seen[0].address) == ("acme", "/ws/chat/", "198.51.100.7")
