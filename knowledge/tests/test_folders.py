"""A folder on the server as a source: kept in step, and never a way to another's files."""

from __future__ import annotations

import errno
import os

import pytest

from knowledge import tasks
from knowledge.models import Document, Source
from knowledge.sites import walking
from knowledge.tests.conftest import run
from knowledge.tests.pulls import TEXTS, answering, counts, files, links, look, pull, says

pytestmark = pytest.mark.usefixtures("no_worker")


@pytest.fixture
def folder(tmp_path, settings):
    settings.SOURCE_FOLDERS = str(tmp_path)
    for slug in ("acme", "globex"):
        (tmp_path / slug).mkdir()
    (tmp_path / "secret.md").write_text("# Secret\n\nThe safe is behind the picture.")
    (tmp_path / "globex" / "plans.md").write_text("# Plans\n\nGlobex buys the moon.")
    for path, text in TEXTS.items():
        put(tmp_path / "acme", path, text)
    return tmp_path / "acme"


def put(folder, path: str, text: str) -> None:
    (folder / path).parent.mkdir(parents=True, exist_ok=True)
    (folder / path).write_text(text)


def test_each_file_is_a_document_and_only_what_changes_is_read_again(folder, bot, embedder):
    source = pull(bot, "folder", link_base="https://files.example.com/")
    sync = look(source)
    assert source.status == "ready" and counts(sync) == {"added": 4}, source.error_message
    assert answering(source) == set(TEXTS)
    assert links(source)["manuals/old/rotor.txt"] == (
        "https://files.example.com/manuals/old/rotor.txt"
    )
    embedder.texts.clear()
    sync = look(source)
    assert counts(sync) == {"unchanged": 4} and sync.bytes_fetched == 0 and not embedder.texts
    put(folder, "hours.md", "# Hours\n\nThe office opens at nine.")
    put(folder, "new.md", "# New\n\nParcels leave at noon.")
    (folder / "returns.html").unlink()
    sync = look(source)
    assert counts(sync) == {"added": 1, "changed": 1, "missing": 1, "unchanged": 2}
    assert says(source, "opens at nine") and not says(source, "opens at eight")
    assert says(source, "thirty days"), "what is missed once goes on answering"
    assert counts(look(source)) == {"gone": 1, "unchanged": 4}
    assert not says(source, "thirty days")


def test_what_is_taken_is_chosen_by_folder_patterns_kind_and_number(folder, bot, settings):
    settings.MAX_UPLOAD_BYTES = 2000
    put(folder, "manuals/.git/config.md", "Nobody needs this.")
    put(folder, "manuals/~$drone.docx", "lock")
    put(folder, "manuals/photo.jpg", "JFIF")
    put(folder, "manuals/empty.md", "")
    put(folder, "manuals/huge.md", "much " * 1000)
    put(folder, "manuals/broken.pdf", "%PDF-1.4 broken")
    put(folder, "manuals/hidden.md", "---\nvisibility: private\n---\nNot for you.")
    source = pull(bot, "folder", folder="manuals", exclude=["*/old/*"])
    look(source)
    assert files(source) == {
        "/": ("read", ""), "manuals/old/": ("read", ""), "manuals/drone.md": ("read", ""),
        "manuals/photo.jpg": ("left_out", "unsupported"), "manuals/empty.md": ("left_out", "no_text"),
        "manuals/huge.md": ("failed", "too_large"), "manuals/broken.pdf": ("failed", "broken"),
        "manuals/hidden.md": ("read", ""),
    }  # fmt: skip
    assert answering(source) == {"manuals/drone.md", "manuals/hidden.md"}
    hidden = Document.objects.get(source=source, metadata__path="manuals/hidden.md")
    assert hidden.own_groups == []
    put(folder, "manuals/hidden.md", "---\ngroups: [staff]\n---\nNot for you.")
    look(source)
    hidden.refresh_from_db()
    assert hidden.own_groups == ["staff"]
    few = pull(bot, "folder", max_files=2)
    sync = look(few)
    assert len(answering(few)) == 2 and sync.pages_left_over > 0


def test_nothing_leads_out_of_the_tenants_own_folder(folder, bot, tmp_path):
    put(tmp_path, "away/far.md", "# Far\n\nFar away.")
    (folder / "link.md").symlink_to(tmp_path / "secret.md")
    (folder / "theirs").symlink_to(tmp_path / "globex")
    (folder / "system").symlink_to("/etc")
    os.mkfifo(folder / "pipe.md")
    source = pull(bot, "folder")
    look(source)
    assert answering(source) == set(TEXTS) and not says(source, "moon") and not says(source, "safe")
    for way in ("theirs", "system", "../globex", "..", "manuals/../../globex"):
        source = pull(bot, "folder", folder=way)
        run(source)
        assert source.status == "error" and source.error_code == "folder_missing", way
        assert not source.chunk_count
    (tmp_path / "real").mkdir()
    folder.rename(tmp_path / "kept")
    folder.symlink_to(tmp_path / "globex")
    source = pull(bot, "folder")
    assert run(source).error_code == "folder_missing", "not even its own may be a link"


