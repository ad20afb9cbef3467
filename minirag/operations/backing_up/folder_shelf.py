"""Backups in a folder on the disk."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from minirag.operations.backing_up.programs import run
from minirag.operations.backing_up.shelves import (
    GIVEN_UP_SECONDS,
    NAME,
    SUFFIX,
    Backup,
    BackupFailed,
    BackupRefused,
    Facts,
    Shelf,
)


@dataclass(frozen=True)
class FolderBackup(Backup):
    path: Path
    facts: Facts

    def __str__(self) -> str:
        return str(self.path)

    @property
    def name(self) -> str:  # type: ignore[override]
        return self.path.name

    def restore_by(self, command: list[str]) -> None:
        run([*command, str(self.path)])


class FolderShelf(Shelf):
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def begin(self, name: str) -> None:
        """Make an empty file that is this process's own, so that of two in one second neither spoils the other's."""
        path, draft = self._folder / name, self._draft_of(name)
        try:
            draft.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft.touch(mode=0o600, exist_ok=False)
        except FileExistsError:
            if not draft.exists():  # the folder is a file
                raise BackupFailed(f"{draft.parent} cannot be written: it is no folder.") from None
            raise BackupFailed(
                f"Another backup writes {draft} in this moment: try again."
            ) from None
        except OSError as error:
            raise BackupFailed(f"{draft.parent} cannot be written: {error.strerror}.") from None
        if path.exists():
            draft.unlink()
            raise BackupFailed(f"{path} was made in this moment: try again.")

    def dump(self, name: str, command: list[str]) -> tuple[int, str]:
        draft = self._draft_of(name)
        run([*command, f"--file={draft}"])
        with self._written():
            return draft.stat().st_size, digest_of(draft)

    def keep(self, name: str, facts: Facts) -> Backup:
        path = self._folder / name
        with self._written():
            beside_of(path).touch(mode=0o600)
            beside_of(path).write_text(facts.model_dump_json(indent=1))
            self._draft_of(name).rename(path)
        return FolderBackup(path, facts)

    def discard(self, name: str) -> None:
        draft = self._draft_of(name)
        with suppress(OSError):
            if draft.exists():  # or it has its name by now
                draft.unlink()
                beside_of(draft).unlink(missing_ok=True)

    def drop_older(self, keep: int) -> list[str]:
        made = sorted(path for path in self._folder.glob(f"*{SUFFIX}") if NAME.fullmatch(path.name))
        return _remove(made[:-keep]) + self.drop_broken_off()

    def drop_broken_off(self) -> list[str]:
        try:
            given_up = [
                path for path in self._folder.glob("minirag-*.part")
                if time.time() - path.stat().st_mtime > GIVEN_UP_SECONDS
            ]  # fmt: skip
        except OSError as error:
            raise BackupFailed(f"{error.filename} cannot be read: {error.strerror}.") from None
        return _remove(given_up)

    def _draft_of(self, name: str) -> Path:
        return (self._folder / name).with_suffix(".part")

    @contextmanager
    def _written(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise BackupFailed(f"{self._folder} cannot be written: {error.strerror}.") from None


def read_from_folder(path: Path) -> Backup:
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
    return FolderBackup(path, facts)


def beside_of(path: Path) -> Path:
    return path.with_suffix(".json")


def digest_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _remove(old: list[Path]) -> list[str]:
    try:
        for path in old:
            path.unlink(missing_ok=True)
            beside_of(path).unlink(missing_ok=True)
    except OSError as error:
        raise BackupFailed(f"{error.filename} cannot be removed: {error.strerror}.") from None
    return [str(path) for path in old]
