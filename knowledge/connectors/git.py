"""The documents of a git repository, from the zip archive that its server makes of a branch.

The archive is one request, so a look costs one download, or none where the last commit is still the same; its directory
tells which files have changed.
"""

from __future__ import annotations

import json
import re
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import IO, Any, Final
from urllib.parse import quote, urlsplit

from django.conf import settings

from knowledge.connectors.asking import ask, check_address, outbound_as_ingestion
from knowledge.connectors.items import Connector, Item, ItemGone, Listing
from knowledge.connectors.limits import check_limits, check_text, invalid
from knowledge.formats.archive.opening import PackedFile, open_stream, read_file
from knowledge.formats.parsing import ParseError
from knowledge.indexing.loading import IngestionError
from minirag.lib.http_out.client import download

GIT_KEYS: Final = frozenset({"url", "branch", "server", "token"})
LARGEST_ARCHIVE: Final = 300 * 2**20
LARGEST_COMMIT: Final = 2 * 2**20
MOST_FILES: Final = 15_000
SECONDS: Final = 300.0
_PATH: Final = re.compile(r"/[\w.~/-]+")
_COMMIT: Final = re.compile(r"[0-9a-f]{7,64}")
_TOKEN: Final = re.compile(r"[\x21-\x7e]{1,512}")


@dataclass(frozen=True)
class Server:
    """A kind of server: where the archive of a branch is and what its last commit is, how the token is said, where
    readers find a file. `commit` is under which name an answer has the commit's id.
    """

    name: str
    archive: Callable[[str, str, str], str]
    last: Callable[[str, str, str], str]
    commit: str
    header: Callable[[str], dict[str, str]]
    link: str
    branch: str = "HEAD"


def _github(origin: str, path: str) -> str:
    api = "https://api.github.com" if origin == "https://github.com" else f"{origin}/api/v3"
    return f"{api}/repos/{path}"


def _gitlab(origin: str, path: str) -> str:
    return f"{origin}/api/v4/projects/{quote(path, safe='')}/repository"


def _gitea(origin: str, path: str) -> str:
    return f"{origin}/api/v1/repos/{path}"


_BARE: Final = "stat=false&verification=false&files=false"
SERVERS: Final[dict[str, Server]] = {
    "github": Server(
        "GitHub",
        lambda origin, path, branch: f"{_github(origin, path)}/zipball/{quote(branch, safe='/')}",
        lambda origin, path, branch: f"{_github(origin, path)}/commits/{quote(branch, safe='/')}", "sha",
        lambda token: {"Authorization": f"Bearer {token}"}, "blob",
    ),
    "gitlab": Server(
        "GitLab",
        lambda origin, path, branch: f"{_gitlab(origin, path)}/archive.zip?sha={quote(branch, safe='')}",
        lambda origin, path, branch: f"{_gitlab(origin, path)}/commits/{quote(branch, safe='')}", "id",
        lambda token: {"PRIVATE-TOKEN": token}, "-/blob",
    ),
    "gitea": Server(
        "Gitea, Forgejo or Codeberg",
        lambda origin, path, branch: f"{_gitea(origin, path)}/archive/{quote(branch, safe='/')}.zip",
        lambda origin, path, branch: f"{_gitea(origin, path)}/git/commits/{quote(branch, safe='')}?{_BARE}", "sha",
        lambda token: {"Authorization": f"token {token}"}, "src/branch", branch="main",
    ),
}  # fmt: skip
_BY_HOST: Final = {
    "github": "github", "gitlab": "gitlab", "codeberg": "gitea", "gitea": "gitea", "forgejo": "gitea",
}  # fmt: skip


def check_git(config: dict[str, Any]) -> None:
    """Vet the config of a source of this type. Raises BadInput."""
    check_limits(config)
    check_address(config, needed="the repository's address, such as https://github.com/owner/name")
    if not _PATH.fullmatch(_path_of(config)) or _path_of(config).count("/") < 2:
        raise invalid("config.url must be a repository, such as https://github.com/owner/name.")
    branch = check_text(config, "branch", 200)
    if branch.startswith("/") or ".." in branch:
        raise invalid("config.branch must be the name of a branch or tag.")
    server = check_text(config, "server", 10)
    if server and server not in SERVERS:
        raise invalid("config.server must be github, gitlab or gitea.")
    if not server and not _guess_server(config):
        raise invalid("config.server is required: github, gitlab or gitea.")
    if (token := check_text(config, "token", 512)) and not _TOKEN.fullmatch(token):
        raise invalid("config.token is not one: 1 to 512 characters without spaces.")


