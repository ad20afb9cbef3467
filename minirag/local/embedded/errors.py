"""What keeps an embedded server from starting."""

from __future__ import annotations

import shutil
from errno import ENOSPC
from pathlib import Path
from typing import Final

_LEAST_BYTES: Final = 256 * 1024


class StartError(Exception):
    """Something that MiniRAG runs cannot start; the message is one sentence for its operator."""


class TryAgain(StartError):
    """What is in the way may pass within a moment: a taken port, the backends of a killed server."""


class DiskFull(StartError):
    """There is no room, and a server that has run before will start as soon as somebody has made some."""

    def __init__(self, path: object) -> None:
        super().__init__(f"The disk that holds {path} is full: free some space and start again.")


def explain_end(said: str, directory: Path) -> DiskFull | None:
    """What a server's last words mean where there is no room: it may have had none for these words either."""
    is_full = "No space left on device" in said or shutil.disk_usage(directory).free < _LEAST_BYTES
    return DiskFull(directory) if is_full else None


def explain_os_error(error: OSError, path: object) -> StartError:
    return DiskFull(path) if error.errno == ENOSPC else StartError(describe_os_error(error, path))


def describe_os_error(error: OSError, path: object) -> str:
    """One sentence for a file that could not be written."""
    if error.errno == ENOSPC:
        return str(DiskFull(path))
    if error.errno in (1, 13, 30):  # EPERM, EACCES, EROFS
        return f"This user may not write {path} ({error.strerror}): fix its owner or use another --data-dir."
    return f"{path} cannot be used: {error.strerror or error}."
