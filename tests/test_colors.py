"""The theme's colours are in a file of ours, so that no page needs a style of its own."""

from __future__ import annotations

import pytest
from django.test import Client

from minirag.pages.colors import FILE, write_colors


def test_the_file_is_current():
    assert FILE.read_text() == write_colors(), "Run python -m minirag.pages.colors."


@pytest.mark.parametrize("path", ["/admin/login/", "/t/acme/admin/login/", "/"])
def test_no_page_has_a_style_of_its_own(acme, path):
    slug = {"SCRIPT_NAME": "/t/acme"} if path.startswith("/t/") else {}
    answer = Client().get(path.removeprefix("/t/acme"), **slug)
    assert b"<style" not in answer.content
    policy = answer["Content-Security-Policy"]
    assert "style-src 'self';" in policy
    assert ("style-src-attr 'unsafe-inline'" in policy) == ("admin" in path)
    assert "unsafe-inline" not in policy.replace("style-src-attr 'unsafe-inline'", "")
