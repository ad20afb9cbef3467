"""The demo: made once, completed later, shown again; and the pages that it is seen on."""

from __future__ import annotations

import re
import stat
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from bots.models import BotProfile
from bots.profiles import create_bot
from conftest import PASSWORD
from knowledge.models import RefusalFloors, Source, SourceStatus
from minirag.local.demo.seeding import notes_path, read_notes
from minirag.local.demo.tenants import DEMO_TENANTS, OPERATOR_EMAIL
from tenants.context import tenant_context
from tenants.models import Tenant, User
from tenants.provisioning import erase_tenant, provision_tenant, suspend_tenant


@pytest.fixture
def empty(db: None, tmp_path: Path, settings) -> None:
    """An installation without acme and globex (the test's transaction brings them back), and a folder of its own."""
    settings.DATA_DIR = tmp_path
    for tenant in Tenant.objects.filter(slug__in=["acme", "globex"]):
        erase_tenant(tenant)


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("demo", *arguments, stdout=out)
    return out.getvalue()


def count_rows() -> dict[str, tuple[int, int]]:
    counts = {}
    for demo in DEMO_TENANTS:
        with tenant_context(Tenant.objects.get(slug=demo.slug)):
            counts[demo.slug] = (BotProfile.objects.count(), Source.objects.count())
    return counts


class TestSeeding:
    def test_makes_tenants_owners_bots_and_queued_sources(self, empty):
        run()
        assert count_rows() == {demo.slug: (1, len(demo.documents)) for demo in DEMO_TENANTS}
        for demo in DEMO_TENANTS:
            tenant = Tenant.objects.get(slug=demo.slug)
            owner = User.objects.get(tenant=tenant)
            assert owner.email == demo.owner_email and owner.check_password(
                read_notes()[demo.owner_email]["password"]
            )
            with tenant_context(tenant):
                assert BotProfile.objects.get().starter_questions == demo.starter_questions
                assert not Source.objects.filter(queued_at__isnull=True).exists()
        assert User.objects.get(email=OPERATOR_EMAIL).is_superuser

    def test_a_second_run_changes_nothing(self, empty):
        run()
        before, notes = count_rows(), read_notes()
        run()
        assert count_rows() == before and read_notes() == notes

    def test_a_run_completes_what_an_earlier_one_left(self, empty):
        run()
        with tenant_context(Tenant.objects.get(slug="acme")):
            Source.objects.filter(name="support-faq.md").delete()
        connection.check_constraints()  # what a commit would do between the two commands
        erase_tenant(Tenant.objects.get(slug="globex"))
        run()
        token = read_notes()["owner@globex.example.com"]["api_token"]
        assert (
            Client().get("/v1/tenants/me", HTTP_AUTHORIZATION=f"Bearer {token}").status_code == 200
        )
        assert count_rows() == {demo.slug: (1, len(demo.documents)) for demo in DEMO_TENANTS}

    def test_ingests_at_once_if_asked(self, empty):
        said = run("--ingest-now")
        assert "chunks" in said
        for demo in DEMO_TENANTS:
            with tenant_context(Tenant.objects.get(slug=demo.slug)):
                assert set(Source.objects.values_list("status", flat=True)) == {SourceStatus.READY}
                assert min(Source.objects.values_list("chunk_count", flat=True)) > 0
                assert RefusalFloors.objects.count() == 1

    def test_the_passwords_are_only_in_a_private_file_and_in_no_log(self, empty):
        said = run()
        assert stat.S_IMODE(notes_path().stat().st_mode) == 0o600
        for note in read_notes().values():
            assert note["password"] not in said and note.get("api_token", "none") not in said

    def test_lost_notes_are_made_anew(self, empty):
        run()
        notes_path().unlink()
        run()
        for email, note in read_notes().items():
            assert User.objects.get(email=email).check_password(note["password"])

    def test_a_tenant_of_somebody_else_is_left_alone(self, empty):
        provision_tenant(
            name="Ours", slug="acme", owner_email="a@acme.example.net", owner_password=PASSWORD
        )
        with pytest.raises(CommandError, match="not the demo's"):
            run()
        assert User.objects.filter(tenant__slug="acme").count() == 1


