"""What kinds of sources there are, and what becomes of one."""

from __future__ import annotations

from typing import Final

from django.db import models


class SourceType(models.TextChoices):
    TEXT = "text", "Text"
    UPLOAD = "upload", "Upload"
    URL = "url", "URL"
    SITE = "site", "Site"
    FOLDER = "folder", "Folder"
    GIT = "git", "Git repository"
    S3 = "s3", "S3 bucket"
    WEBDAV = "webdav", "WebDAV"
    NYXCORE = "nyxcore", "nyxCore"


SYNCED: Final = frozenset({
    SourceType.SITE.value, SourceType.FOLDER.value, SourceType.GIT.value, SourceType.S3.value,
    SourceType.WEBDAV.value,
})  # fmt: skip
"""Types that are many documents, looked at again and compared (`knowledge.sites.syncing`)."""
SECRET_OF: Final[dict[str, str]] = {
    SourceType.NYXCORE.value: "api_token", SourceType.GIT.value: "token", SourceType.S3.value: "secret_key",
    SourceType.WEBDAV.value: "password",
}  # fmt: skip
"""How the config of a type names its secret, which is kept sealed and never shown."""
COMPANION_OF: Final = {SourceType.S3.value: "session_token"}
"""What goes with a secret of a type and is sealed with it, in a line of its own."""
SEALED: Final = "encrypted_token"
"""Under which name of the config it is kept."""


def servers_own(secret: str) -> tuple[str, str]:
    """What a config with this secret has that no client sets."""
    return SEALED, f"has_{secret}"


class SourceStatus(models.TextChoices):
    PENDING = "pending", "Pending"
    PROCESSING = "processing", "Processing"
    READY = "ready", "Ready"
    ERROR = "error", "Error"


class Redo(models.TextChoices):
    """What the next ingestion does though nothing has changed."""

    NOTHING = "", "Nothing"
    PARSE = "parse", "Read and cut the text anew"
    EMBED = "embed", "Also make every vector anew"
