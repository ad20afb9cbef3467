"""`manage.py ingest`: each file of a folder or an archive is a source, and a second run reads only what changed."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from bots.models import BotProfile
from bots.quotas.changing import create_quota
from knowledge.bulk.importing import Import, Outcome
from knowledge.bulk.scanning import NotTaken, scan
from knowledge.management.commands import ingest as command
from knowledge.models import Chunk, Source, SourceFile
from knowledge.sources.changing import delete_source
from knowledge.sources.homes import find_home
from knowledge.tests.conftest import make_source, run
from minirag.ai.builtin.local import HASH
from tenants.context import tenant_context


@pytest.fixture
def folder(tmp_path) -> Path:
    top = tmp_path / "handbook"
    (top / "valves").mkdir(parents=True)
    (top / "valves" / "v1.md").write_text("# Valve 1\n\nIt is in the cellar.")
    (top / "hours.txt").write_text("We are open from 9 to 17.")
    return top


@pytest.fixture
def ingest(bot, monkeypatch, capsys):
    """Call the command for acme's bot; returns what it printed, its last line last."""
    monkeypatch.setattr("knowledge.tasks.send_now", lambda *args, **kwargs: None)

    def call(place, *options: str, fails: bool = False) -> list[str]:
        arguments = [str(place), "--tenant", "acme", "--bot", bot.name, *options]
        if fails:
            with pytest.raises(CommandError):
                call_command("ingest", *arguments)
        else:
            call_command("ingest", *arguments)
        return capsys.readouterr().out.splitlines()

    return call


def ids() -> list[str]:
    alive = Source.objects.filter(deleted_at__isnull=True)
    return sorted(alive.values_list("external_id", flat=True))


