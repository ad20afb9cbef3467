"""Backups in a bucket: written to it and read from it as they come, so that no disk has to have room for them.

A dump without its facts beside it is none: its upload has ended and the process died. One that is cut or changed is
found out while it is restored, into a database that has taken nobody's place by then.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from pydantic import ValidationError

from minirag.lib.files.bucket import BucketFiles
from minirag.lib.files.keeping import FileMissing, FilesFailed
from minirag.operations.backing_up.programs import Output, feed, reading_from
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

_LONGEST_FACTS: Final = 64 * 2**20
_MOMENT: Final = f"minirag-%Y%m%d-%H%M%S{SUFFIX}"


@dataclass(frozen=True)
class BucketBackup(Backup):
    files: BucketFiles
    name: str
    facts: Facts

    def __str__(self) -> str:
        return f"{self.files.address}/{self.name}"

    def restore_by(self, command: list[str]) -> None:
        digest = hashlib.sha256()

        def pieces() -> Iterator[bytes]:
            for piece in self.files.pieces(self.name):
                digest.update(piece)
                yield piece

        with _said_plainly():
            feed(command, pieces())
        if digest.hexdigest() != self.facts.sha256:
            raise _damaged(self)


class BucketShelf(Shelf):
    def __init__(self, files: BucketFiles) -> None:
        self._files = files

    def begin(self, name: str) -> None:
        with _said_plainly():
            if self._files.size(name) is not None:
                raise BackupFailed(
                    f"{self._files.address}/{name} was made in this moment: try again."
                )

    def dump(self, name: str, command: list[str]) -> tuple[int, str]:
        with _said_plainly(), reading_from(command) as output:
            measured = _Measured(output)
            self._files.upload(name, measured)
        return measured.size, measured.digest.hexdigest()

    def keep(self, name: str, facts: Facts) -> Backup:
        with _said_plainly(), self._files.writing(_beside_of(name)) as file:
            file.write(facts.model_dump_json(indent=1).encode())
        return BucketBackup(self._files, name, facts)

    def discard(self, name: str) -> None:
        with suppress(FilesFailed):
            self._files.remove(_beside_of(name))
            self._files.remove(name)

    def drop_older(self, keep: int) -> list[str]:
        names = self._list()
        made = sorted(name for name in names if NAME.fullmatch(name) and _beside_of(name) in names)
        return self._remove(made[:-keep]) + self.drop_broken_off()

    def drop_broken_off(self) -> list[str]:
        names = self._list()
        given_up = f"{datetime.now(UTC) - timedelta(seconds=GIVEN_UP_SECONDS):{_MOMENT}}"
        return self._remove([
            name for name in sorted(names)
            if NAME.fullmatch(name) and _beside_of(name) not in names and name < given_up
        ])  # fmt: skip

    def _list(self) -> set[str]:
        with _said_plainly():
            return set(self._files.names(""))

    def _remove(self, old: list[str]) -> list[str]:
        with _said_plainly():
            for name in old:
                self._files.remove(_beside_of(name))  # without it the other is none
                self._files.remove(name)
        return [f"{self._files.address}/{name}" for name in old]


def read_from_bucket(address: str) -> Backup:
    """Find what stands beside a dump, and hold its size against it. Raises BackupRefused, BackupFailed."""
    folder, _, name = address.rpartition("/")
    with _said_plainly():
        files = BucketFiles(folder)
        try:
            told = b""
            for piece in files.pieces(_beside_of(name)):
                if len(told := told + piece) > _LONGEST_FACTS:
                    break
            backup = BucketBackup(files, name, Facts.model_validate_json(told))
            size = files.size(name)
        except FileMissing:
            raise BackupRefused(f"There is no {address} with its .json beside it.") from None
        except ValidationError:
            raise BackupRefused(f"{folder}/{_beside_of(name)} is damaged.") from None
    if size != backup.facts.bytes:
        raise _damaged(backup)
    return backup


class _Measured:
    """Counts and sums up what is read through it."""

    def __init__(self, source: Output) -> None:
        self._source, self.size, self.digest = source, 0, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        piece = self._source.read(size)
        self.size += len(piece)
        self.digest.update(piece)
        return piece


def _beside_of(name: str) -> str:
    return f"{name.removesuffix(SUFFIX)}.json"


def _damaged(backup: Backup) -> BackupRefused:
    return BackupRefused(f"{backup} is damaged or cut short: it is not what was written.")


@contextmanager
def _said_plainly() -> Iterator[None]:
    try:
        yield
    except FilesFailed as error:
        raise BackupFailed(error.detail) from None
