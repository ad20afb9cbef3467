"""What a tenant's managers set of it: how it looks, its words in mails and pages, and the hosts that lead to it."""

from __future__ import annotations

import base64
import json
import struct
import zlib

import pytest
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from bots.models import BotProfile
from minirag.lib.http_out.client import Fetched, OutboundError
from tenants.branding.colours import contrast_of, nearest_readable
from tenants.branding.logos import MOST_BYTES, LogoRefused, read_logo
from tenants.context import tenant_context
from tenants.hosts import checking
from tenants.models import AuditEvent, Domain, Role, Tenant, User
from tenants.provisioning import add_domain
from tests.test_admin import Browser, browser

URL = "/v1/tenants/me/settings"
JSON = "application/json"
pytestmark = pytest.mark.django_db


def png(width: int = 2, height: int = 2, *extra: tuple[bytes, bytes]) -> bytes:
    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        )

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"".join(b"\0" + b"\x8a\x1c\x4a" * width for _ in range(height)))
    chunks = [(b"IHDR", head), *extra, (b"IDAT", rows), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*each) for each in chunks)


def svg(inside: str, more: str = "") -> bytes:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9" {more}>{inside}</svg>'.encode()
    )


def test_settings_are_set_and_take_effect(as_acme, as_globex, acme, globex):
    values = {
        "shown_name": "Acme Help", "accent": "#8A1C4A", "languages": ["de", "en"], "contact": "0800 100",
        "time_zone": "Europe/Berlin", "default_model": "openai/gpt-test",
        "masking": {"kinds": ["email"]},
    }  # fmt: skip
    before = as_globex.get(URL).json()
    answer = as_acme.patch(URL, values, content_type=JSON)
    assert answer.status_code == 200 and answer.json()["accent"] == "#8a1c4a"
    assert answer.json().items() >= {**values, "accent": "#8a1c4a", "name": "Acme"}.items()
    assert as_globex.get(URL).json() == before and before["default_model"] == ""
    made = as_acme.post("/v1/bot-profiles", {"name": "Ava"}, content_type=JSON).json()
    other = as_globex.post("/v1/bot-profiles", {"name": "Gus"}, content_type=JSON).json()
    assert made["model"] == "openai/gpt-test" and other["model"] == "minirag/extractive"
    with tenant_context(Tenant.objects.get(slug="acme")):
        bot = BotProfile.objects.get()
        assert bot.known_contact == "0800 100" and bot.known_masking.takes_out
    event = AuditEvent.objects.get(action="tenant.settings_changed")
    assert event.detail["changes"]["shown_name"] == ["", "Acme Help"]
    page = Browser("acme").get("/admin/login/").content.decode()
    assert "Acme Help" in page and "/t/acme/branding/colours.css?v=8a1c4a" in page
    sheet = Client(SCRIPT_NAME="/t/acme").get("/branding/colours.css?v=8a1c4a")
    assert sheet["Content-Type"].startswith("text/css") and b"#8a1c4a" in sheet.content
    assert Client(SCRIPT_NAME="/t/globex").get("/branding/colours.css").content == b""


@pytest.mark.parametrize(
    "values",
    [
        {"accent": "#f4d03f"}, {"accent": "red; } body {"}, {"accent": "red"}, {"dark_accent": "#101010"},
        {"languages": ["xx"]}, {"languages": ["de", "de"]}, {"time_zone": "Atlantis"}, {"name": ""},
        {"name": "x" * 256},
    ],
)  # fmt: skip
def test_what_is_refused_changes_nothing(as_acme, acme, values):
    answer = as_acme.patch(URL, {"contact": "somebody", **values}, content_type=JSON)
    assert answer.status_code == 422, answer.content
    assert as_acme.get(URL).json()["contact"] == ""


