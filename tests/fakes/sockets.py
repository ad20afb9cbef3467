"""Sockets under our Daphne as an ASGI application: one path hears nothing, one a single message, one talks on."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "minirag.settings")
django.setup(set_prefix=False)  # first: the import below needs it

from minirag.serving.daphne import install  # noqa: E402

install()
WORD = "x" * 1000


async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    if scope["path"] == "/deaf":
        await asyncio.sleep(3600)
    while scope["path"] == "/chatty":
        await send({"type": "websocket.send", "text": WORD})
        await asyncio.sleep(0)
    while (message := await receive())["type"] == "websocket.receive":
        await send({"type": "websocket.send", "text": str(len(message["text"]))})
        if scope["path"] == "/deaf-later":
            await asyncio.sleep(3600)
    Path(os.environ["PROGRESS_FILE"]).write_text("disconnected")
