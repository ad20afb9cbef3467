"""A folder on the server's disk, where the operator allows it: below the tenant's own folder of `SOURCE_FOLDERS`.

Every part of a path is opened from the one before and is no link, so that nothing leads out of the tenant's folder,
whatever somebody renames or links meanwhile.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from django.conf import settings

from knowledge.connectors.items import START, Connector, Item, ItemGone, Listing, too_large
from knowledge.connectors.limits import check_limits, invalid, read_limits
from knowledge.indexing.loading import IngestionError
from tenants.context import require_tenant

MOST_ENTRIES: Final = 50_000
_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


def check_folder(config: dict[str, Any]) -> None:
    """Vet the config of a source of this type. Raises BadInput."""
    if not settings.SOURCE_FOLDERS:
        raise invalid(
            "config.folder cannot be used: the operator has not allowed folders (SOURCE_FOLDERS)."
        )
    check_limits(config)


class Folder(Connector):
    """The files below a folder. Their version is when they were written, and how long they are."""

    def __init__(self, config: dict[str, Any], secret: str) -> None:
        self._folder = read_limits(config).folder
        self._slug = require_tenant().slug

    def list_items(self, at: str) -> Listing:
        here = self._folder if at == START else at
        items: list[Item] = []
        lists: list[str] = []
        with self._open_folder(here) as folder, os.scandir(folder) as entries:
            for number, entry in enumerate(entries):
                if number >= MOST_ENTRIES:
                    return Listing(tuple(items), tuple(lists), is_cut=True)
                key = here + entry.name
                try:
                    facts = entry.stat(follow_symlinks=False)
                except FileNotFoundError:
                    continue
                if stat.S_ISDIR(facts.st_mode):
                    lists.append(f"{key}/")
                elif stat.S_ISREG(facts.st_mode):
                    items.append(Item(key, f"{facts.st_mtime_ns}-{facts.st_size}", facts.st_size))
        return Listing(tuple(sorted(items, key=lambda item: item.key)), tuple(sorted(lists)))

    def fetch(self, key: str, *, largest: int) -> bytes:
        folder, _, name = key.rpartition("/")
        with self._open_folder(folder) as opened:
            try:
                number = os.open(name, _FILE, dir_fd=opened)
            except OSError as error:
                raise _unreadable(error) from None
            with os.fdopen(number, "rb") as file:
                if not stat.S_ISREG(os.fstat(number).st_mode):
                    raise IngestionError("unsupported", "It is no file.")
                data = file.read(largest + 1)
        if len(data) > largest:
            raise too_large(largest)
        return data

    @contextmanager
    def _open_folder(self, path: str) -> Iterator[int]:
        """Open a folder below the tenant's, part by part."""
        if not settings.SOURCE_FOLDERS:
            raise IngestionError(
                "folders_not_allowed",
                "The operator does not allow folders any more (SOURCE_FOLDERS).",
            )
        opened: list[int] = []
        try:
            opened.append(os.open(settings.SOURCE_FOLDERS, os.O_RDONLY | os.O_DIRECTORY))
            for part in (self._slug, *(part for part in path.split("/") if part)):
                if part in (".", ".."):
                    raise IngestionError("folder_missing", "The folder is not there.")
                opened.append(os.open(part, _FOLDER, dir_fd=opened[-1]))
            yield opened[-1]
        except OSError as error:
            raise _unreadable(error, of_folder=True) from None
        finally:
            for number in opened:
                os.close(number)


def _unreadable(error: OSError, *, of_folder: bool = False) -> IngestionError:
    if isinstance(error, PermissionError):
        return IngestionError("folder_forbidden", "The server may not read it.")
    if not of_folder and isinstance(error, FileNotFoundError):
        return ItemGone()
    if not of_folder and error.errno in (errno.ELOOP, errno.ENXIO):  # a link, a socket
        return IngestionError("unsupported", "It is no file.")
    if of_folder and (
        isinstance(error, FileNotFoundError | NotADirectoryError) or error.errno == errno.ELOOP
    ):
        return IngestionError(
            "folder_missing",
            "The folder is not there: it has to be below the folder with the tenant's short name.",
        )
    return IngestionError("folder_unreadable", "The server's disk could not be read.", True)
