"""A tenant's folder of files, as its file brings it."""

from __future__ import annotations

import errno
from contextlib import suppress
from typing import Final

from minirag.lib.files.choosing import kept_files
from minirag.lib.files.keeping import FilesFailed
from tenants.moving.archive import FILES, ArchiveReader, FileRefused

_NO_PLACE: Final = (errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.EILSEQ)


def restore_files(reader: ArchiveReader, folder: str) -> None:
    """Write the files below the folder, in place of what an import that was killed has left there.

    The caller has claimed the tenant's schema, so nobody else writes there. Raises FileRefused for paths that
    cannot be made here.
    """
    remove_files(folder)
    files = kept_files()
    for stream in reader.manifest.streams:
        if stream.name.startswith(FILES):
            try:
                with files.writing(f"{folder}/{stream.name.removeprefix(FILES)}") as file:
                    for piece in reader.pieces(stream):
                        file.write(piece)
            except OSError as error:
                if error.errno not in _NO_PLACE:
                    raise
                raise FileRefused("The file names a path that cannot be made here.") from None


def remove_files(folder: str) -> None:
    """Remove what can be removed of a tenant that is not taken in after all."""
    with suppress(OSError, FilesFailed):
        kept_files().remove_folder(folder)
