"""A backup and its shelf by what people call them: a path, or `s3://NAME/FOLDER`."""

from __future__ import annotations

from pathlib import Path

from minirag.lib.files.bucket import BucketFiles, is_bucket
from minirag.lib.files.keeping import FilesFailed
from minirag.operations.backing_up.bucket_shelf import BucketShelf, read_from_bucket
from minirag.operations.backing_up.folder_shelf import FolderShelf, read_from_folder
from minirag.operations.backing_up.shelves import Backup, BackupFailed, Shelf


def open_shelf(place: str) -> Shelf:
    """Raises BackupFailed for an address that is none."""
    if not is_bucket(place):
        return FolderShelf(Path(place))
    try:
        return BucketShelf(BucketFiles(place))
    except FilesFailed as error:
        raise BackupFailed(error.detail) from None


def read_backup(place: str) -> Backup:
    """Find a backup with what it has to hold. Raises BackupRefused, BackupFailed."""
    return read_from_bucket(place) if is_bucket(place) else read_from_folder(Path(place))
