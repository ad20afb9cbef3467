"""What a process holds and does not use."""

from __future__ import annotations

import ctypes
import gc


def give_back_memory() -> None:
    """Hand freed memory back to the system, where its C library can: after loading models that is some 10 MiB."""
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
