"""Backups and where they lie: a dump, and beside it what it has to hold."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from datetime import datetime
from typing import Final

from pydantic import BaseModel, ConfigDict

from minirag.lib.errors import BadInput, ProductError

SUFFIX: Final = ".dump"
NAME: Final = re.compile(rf"minirag-\d{{8}}-\d{{6}}{re.escape(SUFFIX)}")
GIVEN_UP_SECONDS: Final = 24 * 3600.0
"""What is half written and older than this, nobody writes any more."""


class BackupFailed(ProductError):
    """The reason is a sentence for whoever runs the command; the database that answers is as it was."""


class BackupRefused(BadInput):
    """This file is not restored here."""


class Facts(BaseModel):
    """What stands beside a dump."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    made_at: datetime
    release: str
    bytes: int
    sha256: str
    migrations: list[str]
    rows: dict[str, int]
    """By schema; `public` is who may enter."""
    key_sign: str
    """Opens with the ENCRYPTION_KEY that the secrets in the dump are under, and says nothing."""


class Backup(ABC):
    """One that is whole by its size; `name` is the file's own, `str()` says where it is."""

    name: str
    facts: Facts

    @abstractmethod
    def restore_by(self, command: list[str]) -> None:
        """Have a program of PostgreSQL read it. Raises BackupFailed, and BackupRefused for what was changed."""


class Shelf(ABC):
    """A place of backups. What is begun is kept or discarded; until then it is no backup."""

    @abstractmethod
    def begin(self, name: str) -> None:
        """Take a name that is free. Raises BackupFailed."""

    @abstractmethod
    def dump(self, name: str, command: list[str]) -> tuple[int, str]:
        """Have a program of PostgreSQL write it; returns how many bytes and their SHA-256. Raises BackupFailed."""

    @abstractmethod
    def keep(self, name: str, facts: Facts) -> Backup:
        """Make it a backup. Raises BackupFailed."""

    @abstractmethod
    def discard(self, name: str) -> None:
        """Remove what was begun."""

    @abstractmethod
    def drop_older(self, keep: int) -> list[str]:
        """Remove all but the newest, and what killed ones left; returns what is gone, each as people know it.

        A file by another name is somebody's own. Raises BackupFailed.
        """

    @abstractmethod
    def drop_broken_off(self) -> list[str]:
        """Remove what killed ones left a day ago; returns it. Raises BackupFailed."""