def test_a_colour_that_cannot_be_read_is_refused_with_one_that_can(as_acme):
    said = as_acme.patch(URL, {"accent": "#f4d03f"}, content_type=JSON).json()["detail"][0]["msg"]
    nearest = said.rpartition(" ")[2].rstrip(".")
    assert contrast_of(nearest, "#ffffff") >= 4.5
    assert as_acme.patch(URL, {"accent": nearest}, content_type=JSON).status_code == 200
    assert contrast_of("#000000", "#ffffff") == 21 and nearest_readable("#ffffff", "#18181b")


def test_only_managers_change_settings_and_a_stale_tag_changes_none(as_acme, acme, bob):
    member = Client(**acme.bearer)
    tag = as_acme.get(URL)["ETag"]
    assert (
        as_acme.patch(URL, {"contact": "a"}, content_type=JSON, HTTP_IF_MATCH=tag).status_code
        == 200
    )
    late = as_acme.patch(URL, {"contact": "b"}, content_type=JSON, HTTP_IF_MATCH=tag)
    assert late.status_code == 409 and late.json()["code"] == "changed_meanwhile"
    User.objects.filter(pk=acme.owner.pk).update(role=Role.MEMBER)
    assert member.get(URL).status_code == 200
    for answer in (
        member.patch(URL, {"contact": "c"}, content_type=JSON),
        member.put("/v1/tenants/me/logo", {"content": "eA=="}, content_type=JSON),
        member.post("/v1/tenants/me/hosts", {"host": "a.example.com"}, content_type=JSON),
    ):
        assert answer.status_code == 403 and answer.json()["code"] == "role_forbidden"
    assert browser("bob@acme.example.com", "acme").get("/admin/settings/").status_code == 403


def test_a_logo_is_written_anew_and_served_so_that_it_can_do_nothing(as_acme, acme):
    with_note = png(2, 2, (b"tEXt", b"Comment\0where we live"))
    sent = {"content": base64.b64encode(with_note).decode()}
    url = as_acme.put("/v1/tenants/me/logo", sent, content_type=JSON).json()["logo_url"]
    assert "/t/acme/branding/logo?v=" in url
    version = url.partition("?")[2]
    answer = Client(SCRIPT_NAME="/t/acme").get(f"/branding/logo?{version}")
    assert answer.content == png() and b"where we live" not in answer.content
    assert answer["Content-Type"] == "image/png" and answer["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer["Content-Security-Policy"] and "public" in answer["Cache-Control"]
    assert Client(SCRIPT_NAME="/t/globex").get("/branding/logo").status_code == 404
    assert b"/branding/logo?v=" in Browser("acme").get("/admin/login/").content
    assert as_acme.delete("/v1/tenants/me/logo").status_code == 204
    assert Client(SCRIPT_NAME="/t/acme").get("/branding/logo").status_code == 404


SHAPES = '<g><path d="M0 0h9" fill="#8a1c4a"/><text x="1">Acme</text></g>'


def test_what_draws_an_svg_stays_and_programs_notes_go():
    noted = svg(
        f"<!-- made by --><metadata>x</metadata>{SHAPES}<i:x xmlns:i='urn:i'/>", 'data-a="1"'
    )
    kept = read_logo(noted).data.decode()
    assert "Acme" in kept and "M0 0h9" in kept
    assert "metadata" not in kept and "made by" not in kept and "urn:i" not in kept


@pytest.mark.parametrize(
    "data",
    [
        b"", b"MZ\x90", b"GIF89a", b"x" * (MOST_BYTES + 1), png()[:-20], png(4000, 4000),
        png(2, 2, (b"IHDR", struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0))),
        svg("<g>" * 9000 + "</g>" * 9000), b"\xff\xd8\xff\xe0",
        b"\x89PNG\r\n\x1a\n", b"<html><script>alert(1)</script></html>", b"<svg/>", b"<svg",
        svg("<script>alert(1)</script>"), svg("<foreignObject><p/></foreignObject>"),
        svg("<style>*{background:url(https://evil)}</style>"), svg(SHAPES, 'onload="alert(1)"'),
        svg('<use href="https://evil.example.com/x.svg#a"/>'), svg('<image href="data:image/png;base64,xx"/>'),
        svg('<path d="M0 0" fill="url(https://evil.example.com)"/>'), svg('<path style="x:y"/>'),
        svg('<a href="javascript:alert(1)"><path/></a>'), svg('<animate attributeName="href"/>'),
        b'<!DOCTYPE svg [<!ENTITY a "b">]>' + svg("&a;"),
        svg('<set attributeName="onload" to="alert(1)"/>'),
    ],
)  # fmt: skip
def test_what_is_no_harmless_picture_is_refused(data):
    with pytest.raises(LogoRefused):
        read_logo(data)