def test_a_file_that_becomes_a_link_between_list_and_read_is_not_followed(
    folder, bot, tmp_path, monkeypatch
):
    monkeypatch.setattr(walking, "SLICE_SECONDS", 0.0)
    source = pull(bot, "folder")
    for _ in range(4):  # the lists, then the first file
        tasks.ingest_claimed(Source.objects.claim(source.pk))
    (folder / "returns.html").unlink()
    (folder / "returns.html").symlink_to(tmp_path / "secret.md")
    (folder / "manuals").rename(folder / "gone")
    (folder / "manuals").symlink_to(tmp_path / "globex")
    monkeypatch.setattr(walking, "SLICE_SECONDS", 20.0)
    look(source)
    assert files(source)["returns.html"] == ("left_out", "unsupported")
    assert answering(source) == {"hours.md"}


def test_a_file_that_the_disk_does_not_give_goes_on_answering(folder, bot, monkeypatch):
    source = pull(bot, "folder")
    look(source)
    (folder / "returns.html").write_text("<p>Returns are taken for 99 days.</p>")
    opened = os.open

    def fail(path, *args, **options):
        if path == "returns.html":
            raise OSError(errno.EIO, "Input/output error")
        return opened(path, *args, **options)

    monkeypatch.setattr(os, "open", fail)
    look(source)
    assert files(source)["returns.html"][0] == "failed" and "returns.html" in answering(source)


def test_a_folder_that_is_empty_or_not_there_wipes_nothing(folder, bot, settings, tmp_path):
    source = pull(bot, "folder")
    look(source)
    folder.rename(tmp_path / "unmounted")
    assert look(source).state == "failed" and source.error_code == "folder_missing"
    folder.mkdir()
    sync = look(source)
    assert sync.state == "waiting" and "4 of 4 files" in source.error_message
    assert answering(source) == set(TEXTS)
    settings.SOURCE_FOLDERS = ""
    assert look(source).error_code == "folders_not_allowed" and answering(source) == set(TEXTS)
    new = pull(bot, "folder")
    assert run(new).error_code == "folders_not_allowed"


def test_a_part_that_cannot_be_listed_keeps_its_files(folder, bot, monkeypatch):
    source = pull(bot, "folder")
    look(source)
    monkeypatch.setattr("knowledge.connectors.pulling.MOST_LISTS", 2)
    sync = look(source)
    assert counts(sync) == {"failed": 1, "unchanged": 3} and answering(source) == set(TEXTS)


def test_a_name_that_is_no_text_is_told_and_harms_nothing(folder, bot):
    with open(os.fsencode(str(folder)) + b"/\xff\xfe.md", "w") as file:
        file.write("# Odd\n\nOdd.")
    os.mkdir(os.fsencode(str(folder)) + b"/\xff")
    (folder / ("n" * 200) / ("m" * 200) / ("o" * 200) / ("p" * 200) / ("q" * 200)).mkdir(
        parents=True
    )
    put(folder, "/".join(letter * 200 for letter in "nmopq") + "/" + "r" * 100 + ".md", "# Deep")
    put(folder, "turned\u202egnp.md", "# Turned\n\nTurned.")
    source = pull(bot, "folder")
    look(source)
    assert answering(source) == set(TEXTS)
    assert files(source)["\ufffd\ufffd.md"] == ("left_out", "unsupported")
    assert files(source)["turned\ufffdgnp.md"] == ("left_out", "unsupported")


BAD = (
    {"folder": "../globex"}, {"folder": 3}, {"folder": "a\x07b"}, {"max_files": 0}, {"max_files": True},
    {"link_base": "javascript:alert(1)"}, {"include": ["docs"]}, {"languages": "en"}, {"max_loss": 2},
    {"link_base": ["x"]}, {"folder": "x" * 2000}, {"exclude": {}},
)  # fmt: skip


def test_over_the_api_a_config_has_to_make_sense_and_the_operator_to_allow_it(
    folder, api, settings
):
    fields = {"bot_profile_id": api.bot(), "source_type": "folder", "name": "Files"}
    for config in BAD:
        answer = api.send("post", "sources", **fields, config=config)
        assert answer.status_code == 422 and "config." in answer.json()["detail"], config
    made = api.make("sources", **fields, config={"folder": "manuals"})
    assert made["config"] == {"folder": "manuals"} and api.ingest(made["id"]) == "ready"
    settings.SOURCE_FOLDERS = ""
    refused = api.send("post", "sources", **fields, config={"folder": "manuals"})
    assert refused.status_code == 422 and "SOURCE_FOLDERS" in refused.json()["detail"]
