"""An ASGI application whose answer is 128 MiB long, and which writes down how much of it it could send."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

from minirag.serving.backpressure import connection_of, pace_sending

PIECE, PIECES = 64 * 1024, 2048


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    paced, progress = pace_sending(send, connection_of(send)), Path(os.environ["PROGRESS_FILE"])
    await paced({"type": "http.response.start", "status": 200, "headers": []})
    for number in range(PIECES):
        await paced({"type": "http.response.body", "body": b"x" * PIECE, "more_body": True})
        progress.write_text(str(number + 1))
        await asyncio.sleep(0)
    await paced({"type": "http.response.body", "body": b""})