def test_of_a_jpeg_only_its_own_picture_stays():
    def segment(marker: int, body: bytes) -> bytes:
        return bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2, "big") + body

    size = segment(0xC0, b"\x08\x00\x02\x00\x02\x01\x01\x11\x00")
    scan = segment(0xDA, b"\x01\x01\x00\x00\x3f\x00") + b"\x12\xff\x00\x34\xff\xd0\x56"
    table = segment(0xC4, b"\x00\xff\xd9")  # looks like the end, and is none
    note = segment(0xE1, b"Exif where we live")
    picture = b"\xff\xd8" + note + size + scan + note + table + scan + b"\xff\xd9"
    clean = b"\xff\xd8" + size + scan + table + scan + b"\xff\xd9"
    assert read_logo(picture + picture + b"PK<script>\xff\xd9").data == clean
    for bad in (clean[:-2], b"\xff\xd8" + scan + b"\xff\xd9", b"\xff\xd8" + size + b"\xff\xd9"):
        with pytest.raises(LogoRefused):
            read_logo(bad)


def test_mails_with_links_are_in_the_tenants_language_name_and_colour(as_acme, acme):
    logo = {"content": base64.b64encode(png()).decode()}
    as_acme.put("/v1/tenants/me/logo", logo, content_type=JSON)
    as_acme.patch(
        URL,
        {"shown_name": "Acme & Co", "accent": "#8a1c4a", "languages": ["de"]},
        content_type=JSON,
    )
    as_acme.post("/v1/invitations", {"email": "ivy@acme.example.com"}, content_type=JSON)
    letter = mail.outbox[-1]
    assert letter.subject == "Einladung zu Acme & Co" or "Acme & Co" in letter.subject
    (page, kind) = letter.alternatives[0]
    assert kind == "text/html" and 'lang="de"' in page and "#8a1c4a" in page
    assert "Acme &amp; Co" in page and "/t/acme/branding/logo?v=" in page
    assert "/admin/set-password/?link=" in letter.body


class Outside:
    """What the Internet answers for each address of a host, in place of a call."""

    def __init__(self, answers: dict[str, object]) -> None:
        self.answers = answers

    def __call__(self, url: str, **_facts: object) -> Fetched:
        found = self.answers.get(url.partition(":")[0], OutboundError("connect_failed", "no", True))
        if isinstance(found, OutboundError):
            raise found
        return Fetched(url, 200, "text/plain", None, str(found).encode(), None, None, False)


OURS = "ours"
FAILED = OutboundError(
    "connect_failed", "The server's TLS certificate could not be verified.", True
)


