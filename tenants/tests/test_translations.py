"""Our own pages and mails are there in German, whole."""

from __future__ import annotations

import ast
import re

import pytest
from babel.messages.mofile import read_mo
from django.utils.translation import override

from minirag.lib.telling.kept_sentences import TEMPLATES, retell
from tenants.links import sending
from tenants.links.models import EmailLink, LinkPurpose
from tests.test_admin import Browser
from tests.test_admin import browser as log_in
from translating.kept import kept_of_code, write_templates
from translating.pages import (
    APPS,
    LANGUAGES,
    ROOT,
    bring_up_to_date,
    catalogue_of,
    find_kept,
    read_catalogue,
)


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_that_is_said_is_translated_and_nothing_else_is_kept(language):
    """Else: `python -m translating.pages`, and write what is new."""
    for app, wanted in bring_up_to_date(language).items():
        known = read_catalogue(app, language)
        assert {message.id for message in wanted if message.id} == {each.id for each in known}, app
        with catalogue_of(app, language).with_suffix(".mo").open("rb") as file:
            compiled = {_joined(each.id): _joined(each.string) for each in read_mo(file) if each.id}
        written = {_joined(each.id): _joined(each.string) for each in known}
        assert compiled == {english: said for english, said in written.items() if said.strip("|")}
        for message in known:
            parts = (message.string,) if isinstance(message.string, str) else message.string
            ids = (message.id,) if isinstance(message.id, str) else message.id
            for english, said in zip(ids, parts, strict=True):
                assert said and _names_in(english) == _names_in(said), english
                assert not re.search(r"^(de[rsmn]|das) \1\b", said), said


def _joined(text: str | tuple[str, ...]) -> str:
    return text if isinstance(text, str) else "|".join(text)


def _names_in(text: str) -> list[str]:
    return sorted(re.findall(r"%(?:\(\w+\))?[sd]|\{\w*\}", text))


@pytest.mark.django_db
def test_a_german_browser_reads_german_and_gets_german_mail(acme, bob):
    page = Browser("acme").get("/admin/forgotten/", HTTP_ACCEPT_LANGUAGE="de-AT,de;q=0.9,en;q=0.1")
    assert "Passwort vergessen" in page.content.decode()
    assert "Forgotten password" in Browser("acme").get("/admin/forgotten/").content.decode()
    link, _secret = EmailLink.objects.mint(bob, LinkPurpose.PASSWORD, bob.email)
    with override("de"):
        letter = sending._write(link, "http://x/", "http://x")
    assert letter.subject == "Ein neues Passwort für Acme" and "2 Stunden" in letter.body


@pytest.mark.django_db
def test_the_platforms_page_is_german_for_a_german_browser(client):
    page = client.get("/", HTTP_ACCEPT_LANGUAGE="de")
    assert (
        '<html lang="de">' in page.content.decode()
        and "aus Ihren Dokumenten" in page.content.decode()
    )
    assert "Accept-Language" in page["Vary"]
    assert "from your documents" in client.get("/").content.decode()


@pytest.mark.django_db
def test_a_host_that_is_not_served_is_told_to_people_in_words_and_to_programs_in_json(
    client, settings
):
    settings.PLATFORM_HOSTS = ["localhost"]
    asked = {
        "HTTP_HOST": "elsewhere.example",
        "HTTP_ACCEPT": "text/html",
        "HTTP_ACCEPT_LANGUAGE": "de",
    }
    page = client.get("/", **asked)
    assert page.status_code == 400 and "Unter diesem Namen ist hier nichts" in page.content.decode()
    assert client.get("/v1/bot-profiles", **asked).json()["code"] == "host_unknown"
    assert client.get("/", HTTP_HOST="elsewhere.example").json()["code"] == "host_unknown"


@pytest.mark.django_db
def test_the_language_chosen_in_the_menu_counts_more_than_the_browsers(acme):
    alice = log_in(acme.owner.email, "acme")
    assert 'name="language" type="hidden" value="de"' in alice.get("/admin/").content.decode()
    answer = alice.post("/admin/language/", {"language": "de", "next": "/t/acme/admin/"})
    assert answer.status_code == 302 and answer["Location"] == "/t/acme/admin/"
    page = alice.get("/admin/knowledge/source/", HTTP_ACCEPT_LANGUAGE="en")
    assert page["Content-Language"] == "de" and '<html lang="de"' in page.content.decode()
    over_the_api = alice.get("/v1/bots/nothing", HTTP_ACCEPT_LANGUAGE="de")
    assert "Content-Language" not in over_the_api.headers


