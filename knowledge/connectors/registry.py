"""The table of connectors: one row says all that the product knows of one.

To add a connector, write a class on `Connector` next to the others and a row here; what its config may say, its sealed
secret, its syncs, its states and its files' way into the index follow. Its fields in the admin's form are in
`knowledge.sources.forms.connector`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext_noop

from knowledge.connectors.asking import find_server
from knowledge.connectors.folder import Folder, check_folder
from knowledge.connectors.git import GIT_KEYS, Repository, check_git, find_git_server
from knowledge.connectors.items import Connector
from knowledge.connectors.limits import COMMON_KEYS
from knowledge.connectors.s3 import S3_KEYS, Bucket, check_s3, find_s3_server
from knowledge.connectors.webdav import WEBDAV_KEYS, Cloud, check_webdav
from knowledge.models import SourceType


@dataclass(frozen=True)
class ConnectorKind:
    """`keys` are what its config may say beside COMMON_KEYS; `check` vets a config, its secret's form included.

    `find_server` names whom the secret is for: another one never gets it.
    """

    source_type: SourceType
    name: str
    keys: frozenset[str]
    check: Callable[[dict[str, Any]], None]
    open: Callable[[dict[str, Any], str], Connector]
    find_server: Callable[[dict[str, Any]], object] = lambda config: None

    @property
    def known(self) -> frozenset[str]:
        return COMMON_KEYS | self.keys


_ROWS: Final = (
    ConnectorKind(
        SourceType.FOLDER, gettext_noop("A folder on the server"), frozenset(), check_folder, Folder
    ),
    ConnectorKind(
        SourceType.GIT,
        gettext_noop("A git repository"),
        GIT_KEYS,
        check_git,
        Repository,
        find_git_server,
    ),
    ConnectorKind(
        SourceType.S3, gettext_noop("An S3 bucket"), S3_KEYS, check_s3, Bucket, find_s3_server
    ),
    ConnectorKind(
        SourceType.WEBDAV,
        gettext_noop("A cloud folder (WebDAV)"),
        WEBDAV_KEYS,
        check_webdav,
        Cloud,
        find_server,
    ),
)
CONNECTORS: Final[dict[str, ConnectorKind]] = {row.source_type.value: row for row in _ROWS}
