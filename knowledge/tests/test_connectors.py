"""Files at other servers as sources: a git repository, a bucket, a cloud folder. All play at the outbound-HTTP seam."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import zipfile
from datetime import UTC, datetime
from urllib.parse import parse_qs, quote, unquote, urlsplit
from xml.sax.saxutils import escape

import pytest

from knowledge.connectors.signing import encode_query, sign_get
from knowledge.models import SitePage, Source
from knowledge.sources.configs import prepare_config
from knowledge.tests.conftest import run
from knowledge.tests.pulls import TEXTS, answering, counts, files, links, look, pull, says
from minirag.lib.tests.conftest import inside, outside  # noqa: F401 - fixtures

pytestmark = pytest.mark.usefixtures("no_worker", "open_hosts")

SECRET = "wJalr/XUtnFEMI+EXAMPLE"


class Server:
    """Files by path that one of the servers below gives out; `refuses` is a status, with what it says."""

    def __init__(self, outside) -> None:
        self.outside, self.files, self.refuses = outside, dict(TEXTS), None
        outside.routes = self

    def get(self, path):
        return self.answer

    def answer(self, handler) -> None:
        status, body, headers = self.refuses or self.find(handler)
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    def fetched(self) -> list[str]:
        """The paths of the files that were asked for since the last time."""
        seen = [unquote(path) for method, path, _, _ in self.outside.seen if method == "GET"]
        self.outside.seen.clear()
        return [path for path in seen if not path.endswith("/") and "list-type" not in path]


class Git(Server):
    tells = True
    links: tuple[str, ...] = ()

    def find(self, handler):
        if self.tells and handler.path.startswith("/api/v1/repos/acme/docs/git/commits/main?"):
            return 200, json.dumps({"sha": etag(str(sorted(self.files.items())))}).encode(), {}
        if handler.path != "/api/v1/repos/acme/docs/archive/main.zip":
            return 404, b"", {}
        packed = io.BytesIO()
        with zipfile.ZipFile(packed, "w") as archive:
            for path, text in self.files.items():
                entry = zipfile.ZipInfo(f"docs-main/{path}")
                entry.external_attr = (0o120777 if path in self.links else 0o100644) << 16
                archive.writestr(entry, text)
        return 200, packed.getvalue(), {}

    def source(self, bot, **config) -> Source:
        url = self.outside.url("/acme/docs")
        return pull(bot, "git", url=url, server="gitea", **config)


class S3(Server):
    keys_a_list = 2

    def find(self, handler):
        parts = urlsplit(handler.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if "list-type" not in query:
            text = self.files.get(unquote(parts.path).removeprefix("/kept/"))
            if text is None:
                return 404, b"<Error><Code>NoSuchKey</Code></Error>", {}
            return 200, text.encode(), {}
        after, prefix = query.get("start-after", ""), query.get("prefix", "")
        keys = sorted(key for key in self.files if key > after and key.startswith(prefix))
        rows = "".join(
            f"<Contents><Key>{quote(key, safe='')}</Key><Size>{len(self.files[key])}</Size>"
            f"<ETag>&quot;{etag(self.files[key])}&quot;</ETag></Contents>"
            for key in keys[: self.keys_a_list]
        )
        more = "true" if len(keys) > self.keys_a_list else "false"
        body = (
            '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><EncodingType>url</EncodingType>'
            f"<IsTruncated>{more}</IsTruncated>{rows}</ListBucketResult>"
        )
        return 200, body.encode(), {}

    def source(self, bot, **config) -> Source:
        return pull(bot, "s3", url=self.outside.url("/"), bucket="kept", **config)


class WebDav(Server):
    root = "/remote.php/dav/files/anna/"

    def find(self, handler):
        path = unquote(handler.path).removeprefix(self.root)
        if handler.command == "GET":
            text = self.files.get(path)
            return (404, b"", {}) if text is None else (200, text.encode(), {})
        folders = {""} | {
            "/".join(key.split("/")[:depth]) + "/"
            for key in self.files
            for depth in range(1, key.count("/") + 1)
        }
        if path not in folders:
            return 404, b"", {}
        rows = [self.row(path, "")]
        rows += [
            self.row(folder, "")
            for folder in folders - {path}
            if folder.startswith(path) and folder[len(path) : -1].count("/") == 0
        ]
        rows += [
            self.row(key, text)
            for key, text in self.files.items()
            if key.startswith(path) and "/" not in key[len(path) :]
        ]
        body = f'<?xml version="1.0"?><d:multistatus xmlns:d="DAV:">{"".join(rows)}</d:multistatus>'
        return 207, body.encode(), {}

    def row(self, path: str, text: str) -> str:
        kind = "" if text else "<d:collection/>"
        facts = f"<d:getetag>&quot;{etag(text)}&quot;</d:getetag>" if text else ""
        return (
            f"<d:response><d:href>{escape(quote(self.root + path))}</d:href><d:propstat><d:prop>"
            f"<d:resourcetype>{kind}</d:resourcetype>{facts}</d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat>"
            "<d:propstat><d:prop><d:quota/></d:prop><d:status>HTTP/1.1 404 Not Found</d:status></d:propstat>"
            "</d:response>"
        )

    def source(self, bot, **config) -> Source:
        return pull(bot, "webdav", url=self.outside.url(self.root), **config)


def etag(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


KINDS = {"git": Git, "s3": S3, "webdav": WebDav}


@pytest.fixture(params=KINDS)
def server(request, outside) -> Server:
    return KINDS[request.param](outside)


def test_each_file_is_a_document_and_what_has_not_changed_is_not_fetched(server, bot, embedder):
    server.files |= {"sp ace/ü&.md": "# Odd\n\nÜber alles.", "photo.jpg": "JFIF", ".env.md": "x"}
    source = server.source(bot)
    sync = look(source)
    assert source.status == "ready" and counts(sync) == {"added": 5}, source.error_message
    assert answering(source) == {*TEXTS, "sp ace/ü&.md"}
    assert links(source)["sp ace/ü&.md"].endswith("/sp%20ace/%C3%BC%26.md")
    assert files(source)["photo.jpg"] == ("left_out", "unsupported")
    embedder.texts.clear()
    server.fetched()
    assert counts(look(source)) == {"unchanged": 5} and not embedder.texts
    asked = server.fetched()
    assert [path.rpartition("/")[0] for path in asked] == (
        ["/api/v1/repos/acme/docs/git/commits"] if isinstance(server, Git) else []
    ), "the last commit is asked for, and the archive is not fetched"
    server.files["hours.md"] = "# Hours\n\nThe office opens at nine."
    server.files["new.md"] = "# New\n\nParcels leave at noon."
    del server.files["returns.html"]
    assert counts(look(source)) == {"added": 1, "changed": 1, "missing": 1, "unchanged": 3}
    assert says(source, "opens at nine") and says(source, "thirty days")
    if not isinstance(server, Git):
        assert len(server.fetched()) == 2
    assert counts(look(source)) == {"gone": 1, "unchanged": 5} and not says(source, "thirty days")


def test_an_archive_is_fetched_where_its_commit_is_not_told_and_for_what_is_to_be_tried_again(
    outside, bot
):
    git = Git(outside)
    git.tells = False
    source = git.source(bot)
    look(source)
    git.fetched()
    assert counts(look(source)) == {"unchanged": 4}
    assert git.fetched()[-1].endswith("main.zip")
    git.tells, git.files["same.md"], git.files["z.pdf"] = True, git.files["hours.md"], "%PDF-1.4"
    assert counts(look(source)) == {"failed": 1, "unchanged": 4}
    del git.files["returns.html"]
    look(source)
    git.fetched()
    assert counts(look(source))["gone"] == 1, (
        "what is missed is missed again though nothing has changed"
    )
    assert files(source)["same.md"] == ("duplicate", "same_text")
    assert not any(path.endswith("main.zip") for path in git.fetched())
    SitePage.objects.filter(sync__source=source, url="z.pdf").update(code="timeout")
    look(source)
    assert (
        any(path.endswith("main.zip") for path in git.fetched())
        and files(source)["z.pdf"][1] == "broken"
    )
    source.config = {**source.config, "exclude": ["/manuals/*"], "max_loss": 1}
    source.save()
    look(source)
    assert files(source)["manuals/drone.md"] == ("gone", "not_listed"), "the config chooses anew"


def test_a_folder_of_it_is_taken_alone(server, bot):
    source = server.source(bot, folder="/manuals/", exclude=["*/old/*"])
    look(source)
    assert answering(source) == {"manuals/drone.md"}, source.error_message
    nowhere = server.source(bot, folder="nowhere")
    run(nowhere)
    assert nowhere.status == "error" and nowhere.error_message


@pytest.mark.parametrize(
    "status, body, code",
    [(401, b"", "credentials_refused"), (403, b"", "access_denied"), (503, b"", "http_status"), (302, b"", None)],
)  # fmt: skip
def test_a_server_that_refuses_says_why_and_changes_nothing(server, bot, status, body, code):
    source = server.source(bot)
    look(source)
    server.refuses = status, body, {"Location": "http://localhost/elsewhere"}
    assert look(source).state == "failed" and source.status == "error"
    assert code in (None, source.error_code) and answering(source) == set(TEXTS)
    server.refuses = None
    assert counts(look(source)) == {"unchanged": 4} and source.status == "ready"


def test_a_secret_is_sealed_sent_to_its_own_server_only_and_never_shown(server, bot, api):
    name, who = {
        Git: ("token", {}), S3: ("secret_key", {"access_key": "AKIA1"}), WebDav: ("password", {"user": "anna"}),
    }[type(server)]  # fmt: skip
    source = server.source(bot, **who)
    source.config = prepare_config(
        source.source_type, source.config | {name: SECRET}, source_id=source.pk
    )
    source.save()
    assert SECRET not in str(source.config) and "encrypted_token" in source.config
    look(source)
    assert answering(source) == set(TEXTS), source.error_message
    sent = [headers for _, _, headers, _ in server.outside.seen]
    basic = base64.b64encode(f"anna:{SECRET}".encode()).decode()
    said = {
        "token": f"token {SECRET}",
        "password": f"Basic {basic}",
        "secret_key": "Credential=AKIA1/",
    }[name]
    assert all(said in headers["authorization"] for headers in sent)  # fmt: skip
    shown = api.get(f"sources/{source.pk}")["config"]
    assert shown[f"has_{name}"] is True and "encrypted_token" not in shown
    assert SECRET not in str(shown)

    kept = prepare_config(
        source.source_type, {k: v for k, v in source.config.items() if k in ("url", "bucket", "server", *who)},
        source_id=source.pk, stored=source.config,
    )  # fmt: skip
    assert kept["encrypted_token"] == source.config["encrypted_token"]
    moved = {**kept, "url": kept["url"].replace("127.0.0.1", "localhost")}
    moved = prepare_config(source.source_type, moved, source_id=source.pk, stored=source.config)
    assert "encrypted_token" not in moved, "another server must not get it"


def test_keys_for_some_hours_are_sent_with_their_session_token(outside, bot, as_acme):
    source = S3(outside).source(bot, access_key="ASIA1")
    config = source.config | {"secret_key": SECRET, "session_token": "of-the-session"}
    source.config = prepare_config("s3", config, source_id=source.pk)
    source.save()
    assert "session" not in str(source.config)
    look(source)
    assert answering(source) == set(TEXTS), source.error_message
    assert all(
        headers["x-amz-security-token"] == "of-the-session"
        and "x-amz-date;x-amz-security-token" in headers["authorization"]
        for _, _, headers, _ in outside.seen
    )
    alone = {"bucket": "kept", "session_token": "of-the-session"}
    answer = as_acme.patch(
        f"/v1/sources/{source.pk}", {"config": alone}, content_type="application/json"
    )
    assert answer.json()["code"] == "config_invalid"


def test_a_token_does_not_follow_a_redirect_to_another_server(outside, bot):
    git = Git(outside)
    real = git.find
    git.find = lambda handler: (
        real(handler)
        if "localhost" in handler.headers["Host"]
        else (302, b"", {"Location": outside.url(handler.path, host="localhost")})
    )
    source = git.source(bot)
    source.config = prepare_config("git", source.config | {"token": SECRET}, source_id=source.pk)
    source.save()
    look(source)
    assert answering(source) == set(TEXTS), source.error_message
    there = {
        headers["host"].split(":")[0]: headers.get("authorization")
        for _, _, headers, _ in outside.seen
    }
    assert there == {"127.0.0.1": f"token {SECRET}", "localhost": None}  # fmt: skip


def test_no_connector_reaches_a_private_address(bot, inside, settings):
    settings.OUTBOUND_ALLOWED_HOSTS = []
    for kind in KINDS.values():
        source = kind(inside).source(bot)
        run(source)
        assert source.error_code == "address_refused" and not inside.seen


BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><ListBucketResult>&b;'
    b"</ListBucketResult>"
)


@pytest.mark.parametrize("kind", ["s3", "webdav"])
@pytest.mark.parametrize(
    "body", [b"", b"hello", BOMB, b"<a>" * 50_000, b"<html></html>", b"\0\xff"]
)
def test_an_answer_that_is_no_list_is_told_and_wipes_nothing(outside, bot, kind, body):
    server = KINDS[kind](outside)
    source = server.source(bot)
    look(source)
    server.refuses = 207 if kind == "webdav" else 200, body, {}
    sync = look(source)
    assert sync.state in ("failed", "waiting") and answering(source) == set(TEXTS)


def test_lists_that_lie_or_never_end_are_bounded(outside, bot, monkeypatch, settings):
    settings.MAX_UPLOAD_BYTES = 50_000
    server = S3(outside)
    server.files = {"big.md": "x" * 60_000, "ok.md": "# Ok\n\nAll is well."}
    source = server.source(bot)
    real = server.find

    def lie(handler):
        status, body, headers = real(handler)
        return status, body.replace(b"<Size>60000", b"<Size>6"), headers

    server.find = lie
    look(source)
    assert answering(source) == {"ok.md"} and files(source)["big.md"] == ("failed", "too_large")
    server.find = lambda handler: (
        200,
        b"<ListBucketResult><IsTruncated>true</IsTruncated><Contents><Key>ok.md</Key></Contents></ListBucketResult>",
        {},
    )
    look(source)
    assert files(source)["?after=ok.md"] == ("failed", "bad_response")
    assert answering(source) == {"ok.md"}

    cloud = WebDav(outside)
    cloud.find = lambda handler: (
        207,
        f'<d:multistatus xmlns:d="DAV:">{cloud.row(unquote(handler.path).removeprefix(cloud.root) + "deeper/", "")}'
        f"{cloud.row('../../etc/passwd.md', 'x')}{cloud.row('a/b/c.md', 'x')}</d:multistatus>".encode(),
        {},
    )
    source = cloud.source(bot)
    run(source)
    assert source.error_code == "no_pages" and len(outside.seen) < 60


def test_a_link_in_a_repository_is_left_out_and_no_reason_to_fetch_it_again(outside, bot):
    git = Git(outside)
    git.files["README.md"], git.links = "docs/index.md", ("README.md",)
    source = git.source(bot)
    assert counts(look(source)) == {"added": 4}
    assert files(source)["README.md"] == ("left_out", "unsupported")
    git.fetched()
    assert counts(look(source)) == {"unchanged": 4}
    assert not any(path.endswith("main.zip") for path in git.fetched())


def test_a_git_archive_that_is_broken_or_a_bomb_is_refused(outside, bot, settings):
    settings.MAX_UPLOAD_BYTES = 100_000
    git = Git(outside)
    source = git.source(bot)
    git.refuses = 200, b"PK nonsense", {}
    assert run(source).error_code == "broken"
    git.refuses = None
    git.files = {"bomb.md": "a" * 5_000_000, "ok.md": "# Ok\n\nAll is well."}
    look(source)
    assert answering(source) == {"ok.md"} and files(source)["bomb.md"] == ("failed", "too_large")


@pytest.mark.parametrize(
    "said, code",
    [
        ("InvalidAccessKeyId", "credentials_refused"), ("SignatureDoesNotMatch", "credentials_refused"),
        ("NoSuchBucket", "bucket_missing"), ("PermanentRedirect", "wrong_region"), ("AccessDenied", "access_denied"),
    ],
)  # fmt: skip
def test_what_s3_says_is_told_in_words(outside, bot, said, code):
    server = S3(outside)
    server.refuses = 403, f"<Error><Code>{said}</Code><Message>k</Message></Error>".encode(), {}
    source = run(server.source(bot))
    assert source.error_code == code and source.error_message.endswith(".")


def test_requests_are_signed_as_the_examples_of_aws_are():
    aws = {
        "region": "us-east-1", "access_key": "AKIAIOSFODNN7EXAMPLE", "host": "examplebucket.s3.amazonaws.com",
        "secret_key": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "at": datetime(2013, 5, 24, tzinfo=UTC),
    }  # fmt: skip
    ranged = sign_get(path="/test.txt", query="", headers={"range": "bytes=0-9"}, **aws)
    rules = sign_get(path="/", query="lifecycle=", **aws)
    listed = sign_get(path="/", query=encode_query({"prefix": "J", "max-keys": "2"}), **aws)
    assert [each["Authorization"].rpartition("=")[2] for each in (ranged, rules, listed)] == [
        "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
        "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
    ]


BAD = (
    ("git", {}), ("git", {"url": "https://example.com/a/b"}), ("git", {"url": "https://github.com/a"}),
    ("git", {"url": "https://github.com/a/b?x"}), ("git", {"url": "ssh://github.com/a/b"}),
    ("git", {"url": "https://github.com/a/b", "token": "two words"}),
    ("git", {"url": "https://github.com/a/b", "branch": "../x"}),
    ("git", {"url": "https://github.com/a/b", "server": "svn"}),
    ("s3", {}), ("s3", {"bucket": "a/b"}), ("s3", {"bucket": "ab", "region": "eu.evil.com/"}),
    ("s3", {"bucket": "abc", "access_key": "a b"}), ("s3", {"bucket": "abc", "secret_key": 5}),
    ("s3", {"bucket": "abc", "path_style": "yes"}), ("s3", {"bucket": "abc", "url": "http://10.0.0.1"}),
    ("webdav", {}), ("webdav", {"url": "https://u:p@example.com/"}), ("webdav", {"url": ["x"]}),
    ("webdav", {"url": "https://example.com/", "user": "a:b"}),
    ("webdav", {"url": "https://example.com/", "password": "a\nb"}),
    ("webdav", {"url": "https://example.com/", "folder": "../x"}),
)  # fmt: skip


def test_a_config_that_makes_no_sense_is_refused(api):
    bot = api.bot()
    for kind, config in BAD:
        answer = api.send(
            "post", "sources", bot_profile_id=bot, name="F", source_type=kind, config=config
        )
        assert answer.status_code == 422 and "config." in answer.json()["detail"], (kind, config)


# --- What a server says that is not so ----------------------------------------------------------------------------


@pytest.mark.parametrize("odd", ["b/.keep", "b/~$draft.md", "b\u202e/", "b/"])
def test_a_bucket_is_listed_to_its_end_whatever_a_list_ends_with(outside, bot, odd):
    server = S3(outside)
    server.files = {name: f"# {name}\n\nIt is {name}." for name in ("a.md", odd, "c.md", "d.md")}
    source = server.source(bot)
    look(source)
    assert answering(source) == {"a.md", "c.md", "d.md"}, source.error_message


def test_what_a_list_says_that_is_no_address_or_number_leaves_the_rest_alone(outside, bot):
    server = WebDav(outside)
    plain = server.row("hours.md", "x")
    hrefs = (
        "http://[x",
        f"{server.root}..%2f..%2fup.md",
        f"{server.root}%2e%2e",
        "//127.0.0.2/other.md",
    )
    odd = "".join(plain.replace(server.root + "hours.md", href) for href in hrefs)
    find = server.find

    def find_more(handler):
        status, body, headers = find(handler)
        more = odd.encode() + b"</d:multistatus>"
        body = body.replace(b"</d:multistatus>", more) if status == 207 else body
        length = (
            b"<d:getcontentlength>"
            + b"1" * 5000
            + b"</d:getcontentlength></d:prop><d:status>HTTP/1.1 200"
        )
        return status, body.replace(b"</d:prop><d:status>HTTP/1.1 200", length), headers

    server.find = find_more
    source = server.source(bot)
    look(source)
    assert answering(source) == set(TEXTS), source.error_message
    assert {key for key in files(source) if not key.endswith("/")} == set(TEXTS)


def test_a_list_of_millions_of_elements_is_not_built_in_memory(outside, bot):
    server = WebDav(outside)
    server.refuses = (
        207,
        b"<d:multistatus xmlns:d='DAV:'>" + b"<a/>" * 700_000 + b"</d:multistatus>",
        {},
    )
    source = server.source(bot)
    run(source)
    assert (source.status, source.error_code) == ("error", "list_too_long")