class TestShow:
    def test_shows_urls_and_log_ins_that_work(self, empty, settings):
        settings.PUBLIC_URL = "https://rag.example.com/"
        run()
        said = run("--show")
        assert (
            "https://rag.example.com/t/acme/admin/" in said
            and "https://rag.example.com/admin/" in said
        )
        for email, password in re.findall(r"log-in +(\S+) / (\S+)", said):
            assert User.objects.get(email=email).check_password(password)
        for token in re.findall(r"API token +(\S{43})", said):
            assert (
                Client().get("/v1/tenants/me", HTTP_AUTHORIZATION=f"Bearer {token}").status_code
                == 200
            )
        assert len(re.findall(r"log-in", said)) == 3 and len(re.findall(r"API token", said)) == 2

    def test_a_password_that_was_changed_is_not_shown(self, empty):
        run()
        owner = User.objects.get(email=DEMO_TENANTS[0].owner_email)
        owner.set_password("changed since then")
        owner.save()
        said = run("--show")
        assert "with the password that was set since" in said
        assert read_notes()[owner.email]["password"] not in said

    def test_says_so_where_there_is_no_demo(self, empty):
        assert "There is no demo here" in run("--show")


class TestPages:
    def test_the_first_page_leads_to_the_demo_and_to_the_admin(self, empty):
        html = Client().get("/").content.decode()
        assert "/t/acme/" not in html and 'href="/admin/"' in html
        run()
        html = Client().get("/").content.decode()
        assert (
            'href="/t/acme/"' in html
            and 'href="/t/globex/admin/"' in html
            and 'href="/admin/"' in html
        )

    def test_a_tenants_page_carries_its_bot_and_the_way_to_the_other(self, empty):
        run()
        html = Client(SCRIPT_NAME="/t/acme").get("/").content.decode()
        with tenant_context(Tenant.objects.get(slug="acme")):
            bot = BotProfile.objects.get()
        assert (
            str(bot.pk) in html and bot.starter_questions[0] in html and 'href="/t/globex/"' in html
        )
        assert "The company and its products are invented." in html

    def test_who_only_has_such_a_slug_is_not_called_invented(self, acme, in_acme):
        create_bot({"name": "Ida", "is_public": True})
        with tenant_context(None):
            html = Client(SCRIPT_NAME="/t/acme").get("/").content.decode()
            first_page = Client().get("/").content.decode()
        assert "invented" not in html and "/t/acme/" not in first_page

    def test_a_tenant_outside_of_the_demo_has_a_page_too(self, in_acme):
        bot = create_bot({"name": "Ida", "description": "Knows the manuals.", "is_public": True})
        html = Client(SCRIPT_NAME="/t/acme").get("/").content.decode()
        assert str(bot.pk) in html and "Ida" in html

    def test_it_speaks_its_readers_language_and_of_its_own_tenant_alone(self, in_acme):
        BotProfile.objects.create(name="Ava", is_public=True)
        page = Client(SCRIPT_NAME="/t/acme").get("/", HTTP_ACCEPT_LANGUAGE="de").content.decode()
        assert '<html lang="de">' in page and "Ava fragen" in page
        assert "Belegt" in page and "Getrennt" not in page  # which is for who compares two tenants

    def test_without_an_active_bot_there_is_no_page(self, in_acme):
        assert Client(SCRIPT_NAME="/t/acme").get("/").status_code == 404
        create_bot({"name": "Ida", "is_active": False, "is_public": True})
        assert Client(SCRIPT_NAME="/t/acme").get("/").status_code == 404

    def test_a_bot_that_nobody_made_public_has_no_page(self, in_acme):
        create_bot({"name": "Ida"})
        answer = Client(SCRIPT_NAME="/t/acme").get("/")
        assert answer.status_code == 404 and "Ida" not in answer.content.decode()
        public = create_bot({"name": "Otto", "is_public": True})
        html = Client(SCRIPT_NAME="/t/acme").get("/").content.decode()
        assert str(public.pk) in html and "Ida" not in html

    def test_a_suspended_tenant_has_none(self, in_acme):
        create_bot({"name": "Ida", "is_public": True})
        suspend_tenant(in_acme.tenant)
        assert Client(SCRIPT_NAME="/t/acme").get("/").status_code == 404

    def test_the_pages_can_only_be_read(self, acme):
        assert Client(enforce_csrf_checks=False).post("/").status_code == 405
