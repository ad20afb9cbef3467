"""Adding knowledge in the admin: many files at once, each taken or refused by itself, with and without a script."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from knowledge.models import Dataset, Source
from tenants.context import tenant_context
from tests.test_admin import browser

ADD = "/admin/knowledge/source/add/"
UPLOAD = "/admin/knowledge/source/upload/"
pytestmark = pytest.mark.usefixtures("no_worker")


def file(name: str = "hours.txt", data: bytes = b"Open from 9 to 17.") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, data)


@pytest.fixture
def alice(acme, bot):
    return browser("alice@acme.example.com", "acme")


def said(bot, **fields) -> dict:
    return {"bot_profile": bot.pk, "visibility": "public", "weight": "1", **fields}


def test_each_dropped_file_is_taken_or_refused_with_its_reason(alice, globex, bot, in_acme):
    def drop(*files, client=alice, **fields):
        return client.post(UPLOAD, said(bot, file=list(files), **fields))

    taken = drop(file(), tags="manuals").json()
    assert (taken["told"], taken["is_refused"]) == ("Taken; it is being read.", False)
    source = Source.objects.get()
    assert str(source.pk) in taken["url"] and source.queued_at and source.tags == ["manuals"]
    for what, why in (
        ([file("virus.exe")], "This type of file cannot be read."),
        ([file("broken.pdf", b"%PDF-1.7 nonsense")], "PDF"),
        ([], "Send one file"),
        ([file(), file()], "Send one file"),
    ):
        refused = drop(*what).json()
        assert refused["is_refused"] and why in refused["told"], refused
    homeless = drop(file(), bot_profile="").json()
    assert homeless["told"] == "Choose a bot, or a shared dataset."
    assert Source.objects.count() == 1
    assert drop(file(), client=browser("bob@acme.example.com", "acme")).status_code == 403
    gina = browser("gina@globex.example.com", "globex")
    assert drop(file(), client=gina).json()["is_refused"], "a bot of another tenant"
    assert alice.get(UPLOAD).status_code == 405


def test_a_folder_that_is_dropped_again_brings_no_second_source(alice, bot, in_acme):
    def drop(path, text=b"Open from 9 to 17."):
        return alice.post(UPLOAD, said(bot, file=file("a.txt", text), path=path)).json()["told"]

    assert drop("shop/a.txt") == drop("shop/../b/a.txt") == "Taken; it is being read."
    assert drop("shop/a.txt") == "It is there already, and has not changed."
    assert "in place of" in drop("shop/a.txt", b"Open from 9 to 18.")
    assert drop("a.txt") == drop("a.txt") == "Taken; it is being read.", "these lie in no folder"
    ids = sorted(Source.objects.exclude(external_id="").values_list("external_id", flat=True))
    assert ids == ["shop/a.txt", "shop/b/a.txt"] and Source.objects.count() == 4


def test_the_form_takes_many_files_without_a_script_and_says_which_it_refuses(alice, bot, in_acme):
    form = said(bot, source_type="upload", refresh_schedule="", name="")
    html = alice.get(ADD).content.decode()
    assert "Add knowledge" in html and "data-drop" in html and "multiple" in html
    files = [file("a.txt"), file("virus.exe"), file("b.md", b"# B\n\nText.")]
    assert alice.post(ADD, {**form, "file": files}).status_code == 302
    html = alice.get(ADD).content.decode()
    assert sorted(Source.objects.values_list("name", flat=True)) == ["a.txt", "b.md"]
    assert "virus.exe: This type of file cannot be read." in html and "2 sources are queued" in html
    html = alice.post(ADD, {**form, "file": [file("x.exe"), file("y.exe")]}).content.decode()
    assert "x.exe: This type" in html and "y.exe: This type" in html
    assert Source.objects.count() == 2


def test_another_one_goes_to_the_same_dataset(alice, acme, bot, in_acme):
    shared = Dataset.objects.create(name="Manuals", embedding_model="minirag/hash")
    form = said(bot, source_type="text", content="Hello.", name="A", refresh_schedule="", _addanother="1")  # fmt: skip
    assert alice.post(ADD, form)["Location"].endswith(f"?bot_profile={bot.pk}")
    form |= {"shared_dataset": shared.pk, "bot_profile": ""}
    answer = alice.post(ADD, form)
    assert answer["Location"].endswith(f"?shared_dataset={shared.pk}")
    with tenant_context(acme.tenant):
        html = alice.get(f"{ADD}?shared_dataset={shared.pk}").content.decode()
    assert f'<option value="{shared.pk}" selected' in html
    assert f'<option value="{bot.pk}" selected' not in html
