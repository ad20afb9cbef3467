"""A tenant's folder of files, as its file brings it."""

from __future__ import annotations

import errno
import shutil
from pathlib import Path
from typing import Final

from tenants.moving.archive import FILES, ArchiveReader, FileRefused, StreamInfo

_NO_PLACE: Final = (errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.EILSEQ)


def restore_files(reader: ArchiveReader, folder: Path) -> None:
    """Write the files below `folder`, in place of what an import that was killed has left there.

    The caller has claimed the tenant's schema, so nobody else writes there. Raises FileRefused for paths that
    cannot be made here.
    """
    shutil.rmtree(folder, ignore_errors=True)
    for stream in reader.manifest.streams:
        if stream.name.startswith(FILES):
            try:
                _write(reader, stream, folder / stream.name.removeprefix(FILES))
            except OSError as error:
                if error.errno not in _NO_PLACE:
                    raise
                raise FileRefused("The file names a path that cannot be made here.") from None


def _write(reader: ArchiveReader, stream: StreamInfo, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        for piece in reader.pieces(stream):
            file.write(piece)
