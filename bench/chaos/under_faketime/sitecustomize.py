"""Python's own `time.sleep` asks for a moment of the monotonic clock, which libfaketime 0.9.10 spoils (EINVAL)."""

import select
import time


def sleep(seconds: float) -> None:
    if seconds < 0:
        raise ValueError("sleep length must be non-negative")
    select.select([], [], [], seconds)


time.sleep = sleep
