"""The files of backups: a dump, and beside it what it has to hold."""

from __future__ import annotations

import hashlib
import re
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from minirag.lib.errors import BadInput, ProductError

SUFFIX: Final = ".dump"
_NAME: Final = re.compile(rf"minirag-\d{{8}}-\d{{6}}{re.escape(SUFFIX)}")
_GIVEN_UP_SECONDS: Final = 24 * 3600.0


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


@dataclass(frozen=True)
class Backup:
    path: Path
    facts: Facts


def begin_draft(draft: Path, path: Path) -> None:
    """Make an empty file that is this process's own, so that of two in one second neither spoils the other's."""
    try:
        draft.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft.touch(mode=0o600, exist_ok=False)
    except FileExistsError:
        if not draft.exists():  # the folder is a file
            raise BackupFailed(f"{draft.parent} cannot be written: it is no folder.") from None
        raise BackupFailed(f"Another backup writes {draft} in this moment: try again.") from None
    except OSError as error:
        raise BackupFailed(f"{draft.parent} cannot be written: {error.strerror}.") from None
    if path.exists():
        draft.unlink()
        raise BackupFailed(f"{path} was made in this moment: try again.")


def read_backup(path: Path) -> Backup:
    """Find what stands beside a dump, and hold the file against it. Raises BackupRefused."""
    try:
        facts = Facts.model_validate_json(beside_of(path).read_bytes())
        is_whole = path.stat().st_size == facts.bytes and digest_of(path) == facts.sha256
    except OSError as error:
        raise BackupRefused(f"{error.filename} cannot be read: {error.strerror}.") from None
    except ValidationError:
        raise BackupRefused(f"{beside_of(path)} is damaged.") from None
    if not is_whole:
        raise BackupRefused(f"{path} is damaged or cut short: it is not what was written.")
    return Backup(path, facts)


def drop_older(folder: Path, *, keep: int) -> list[Path]:
    """Remove all backups of a folder but the newest ones, and what killed ones left; returns those that are gone.

    A file by another name is somebody's own. Raises BackupFailed.
    """
    made = sorted(path for path in folder.glob(f"*{SUFFIX}") if _NAME.fullmatch(path.name))
    return _remove(made[:-keep]) + drop_broken_off(folder)


def drop_broken_off(folder: Path) -> list[Path]:
    """Remove what killed ones left a day ago; returns it. Raises BackupFailed."""
    try:
        given_up = [
            path for path in folder.glob("minirag-*.part")
            if time.time() - path.stat().st_mtime > _GIVEN_UP_SECONDS
        ]  # fmt: skip
    except OSError as error:
        raise BackupFailed(f"{error.filename} cannot be read: {error.strerror}.") from None
    return _remove(given_up)


def _remove(old: list[Path]) -> list[Path]:
    try:
        for path in old:
            path.unlink(missing_ok=True)
            beside_of(path).unlink(missing_ok=True)
    except OSError as error:
        raise BackupFailed(f"{error.filename} cannot be removed: {error.strerror}.") from None
    return old


def beside_of(path: Path) -> Path:
    return path.with_suffix(".json")


def digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