@pytest.mark.parametrize(
    ("answers", "state"),
    [
        ({"https": OURS}, "ready"),
        ({"http": OURS, "https": FAILED}, "no_certificate"),
        ({"https": "hello", "http": "hello"}, "elsewhere"),
        ({name: OutboundError("http_status", "404", False) for name in ("http", "https")}, "elsewhere"),
        ({name: OutboundError("dns_failed", "no", True) for name in ("http", "https")}, "no_address"),
        ({name: OutboundError("address_refused", "no", False) for name in ("http", "https")}, "private"),
        ({}, "unreachable"),
    ],
)  # fmt: skip
def test_a_host_is_asked_and_told_plainly(as_acme, acme, monkeypatch, answers, state):
    host = "bots.acme.example.com"
    assert as_acme.post("/v1/tenants/me/hosts", {"host": host}, content_type=JSON).json() | {
        "created_at": None
    } == {
        "host": host, "is_claim": True, "is_primary": False, "checked_at": None, "state": None, "advice": "",
        "leads_until": None,
        "created_at": None, **proof_of(host, acme),
    }  # fmt: skip
    run_dns(monkeypatch, proof_of(host, acme))
    word = Client(HTTP_HOST=host).get(checking.PATH).content.decode()
    assert (
        word and word != Client(HTTP_HOST="other.example.com").get(checking.PATH).content.decode()
    )
    answers = {name: word if each is OURS else each for name, each in answers.items()}
    monkeypatch.setattr(checking, "fetch", Outside(answers))
    monkeypatch.setattr(checking, "resolve_host", lambda *_: ["93.184.216.34", "10.0.0.1"])
    told = as_acme.post(f"/v1/tenants/me/hosts/{host}/check").json()
    assert told["state"] == state and told["advice"] and told["checked_at"]
    assert "10.0.0.1" not in json.dumps(told), "no address of an inner network"
    assert Domain.objects.get(domain=host).check_outcome == state
    assert told["is_primary"] and not told["is_claim"]


def proof_of(host, party):
    name, content = checking.proof_of(Domain(domain=host, tenant=party.tenant))
    return {"proof_name": name, "proof_content": content}


def run_dns(monkeypatch, *records):
    """The world's TXT records, in place of a call."""
    told = {each["proof_name"]: each["proof_content"] for each in records}
    monkeypatch.setattr(
        checking, "read_texts", lambda name, *, seconds: frozenset({"v=spf1 -all", told.get(name)})
    )


def test_a_host_is_whose_dns_says_so_and_a_claim_keeps_nobody_off(
    as_acme, as_globex, acme, globex, settings, monkeypatch
):
    settings.PLATFORM_HOSTS = ["testserver", "localhost"]
    host, url = "bots.globex.example.com", "/v1/tenants/me/hosts"
    claim = {"data": {"host": host}, "content_type": JSON}
    assert as_acme.post(url, **claim).status_code == 201, "a squatter, who is first"
    assert as_acme.post(url, **claim).json()["code"] == "host_taken", "once is enough"
    assert as_globex.post(url, **claim).status_code == 201
    monkeypatch.setattr(checking, "fetch", _not_asked)
    run_dns(monkeypatch)
    for caller in (as_acme, as_globex):
        told = caller.post(f"{url}/{host}/check").json()
        assert (told["state"], told["is_claim"], told["addresses"]) == ("unproven", True, [])
        assert caller.post(f"{url}/{host}/primary").json()["code"] == "host_unproven"
    assert Client(HTTP_HOST=host).get("/admin/login/").json()["code"] == "host_unknown"
    run_dns(monkeypatch, proof_of(host, globex))
    monkeypatch.setattr(checking, "fetch", Outside({}))
    monkeypatch.setattr(checking, "resolve_host", lambda *_: [])
    assert as_acme.post(f"{url}/{host}/check").json()["is_claim"] is True
    told = as_globex.post(f"{url}/{host}/check").json()
    assert (told["state"], told["is_claim"], told["is_primary"]) == ("unreachable", False, True)
    assert "Globex" in Client(HTTP_HOST=host).get("/admin/login/").content.decode()
    run_dns(monkeypatch, proof_of(host, acme))
    told = as_acme.post(f"{url}/{host}/check").json()
    assert (told["state"], told["is_claim"]) == ("taken", True)
    assert as_acme.delete(f"{url}/{host}").status_code == 204
    assert as_acme.post(url, **claim).json()["code"] == "host_taken", "it leads to another one"


