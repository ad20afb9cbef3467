"""The admin's manners: a language of one's own, help on every page, a palette that finds what one may see."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from bots.models import BotProfile
from tenants.admin_site.help import HELP, docs_folder, find_help, name_heading
from tenants.admin_site.palette import FOUND, MOST_ROWS
from tenants.admin_site.sites import platform_site, tenant_site
from tenants.context import tenant_context
from tests.test_admin import Browser, alice, browser, member  # noqa: F401 - fixtures


def test_every_page_leads_to_a_heading_of_the_docs_that_is_there():
    for site in (platform_site, tenant_site):
        for model in site._registry:
            name = f"{model._meta.app_label}_{model._meta.model_name}_changelist"
            assert find_help(name), f"say in HELP where {name} is explained"
    for page in ("index", "settings", "sso", "security", "bots_quota_plan", "try_start"):
        assert find_help(page), page
    for target in set(HELP.values()):
        page, _hash, heading = target.partition("#")
        text = (docs_folder() / f"{page}.md").read_text()
        headings = {name_heading(each) for each in re.findall(r"^#+ (.+)$", text, re.MULTILINE)}
        assert not heading or heading in headings, target


@pytest.mark.django_db
def test_the_docs_are_read_where_they_are_needed(alice, acme):
    html = alice.get("/admin/knowledge/source/").content.decode()
    assert 'href="/t/acme/admin/help/knowledge/#sources"' in html
    page = alice.get("/admin/help/knowledge/")
    assert page.status_code == 200 and 'id="sources"' in page.content.decode()
    html = alice.get("/admin/help/index/").content.decode()
    assert 'href="/t/acme/admin/help/sites/"' in html and "sites.md" not in html
    for unknown in ("nothing", "make_screenshots", "README"):
        assert alice.get(f"/admin/help/{unknown}/").status_code == 404
    assert Browser("acme").get("/admin/help/knowledge/").status_code == 302


@pytest.mark.django_db
def test_the_palette_finds_pages_acts_and_rows_that_one_may_see_and_no_others(
    alice, member, in_acme, globex
):
    for number in range(MOST_ROWS + 3):
        BotProfile.objects.create(name=f"Zebra {number}")
    with tenant_context(globex.tenant):
        BotProfile.objects.create(name="Zebra of globex")
    url = "/admin/search/?extended=1&s="
    html = alice.get(f"{url}zebra").content.decode()
    assert html.count("Zebra ") >= MOST_ROWS and "globex" not in html
    assert html.count('data-title="Zebra') == MOST_ROWS
    html = alice.get(f"{url}bot").content.decode()
    assert 'data-title="Add: Bot"' in html and 'data-title="Bots"' in html
    html = member.get(f"{url}bot").content.decode()
    assert "Add: Bot" not in html and 'data-title="Bots"' in html
    assert "audit" not in member.get(f"{url}audit").content.decode().lower()
    assert alice.get(f"{url}%20").content == b""
    with CaptureQueriesContext(connection) as asked:
        alice.get(f"{url}zebra")
    looked = [each["sql"] for each in asked if "zebra" in each["sql"].lower()]
    assert 0 < len(looked) <= len(FOUND) and all("LIMIT" in each for each in looked)


@pytest.mark.django_db
def test_a_filtered_list_says_so_and_how_to_clear_it(alice, in_acme):
    assert "Clear filters" not in alice.get("/admin/bots/botprofile/").content.decode()
    html = alice.get("/admin/bots/botprofile/?is_active__exact=1").content.decode()
    assert "Clear filters" in html and '<a class="mr-link" href="?">' in html


@pytest.mark.django_db
@pytest.mark.parametrize(
    "page", ["knowledge/source/tree/", "knowledge/source/add/", "knowledge/source/", ""]
)
def test_the_sidebar_marks_the_one_page_that_is_open(alice, in_acme, page):
    groups = alice.get(f"/admin/{page}").context["sidebar_navigation"]
    marked = [item["link"] for group in groups for item in group["items"] if item["active"]]
    assert marked == [f"/t/acme/admin/{page}"]


@pytest.mark.django_db
def test_scripts_speak_german_to_those_who_read_it(acme):
    alice = browser(acme.owner.email, "acme")
    assert "mr-words" not in alice.get("/admin/").content.decode()
    html = alice.get("/admin/", HTTP_ACCEPT_LANGUAGE="de").content.decode()
    assert 'id="mr-words"' in html and "Der Besucher schreibt" in html


def test_an_empty_list_says_what_it_is_for():
    told = {"django_celery_beat", "admin"}  # the clock's own, and the log of this admin
    never_empty = ("AuditEvent", "User", "Tenant", "SchemaMigration", "Chunk")
    silent = {
        model._meta.label
        for site in (platform_site, tenant_site)
        for model, page in site._registry.items()
        if model._meta.app_label not in told and not getattr(page, "nothing_yet", "")
    }
    assert {each for each in silent if each.split(".")[1] not in never_empty} == set()