@pytest.mark.django_db
def test_a_refusal_is_german_in_a_german_admin_and_english_over_the_wire(acme, as_acme):
    alice = log_in(acme.owner.email, "acme")
    german = {"HTTP_ACCEPT_LANGUAGE": "de"}
    page = alice.post("/admin/settings/", {"act": "add-host", "host": "bots"}, **german)
    assert "„bots“ ist kein Name im DNS des Internets" in page.content.decode()
    said = as_acme.post(
        "/v1/tenants/me/hosts", {"host": "bots"}, content_type="application/json", **german
    )
    assert said.json()["detail"].startswith("'bots' is no name of the Internet's DNS")


ENGLISH = (  # what a worker keeps, what goes over the wire alone, and what a command says
    "minirag/", "knowledge/formats/", "knowledge/indexing/", "knowledge/connectors/", "knowledge/sites/", "management/",
    "tenants/moving/archive.py", "tenants/moving/importing.py", "tenants/moving/public_rows.py",
    "tenants/moving/folder.py", "tenants/authentication.py", "tenants/calls/", "conversations/turns/",
    "conversations/openai/", "conversations/following/", "conversations/widget/", "conversations/mcp/",
    "conversations/annotating/feedback.py", "tests/", "migrations/",
)  # fmt: skip
ERRORS = {
    "BadInput",
    "Conflict",
    "Forbidden",
    "Gone",
    "NotFound",
    "NotAuthenticated",
    "SsoRefused",
    "LogoRefused",
}


def test_whoever_refuses_in_the_admin_says_it_with_gettext():
    unmarked = []
    for app in APPS:
        for path in sorted((ROOT / app).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            if any(name.startswith(each) or f"/{each}" in name for each in ENGLISH):
                continue
            for call in ast.walk(ast.parse(path.read_text())):
                if (
                    isinstance(call, ast.Call)
                    and getattr(call.func, "id", "") in ERRORS
                    and call.args
                ):
                    said = call.args[0]
                    is_plain = isinstance(said, ast.Constant) and " " in str(said.value)
                    if is_plain or isinstance(said, ast.JoinedStr):
                        unmarked.append(f"{name}:{call.lineno}")
    assert unmarked == []


def test_what_workers_keep_in_english_is_told_in_the_readers_language():
    with override("de"):
        assert retell("This PDF has no pages.") == "Dieses PDF hat keine Seiten."
        assert (
            retell("There is no text in it: {0}") == "There is no text in it: {0}"
        )  # of nobody here
        told = retell(
            "The server answered with status 503. It is paused until somebody asks for it."
        )
        assert told == "Der Server hat mit Status 503 geantwortet. Es ruht, bis jemand es verlangt."
        assert retell(
            "Files of this kind cannot be read. Open it, save it as .docx, and use that."
        ) == (
            "Dateien dieser Art sind nicht lesbar. Öffnen Sie es, speichern Sie es als .docx und nehmen Sie das."
        )
        assert retell("a.pdf: It is encrypted.") == "a.pdf: Es ist verschlüsselt."
        assert retell(" ") == " " and retell(None) == ""
        long = "x y. " * 2000
        assert retell(long) == long
    with override("en"):
        assert retell("This PDF has no pages.") == "This PDF has no pages."


def test_a_sentence_that_foreigners_have_made_costs_no_more_than_another():
    by, key = " by " * 10_000, " with the platform's key (" * 10_000
    with override("de"):
        for hostile in (
            "a: " * 100_000,
            by + key + ", last at " * 10_000,
            "x: It leads to y: " * 10_000,
        ):
            assert len(retell(hostile)) > 10_000
        assert (
            retell("<b>: It is encrypted.") == "<b>: Es ist verschlüsselt."
        )  # escaped by the page


def test_what_somebody_has_named_is_not_told_in_another_language():
    with override("de"):
        assert retell("Hidden sheets are not read: Settings.").endswith(": Settings.")
        assert retell("None of 3 pages could be taken.") != "None of 3 pages could be taken."
        assert " pages " not in retell("None of 3 pages could be taken.")


def test_the_sentences_with_places_are_those_of_the_code():
    """Else: `python -m translating.pages`."""
    found = {each for app in APPS for each in find_kept(app)}
    assert TEMPLATES.read_text() == write_templates(found)
    assert "This PDF has {pages} pages; at most {max_pages} are read. Please split it." in found


def test_sentences_are_found_where_they_are_kept():
    code = """
code, reason = "x", f"It is {size // 2**20} MB and {a.size} MB."
raise ParseError("Not this." if a else kept(f"Nor {that}."))
self.fail("internal", "Went wrong.", reason="It did so.")
told = "Not kept."
"""
    assert kept_of_code(code) == {
        "It is {size} MB and {size2} MB.", "Not this.", "Nor {that}.", "Went wrong.", "It did so.",
    }  # fmt: skip
