"""What a web process and whoever started it tell each other: how far it is, and whether it has time to get ready."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import Final

VARIABLE: Final = "MINIRAG_TELL_THROUGH"
"""The environment variable with the descriptor to tell through."""
WARM_FIRST: Final = "MINIRAG_WARM_FIRST"
"""The environment variable that is set where others serve: loading the models beside its first answers slows them."""
SERVING, WARM = b"s", b"w"


def announce(step: bytes) -> None:
    """Tell that `step` is reached."""
    descriptor = os.environ.get(VARIABLE, "")
    if descriptor.isdecimal():
        with suppress(OSError):  # it has gone, or had closed the pipe
            os.write(int(descriptor), step)