class Repository(Connector):
    """The files of a branch. Their version is their checksum and length."""

    slices = 6  # each of them would fetch the archive again

    def __init__(self, config: dict[str, Any], secret: str) -> None:
        self._server = SERVERS[config.get("server") or _guess_server(config)]
        self._branch = config.get("branch") or self._server.branch
        parts = urlsplit(str(config["url"]))
        self._origin, self._path = f"{parts.scheme}://{parts.netloc}".lower(), _path_of(config)
        self._headers = self._server.header(secret) if secret else {}
        self._file: IO[bytes] | None = None
        self._archive: zipfile.ZipFile | None = None
        self._files: dict[str, PackedFile] = {}

    def find_version(self) -> str:
        """The last commit of the branch; empty where the server does not tell it, which then costs a download."""
        url = self._server.last(self._origin, self._path.strip("/"), self._branch)
        try:
            fetched = ask(url, self._headers, largest=LARGEST_COMMIT, seconds=self.seconds)
            said = json.loads(fetched.body) if fetched.status == HTTPStatus.OK else {}
        except (IngestionError, ValueError, RecursionError):
            return ""
        found = said.get(self._server.commit) if isinstance(said, dict) else None
        return found if isinstance(found, str) and _COMMIT.fullmatch(found) else ""

    def list_items(self, at: str) -> Listing:
        self._open()
        return Listing(
            tuple(
                Item(key, f"{file.info.CRC:08x}-{file.info.file_size}", file.info.file_size)
                for key, file in self._files.items()
            )
        )

    def fetch(self, key: str, *, largest: int) -> bytes:
        archive = self._open()
        if key not in self._files:
            raise ItemGone
        try:
            return read_file(archive, self._files[key], limit=largest)
        except ParseError as error:
            raise IngestionError(error.code, error.reason) from error

    def find_link(self, key: str) -> str:
        where = f"{self._origin}{self._path}/{self._server.link}/{quote(self._branch, safe='/')}"
        return f"{where}/{quote(key)}"

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _open(self) -> zipfile.ZipFile:
        if self._archive is None:
            url = self._server.archive(self._origin, self._path.strip("/"), self._branch)
            self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the connector
            try:
                with outbound_as_ingestion():
                    download(
                        url, self._file, max_bytes=self.largest_archive or LARGEST_ARCHIVE,
                        timeout_seconds=self.seconds or SECONDS,
                        allowed_hosts=frozenset(settings.OUTBOUND_ALLOWED_HOSTS), secret_headers=self._headers,
                    )  # fmt: skip
                self._archive, files = open_stream(self._file, most_files=MOST_FILES)
            except ItemGone:
                raise IngestionError(
                    "repository_missing",
                    "There is no such repository or branch, or the token may not see it.",
                ) from None
            except ParseError as error:
                raise IngestionError(error.code, error.reason) from error
            self._files = _without_common_folder(files)
        return self._archive


def find_git_server(config: dict[str, Any]) -> object:
    parts = urlsplit(str(config.get("url") or ""))
    return f"{parts.scheme}://{parts.netloc}".lower(), config.get("server") or _guess_server(config)


def _path_of(config: dict[str, Any]) -> str:
    return urlsplit(str(config.get("url") or "")).path.rstrip("/").removesuffix(".git")


def _guess_server(config: dict[str, Any]) -> str:
    host = (urlsplit(str(config.get("url") or "")).hostname or "").lower()
    return next((server for part, server in _BY_HOST.items() if part in host), "")


def _without_common_folder(files: list[PackedFile]) -> dict[str, PackedFile]:
    """The files by their paths in the repository: servers pack them into a folder named after it."""
    tops = {file.path.partition("/")[0] for file in files}
    cut = len(tops) == 1 and all("/" in file.path for file in files)
    return {file.path.partition("/")[2] if cut else file.path: file for file in files}