def pack(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return packed.getvalue()


def test_each_file_is_a_source_under_its_path_and_waits_for_a_worker(ingest, folder, bot):
    printed = ingest(folder, "--tag", "manual")
    assert printed == ["added      hours.txt", "added      valves/v1.md", "2 added."]
    assert ids() == ["handbook/hours.txt", "handbook/valves/v1.md"]
    source = Source.objects.get(external_id="handbook/valves/v1.md")
    assert (source.status, source.tags, source.name) == ("pending", ["manual"], "v1.md")
    assert source.queued_at is not None and source.stored_bytes == 31
    assert run(source).status == "ready" and "cellar" in Chunk.objects.get().content


def test_a_second_run_stores_and_reads_only_what_changed(ingest, folder):
    ingest(folder)
    for source in Source.objects.all():
        run(source)
    assert ingest(folder) == ["2 unchanged."]
    assert set(Source.objects.values_list("status", flat=True)) == {"ready"}
    (folder / "hours.txt").write_text("We are open from 8 to 18.")
    (folder / "new.md").write_text("# New")
    assert ingest(folder)[-1] == "1 added, 1 changed, 1 unchanged."
    changed = Source.objects.get(external_id="handbook/hours.txt")
    assert changed.status == "pending" and b"8 to 18" in bytes(
        SourceFile.objects.get(source=changed).data
    )
    run(changed)
    assert "8 to 18" in Chunk.objects.get(source=changed).content


def test_what_is_gone_stays_until_deleting_is_asked_for_and_comes_back_with_its_file(
    ingest, folder
):
    other = ingest(folder, "--label", "elsewhere") and len(ids())
    ingest(folder)
    (folder / "hours.txt").unlink()
    printed = ingest(folder)
    assert "--delete-missing" in printed[-2] and printed[-1] == "1 unchanged, 1 missing."
    assert ingest(folder, "--delete-missing")[-1] == "1 unchanged, 1 deleted."
    assert "handbook/hours.txt" not in ids() and len(ids()) == other + 1, "another import's stay"
    (folder / "hours.txt").write_text("We are open from 9 to 17.")
    assert ingest(folder)[-1] == "1 added, 1 unchanged."
    assert "handbook/hours.txt" in ids()


def test_an_empty_folder_deletes_nothing(ingest, folder, tmp_path):
    ingest(folder)
    for file in [*folder.rglob("*.*")]:
        file.unlink()
    ingest(folder, "--delete-missing", fails=True)
    assert len(ids()) == 2
    ingest(tmp_path / "no such folder", "--delete-missing", fails=True)


def test_of_what_is_not_taken_the_reason_is_said_and_the_rest_goes_on(ingest, folder, settings):
    settings.MAX_UPLOAD_BYTES = 1000
    (folder / "large.txt").write_text("x" * 1001)
    (folder / "empty.txt").touch()
    (folder / "photo.jpg").write_bytes(b"\xff\xd8")
    (folder / "link.txt").symlink_to("/etc/passwd")
    (folder / "away").symlink_to("/etc")
    os.mkfifo(folder / "pipe.txt")
    (folder / ".hidden.txt").write_text("hidden")
    (folder / ".git").mkdir()
    (folder / ".git" / "config.txt").write_text("hidden")
    printed = ingest(folder, fails=True)
    told = {line.split()[1].rstrip(":"): line for line in printed if line.startswith("refused")}
    assert set(told) == {"large.txt", "empty.txt", "photo.jpg", "link.txt", "away", "pipe.txt"}
    assert (
        "link" in told["link.txt"]
        and "empty" in told["empty.txt"]
        and printed[-1].startswith("2 added")
    )
    assert len(ids()) == 2


def test_names_that_are_no_text_are_written_out(ingest, folder):
    (Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.txt"))).write_text("Coffee at ten.")
    (folder / "new\nline.txt").write_text("Two lines.")
    (folder / ("long " * 45 + ".txt")).write_text("A long name.")
    assert ingest(folder)[-1] == "5 added."
    assert "handbook/caf\\udce9.txt" in ids() and "handbook/new\\x0aline.txt" in ids()
    assert ingest(folder) == ["5 unchanged."]


def test_paths_longer_than_an_id_stay_apart_and_last(ingest, folder):
    deep = folder.joinpath(*["directory" * 8] * 4)
    for name in ("a", "b"):
        (deep / name).mkdir(parents=True)
        (deep / name / "same.txt").write_text(f"Said in {name}.")
    assert ingest(folder)[-1] == "4 added." and max(map(len, ids())) <= 255
    assert ingest(folder) == ["4 unchanged."]


def test_a_folder_that_cannot_be_looked_into_loses_nothing(ingest, folder, monkeypatch):
    ingest(folder)
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith("valves"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    printed = ingest(folder, "--delete-missing", fails=True)
    assert "refused    valves: It cannot be read: Permission denied." in printed
    assert ids() == ["handbook/hours.txt", "handbook/valves/v1.md"]


def test_an_archive_is_taken_file_by_file_and_no_name_leads_out_of_it(ingest, tmp_path):
    packed = tmp_path / "export.zip"
    packed.write_bytes(pack({"../../a.txt": b"Above.", "b/c.md": b"# C", "d.exe": b"MZ"}))
    printed = ingest(packed, fails=True)
    assert ids() == ["export/a.txt", "export/b/c.md"] and printed[-1] == "2 added, 1 refused."
    packed.write_bytes(b"PK\x03\x04 broken")
    ingest(packed, "--delete-missing", fails=True)
    assert len(ids()) == 2


def test_ten_thousand_files_are_looked_at_without_being_read(tmp_path):
    for number in range(10_000):
        (tmp_path / f"{number}.txt").touch()
    assert sum(1 for _ in scan(tmp_path)) == 10_000


def test_where_there_is_no_room_it_stops_and_deletes_nothing(ingest, folder, bot, in_acme):
    ingest(folder)
    create_quota(
        {
            "resource": "stored_bytes", "period": "total", "limit": 60, "subject": "tenant",
            "subject_id": None, "warning_percent": 80,
        }
    )  # fmt: skip
    (folder / "aaa.txt").write_text("x" * 50)
    (folder / "hours.txt").unlink()
    printed = ingest(folder, "--delete-missing", fails=True)
    assert printed[0].startswith("refused    aaa.txt") and "handbook/hours.txt" in ids()


def test_a_source_of_another_kind_under_the_same_id_is_left_alone(ingest, folder, bot):
    make_source(bot, "Mine.", external_id="handbook/hours.txt")
    assert "refused    hours.txt: The source is of the type text" in ingest(folder, fails=True)


def test_watching_takes_what_changes_until_it_is_interrupted(ingest, folder, monkeypatch):
    waits = iter(range(100))

    def sleep(seconds):
        step = next(waits)
        if step == 1:
            (folder / "new.txt").write_text("New.")
        if step == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr(command.time, "sleep", sleep)
    printed = ingest(folder, "--watch")
    assert "added      new.txt" in printed and printed[-1].startswith("Stopped")
    assert "1 added, 2 unchanged." in printed


def test_waiting_says_what_the_workers_made_of_it(ingest, folder, monkeypatch):
    (folder / "broken.pdf").write_bytes(b"%PDF-1.7 broken")

    def work(seconds):
        for source in Source.objects.filter(status="pending"):
            run(source)

    monkeypatch.setattr(command.time, "sleep", work)
    printed = ingest(folder, "--wait", fails=True)
    assert "2 ready, 1 failed, 0 to go" in printed
    assert printed[-1].startswith("failed     handbook/broken.pdf: ")


def test_two_tenants_import_the_same_folder_apart(ingest, folder, globex):
    ingest(folder)
    with tenant_context(globex.tenant):
        theirs = BotProfile.objects.create(name="Gardener", embedding_model=HASH)
        told = []
        work = Import(
            folder,
            find_home(theirs.pk, None),
            "handbook",
            {},
            lambda what, path, _: told.append(what),
        )
        work.run()
        assert told == [Outcome.ADDED] * 2 and len(ids()) == 2
        delete_source(Source.objects.first().pk)
    assert len(ids()) == 2


# --- What a run must not do ---------------------------------------------------------------------------------------


def test_only_what_the_same_import_took_is_deleted(ingest, folder, bot, tmp_path):
    ingest(folder)
    other = tmp_path / "other"
    other.mkdir()
    (other / "q.md").write_text("# Q\n\nAsk us.")
    ingest(other, "--label", "handbook/more")
    make_source(bot, None, source_type="upload", external_id="handbook/by-api.md")
    (folder / "hours.txt").unlink()
    assert ingest(folder, "--delete-missing")[-1] == "1 unchanged, 1 deleted."
    assert ids() == ["handbook/by-api.md", "handbook/more/q.md", "handbook/valves/v1.md"]


def test_what_may_be_in_a_part_that_is_broken_stays(ingest, tmp_path):
    packed = tmp_path / "n.zip"

    def part(number: int) -> dict[str, bytes]:
        return {
            f"Export-{'0' * 31}{number}-Part-{number}.zip": pack(
                {f"P{number} {'0' * 31}{number}.md": b"# P"}
            )
        }

    packed.write_bytes(pack(part(1) | part(2)))
    ingest(packed)
    packed.write_bytes(pack(part(1) | dict.fromkeys(part(2), b"PK, broken")))
    printed = ingest(packed, "--delete-missing", fails=True)
    assert ids() == ["n/P1.md", "n/P2.md"] and any(
        "may be in the archive" in line for line in printed
    )


def test_a_folder_that_became_a_link_after_the_look_is_not_read_through(folder, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "v1.md").write_text("Not ours.")
    found = {each.path: each for each in scan(folder)}
    (folder / "valves").rename(tmp_path / "away")
    (folder / "valves").symlink_to(elsewhere)
    assert found["hours.txt"].read()
    with pytest.raises(NotTaken):
        found["valves/v1.md"].read()


def test_a_folders_name_that_is_no_text_is_written_out(ingest, tmp_path):
    top = Path(os.fsdecode(os.fsencode(tmp_path) + b"/h\xff"))
    top.mkdir()
    (top / "a.md").write_text("# A")
    assert ingest(top)[-1] == "1 added." and ids() == [r"h\udcff/a.md"]


def test_a_watched_archive_is_seen_to_change(tmp_path, bot, ingest):
    packed = tmp_path / "a.zip"
    packed.write_bytes(pack({"a.md": b"# A"}))
    work = Import(packed, find_home(bot.pk, None), "a", {}, lambda *_: None)
    work.run()
    assert not work.has_changed()
    packed.write_bytes(pack({"a.md": b"# A, new"}))
    assert work.has_changed()


def test_a_watched_folder_may_be_empty_for_a_while(ingest, folder, monkeypatch, capsys):
    times = iter(range(100))

    def sleep(_: float) -> None:
        at = next(times)
        if at == 0:
            for path in (folder / "hours.txt", folder / "valves" / "v1.md"):
                path.unlink()
        if at == 3:
            (folder / "new.md").write_text("# New")
        if at > 6:
            raise KeyboardInterrupt

    monkeypatch.setattr(command.time, "sleep", sleep)
    assert "added      new.md" in ingest(folder, "--watch", "--delete-missing")
    assert ids() == ["handbook/new.md"]
