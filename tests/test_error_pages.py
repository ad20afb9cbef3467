"""Pages of errors: in the reader's language in the admin, in English for programs and visitors."""

from __future__ import annotations

import pytest
from django.test import Client

from conftest import Party
from tenants.models import User
from tests.admin_sessions import log_in_to_admin

GERMAN = {"HTTP_ACCEPT": "text/html", "HTTP_ACCEPT_LANGUAGE": "de"}


def test_an_error_in_the_admin_is_told_in_the_readers_language(
    acme: Party, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = log_in_to_admin(bob, "sessionid_acme", SCRIPT_NAME="/t/acme", **GERMAN)
    for url, status, words in (
        ("/admin/nowhere/", 404, "Hier ist nichts"),
        ("/admin/tenants/user/add/", 403, "Das dürfen Sie nicht"),
    ):
        answer = browser.get(url)
        assert (answer.status_code, words in answer.content.decode()) == (status, True), url
        assert '<html lang="de">' in answer.content.decode()
    browser.handler.enforce_csrf_checks = True
    answer = browser.post("/admin/logout/")
    assert answer.status_code == 403 and "Formular ist zu alt" in answer.content.decode()
    monkeypatch.setattr("minirag.pages.dashboard.count_sources", lambda: 1 / 0)
    browser.raise_request_exception = False
    answer = browser.get("/admin/")
    assert answer.status_code == 500 and "Etwas ist schiefgegangen" in answer.content.decode()


def test_programs_are_told_in_english_and_visitors_in_their_language(acme: Party) -> None:
    told = Client().get("/v1/nowhere", **GERMAN)
    assert told.json()["detail"] == "Not Found"
    page = Client().get("/nowhere", **GERMAN)
    assert page.status_code == 404 and "Hier ist nichts" in page.content.decode()
