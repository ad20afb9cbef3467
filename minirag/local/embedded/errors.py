"""What keeps an embedded server from starting."""

from __future__ import annotations


class StartError(Exception):
    """Something that MiniRAG runs cannot start; the message is one sentence for its operator."""


class TryAgain(StartError):
    """What is in the way may pass within a moment: a taken port, the backends of a killed server."""


def describe_os_error(error: OSError, path: object) -> str:
    """One sentence for a file that could not be written."""
    if error.errno == 28:  # ENOSPC
        return f"The disk that holds {path} is full: free some space and start again."
    if error.errno in (1, 13, 30):  # EPERM, EACCES, EROFS
        return f"This user may not write {path} ({error.strerror}): fix its owner or use another --data-dir."
    return f"{path} cannot be used: {error.strerror or error}."
