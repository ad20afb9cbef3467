"""Files that all processes find: in a folder and in a bucket they are the same; and what a bucket refuses is said."""

from __future__ import annotations

import io

import pytest

from minirag.lib.files import bucket
from minirag.lib.files.choosing import kept_files
from minirag.lib.files.keeping import FileMissing, FilesFailed
from tests.fakes.s3_server import SECRET_KEY, S3Server


@pytest.fixture
def s3():
    with S3Server() as server:
        yield server


@pytest.fixture
def kept(s3, settings, tmp_path, monkeypatch):
    settings.DATA_DIR = tmp_path
    s3.serve_to(settings)
    monkeypatch.setattr(bucket, "_PAUSE_SECONDS", 0.0)
    return kept_files()


@pytest.fixture(params=["disk", "bucket"])
def files(request, settings, tmp_path):
    if request.param == "disk":
        settings.FILES_BUCKET, settings.MEDIA_ROOT = "", tmp_path
        return kept_files()
    return request.getfixturevalue("kept")


def write(files, name: str, text: bytes) -> None:
    with files.writing(name) as file:
        file.write(text)


def test_a_file_is_kept_read_listed_and_removed(files):
    for name in ("t_acme/b.txt", "t_acme/deep/ä ö.txt", "t_acme_2/a.txt", "transfers/1.zip"):
        write(files, name, name.encode())
    assert files.names("t_acme") == ["t_acme/b.txt", "t_acme/deep/ä ö.txt"]
    assert sorted(files.sizes("t_acme")) == [12, 21]
    assert b"".join(files.pieces("t_acme/deep/ä ö.txt")) == "t_acme/deep/ä ö.txt".encode()
    with files.reading("transfers/1.zip") as file:
        file.seek(10)
        assert file.read() == b"1.zip"
    write(files, "t_acme/b.txt", b"new")
    assert files.size("t_acme/b.txt") == 3 and files.size("t_acme/none") is None
    files.remove_folder("t_acme")
    assert files.names("t_acme") == [] and files.names("t_acme_2") == ["t_acme_2/a.txt"]
    files.remove("transfers/1.zip")
    files.remove("transfers/1.zip")
    with pytest.raises(FileMissing):
        list(files.pieces("transfers/1.zip"))
    assert files.check()


def test_a_file_is_removed_by_the_very_name_that_it_has(s3, kept):
    """What a folder brought into the bucket may be called as no import would let it be."""
    odd = ("t_acme/..\\t_globex/x", "t_acme/a\\b", "t_acme//c")
    s3.objects |= dict.fromkeys((f"ours/{name}" for name in (*odd, "t_globex/x")), b"x")
    kept.remove_folder("t_acme")
    assert list(s3.objects) == ["ours/t_globex/x"]


def test_an_address_that_is_none_is_said_whatever_is_asked(s3, kept, settings):
    s3.serve_to(settings, S3_ENDPOINT="no address")
    files = kept_files()
    for ask in (
        files.size,
        files.remove,
        files.names,
        files.sizes,
        lambda name: [*files.pieces(name)],
    ):
        with pytest.raises(FilesFailed, match="cannot be reached"):
            ask("a")


def test_what_fails_half_way_is_not_there(files):
    with pytest.raises(RuntimeError), files.writing("a/half.zip") as file:
        file.write(b"half")
        raise RuntimeError
    assert files.size("a/half.zip") is None


def test_large_files_go_up_in_parts_and_a_broken_upload_leaves_nothing(s3, kept, monkeypatch):
    monkeypatch.setattr(bucket, "_PART", 5 * 2**20)
    whole = bytes(range(256)) * 45_000
    kept.upload("big", io.BytesIO(whole))
    assert s3.objects["ours/big"] == whole and s3.largest_body <= 5 * 2**20

    class Broken(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() > 6 * 2**20:
                raise FilesFailed("broken off")
            return super().read(size)

    with pytest.raises(FilesFailed, match="broken off"):
        kept.upload("broken", Broken(whole))
    assert list(s3.objects) == ["ours/big"] and not s3.parts


def test_a_line_that_breaks_off_is_gone_on_with_and_another_file_is_not(s3, kept):
    whole = bytes(range(256)) * 5_000
    s3.objects["ours/a"] = whole
    s3.cut_after = 300_000
    assert b"".join(kept.pieces("a")) == whole and s3.cuts == 1
    s3.cut_after = 300_000
    pieces = kept.pieces("a")
    next(pieces)
    s3.objects["ours/a"] = whole[::-1]
    with pytest.raises(FilesFailed):
        list(pieces)


@pytest.mark.parametrize(
    ("changes", "refuses", "said", "retryable"),
    [
        ({"S3_ACCESS_KEY": "AKIANOBODY"}, "", "no such access key", False),
        ({"FILES_BUCKET": "s3://absent"}, "", "no bucket of this name", False),
        ({"FILES_BUCKET": "s3://a/../b"}, "", "has to be s3://NAME", False),
        ({"S3_ENDPOINT": "http://127.0.0.1:9"}, "", "cannot be reached", True),
        ({"S3_ENDPOINT": "no address"}, "", "cannot be reached", True),
        ({}, "SignatureDoesNotMatch", "does not belong", False),
        ({}, "SlowDown", "refused", True),
    ],
)
def test_what_a_bucket_refuses_is_said_without_a_secret(
    s3, kept, settings, caplog, changes, refuses, said, retryable
):
    s3.serve_to(settings, **changes)
    s3.refuses = refuses
    caplog.set_level("DEBUG")
    with pytest.raises(FilesFailed, match=said) as failed:
        write(kept_files(), "a", b"text")
    assert failed.value.retryable is retryable
    assert SECRET_KEY not in caplog.text and SECRET_KEY not in str(failed.value.__dict__)