def _not_asked(*_args, **_facts):
    raise AssertionError("nothing is asked of a name that is only claimed")


def test_an_operator_leads_a_host_over_claims(as_acme, acme, globex):
    as_acme.post("/v1/tenants/me/hosts", {"host": "a.example.com"}, content_type=JSON)
    add_domain(globex.tenant, "a.example.com")
    assert Domain.objects.leading().get(domain="a.example.com").tenant == globex.tenant
    as_acme.post("/v1/tenants/me/hosts", {"host": "b.example.com"}, content_type=JSON)
    assert not add_domain(acme.tenant, "b.example.com").is_claim
    assert Domain.objects.filter(domain="b.example.com").count() == 1


def test_hosts_of_others_and_of_the_installation_are_refused(as_acme, acme, globex):
    add_domain(globex.tenant, "bots.globex.example.com")
    for host, status in (
        ("bots.globex.example.com", 409), ("BOTS.globex.example.com.", 409), ("127.0.0.1", 422),
        ("localhost", 422), ("https://x.example.com/", 422), ("10.1.2.3", 422),
    ):  # fmt: skip
        answer = as_acme.post("/v1/tenants/me/hosts", {"host": host}, content_type=JSON)
        assert answer.status_code == status, host
    assert as_acme.delete("/v1/tenants/me/hosts/bots.globex.example.com").status_code == 404
    assert Domain.objects.get().tenant == globex.tenant


def test_the_page_does_all_of_it(acme, monkeypatch):
    alice = browser("alice@acme.example.com", "acme")
    page = alice.get("/admin/settings/").content.decode()
    assert "Hosts of your own" in page and 'href="/t/acme/admin/settings/"' in page

    def act(name: str, /, **data: object):
        return alice.post("/admin/settings/", {"act": name, **data})

    form = {"name": "Acme", "time_zone": "UTC", "languages": "de, en", "accent": "#8a1c4a"}
    private = {"masked_kinds": ["email", "phone"], "masked_patterns": "K-\\d+"}
    assert act("save", **form, **private).status_code == 302
    acme.tenant.refresh_from_db()
    assert acme.tenant.masking == {"kinds": ["email", "phone"], "patterns": [r"K-\d+"]}
    hostile = act("save", **form, masked_patterns="(a+)+\\1")
    assert hostile.status_code == 200 and "RE2" in hostile.content.decode()
    light = act("save", **{**form, "accent": "#ffff00"})
    assert light.status_code == 200 and "too little contrast" in light.content.decode()
    bad = SimpleUploadedFile("logo.svg", svg("<script/>"))
    assert "script" in act("set-logo", **{"logo-logo": bad}).content.decode()
    good = SimpleUploadedFile("logo.bin", png())
    assert act("set-logo", **{"logo-logo": good}).status_code == 302
    assert act("add-host", host="bots.acme.example.com").status_code == 302
    assert act("add-host", host="help.acme.example.com").status_code == 302
    assert "minirag-host=" in alice.get("/admin/settings/").content.decode()
    monkeypatch.setattr(checking, "fetch", Outside({}))
    run_dns(monkeypatch, *(proof_of(f"{each}.acme.example.com", acme) for each in ("bots", "help")))
    assert act("check-host", host="bots.acme.example.com").status_code == 302
    assert act("check-host", host="help.acme.example.com").status_code == 302
    assert act("make-primary", host="help.acme.example.com").status_code == 302
    page = alice.get("/admin/settings/").content.decode()
    assert "nobody answers there" in page and "Checked" in page
    assert act("remove-host", host="help.acme.example.com").status_code == 302
    assert Domain.objects.get().is_primary, "another one takes its place"
    assert act("remove-logo").status_code == 302
    tenant = Tenant.objects.get(slug="acme")
    assert (tenant.languages, tenant.accent, tenant.logo_hash) == (["de", "en"], "#8a1c4a", "")
