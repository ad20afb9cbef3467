"""A server that speaks the widget's protocol with scripted answers, for tests of widget.js alone.

The first word of a question chooses the script, see tests/fakes/widget_scripts.py. `hold` waits in the middle of its
answer until the test calls `release()`. `sessions`, `frames` and `feedback` show what the widget sent. A chat is whose
identity began it, and that of `slow_identity` waits for its session until `release()`.
"""

from __future__ import annotations

import asyncio
import json
import mimetypes
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from aiohttp import WSMsgType, web

from tests.fakes.widget_scripts import SCRIPTS
from tests.fakes.widget_talk import Script, Talk

STATIC = Path(__file__).resolve().parents[2] / "static"
CSP = "default-src 'none'; script-src {}; style-src 'self'; connect-src 'self' ws:; img-src data:"
BOT_ID = "7d2f3c1e-52a4-4f0b-9a51-3f2c8a1b6d00"


class _Events:
    """A socket's sending half, as the events of an answer."""

    def __init__(self, response: web.StreamResponse) -> None:
        self.response = response

    async def send_json(self, event: dict[str, Any]) -> None:
        await self.response.write(f"data: {json.dumps(event)}\n\n".encode())

    async def close(self, **_: Any) -> None:
        await self.response.write_eof()


class FakeWidgetServer:
    """Runs on a loopback port in a thread of its own. Pages are added with `add_page`."""

    def __init__(self) -> None:
        self.sessions: list[dict[str, Any]] = []
        self.frames: list[dict[str, Any]] = []
        self.look: dict[str, Any] = {}
        self.scripts = "'self'"  # which of them a page runs
        self.policy = ""  # what it demands besides
        self.feedback: list[dict[str, Any]] = []
        self.chats: dict[str, list[dict[str, Any]]] = {}
        self.owners: dict[str, str] = {}
        self.pages: dict[str, str] = {}
        self.expired: set[str] = set()
        self.refuses_feedback: list[str] = []  # codes, one by one
        self.session_failure: tuple[int, dict[str, Any]] | None = None
        self.slow_identity = ""
        self.failures_left = 0
        self.broken: dict[str, Script] = {}
        self.chat_of: dict[str, str | None] = {}
        self.swallowed: list[str] = []
        self.blocks_sockets = (
            ""  # as a proxy may: "refused" or "silent"; "late" ones come at `release()`
        )
        self.fetched: list[dict[str, Any] | None] = []
        self.fetching: dict[str, Talk] = {}
        self.sockets: set[web.WebSocketResponse] = set()
        self._loop = asyncio.new_event_loop()
        self._gate = asyncio.Event()
        self._stopped = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def start(self) -> None:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(10)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stopped.set)
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(60)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def add_page(self, path: str, html: str) -> str:
        self.pages[path] = html
        return self.url + path

    def release(self) -> None:
        self._loop.call_soon_threadsafe(self._gate.set)

    def cut(self) -> None:
        """Close every socket that is open."""
        sockets, self.sockets = self.sockets, set()
        for socket in sockets:
            asyncio.run_coroutine_threadsafe(socket.close(), self._loop).result(60)

    async def _listen(self) -> None:
        app = web.Application()
        app.router.add_post("/v1/widget/sessions", self._make_session)
        app.router.add_get("/v1/widget/bots/{bot_id}/appearance", self._show_look)
        app.router.add_post("/v1/widget/frames", self._fetch)
        app.router.add_get("/ws/chat/", self._chat)
        app.router.add_static("/static/", STATIC)
        app.router.add_get("/{page:.*}", self._page)
        self._runner = web.AppRunner(app, shutdown_timeout=0.2, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def _show_look(self, request: web.Request) -> web.Response:
        return web.json_response(self.look)

    async def _page(self, request: web.Request) -> web.Response:
        if request.path not in self.pages:
            return web.Response(status=404)
        headers = {"Content-Security-Policy": CSP.format(self.scripts) + self.policy}
        kind = mimetypes.guess_type(request.path)[0] or "text/html"
        return web.Response(text=self.pages[request.path], content_type=kind, headers=headers)

    async def _make_session(self, request: web.Request) -> web.Response:
        asked = await request.json()
        self.sessions.append(asked | {"origin": request.headers.get("Origin")})
        if self.session_failure:
            status, body = self.session_failure
            return web.json_response(body, status=status)
        number, identity = len(self.sessions), asked.get("identity", "")
        if identity and identity == self.slow_identity:
            await self._gate.wait()
        if self.owners.get(asked["chat_id"], identity) != identity:
            asked["chat_id"] = self.sessions[number - 1]["chat_id"] = None
        chat_id = asked["chat_id"] if asked["chat_id"] in self.chats else None
        bot = {
            "name": "Breva Assistant",
            "greeting": "",
            "starter_questions": ["plain How do I calibrate?", "refuse"],
        }
        session = {
            "session_token": f"token-{number}",
            "expires_at": "2026-11-21T12:00:00",
            "bot": bot,
            "chat_id": chat_id,
            "messages": self.chats.get(chat_id or "", []),
        }
        return web.json_response(session, status=201)

    async def _fetch(self, request: web.Request) -> web.StreamResponse:
        """One frame over HTTP, as the product takes them."""
        asked = await request.json()
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        talk = Talk(self, _Events(response), SCRIPTS)  # type: ignore[arg-type]
        self.fetched.append(asked["frame"])
        await talk.take({"type": "authenticate", **asked})
        talk.chat_id = asked["chat_id"]
        if asked["frame"]:
            await self._take_frame(talk, asked["frame"])
        return response

    async def _take_frame(self, talk: Talk, frame: dict[str, Any]) -> None:
        if frame["type"] == "stop":
            running = self.fetching.pop(frame["request_id"])
            await running.take({"type": "stop"})
            return
        if frame["type"] == "question":
            self.fetching[frame["request_id"]] = talk
        await talk.take(frame)
        if talk.answering:
            with suppress(asyncio.CancelledError):
                await talk.answering
            if talk.is_stopping:
                await talk.stopped.wait()

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        if self.blocks_sockets == "refused":
            return web.Response(status=403)
        if self.blocks_sockets == "late":
            await self._gate.wait()
        if self.blocks_sockets == "silent":
            await self._stopped.wait()
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        assert not request.query, "nothing may stand in the socket's URL"
        self.sockets.add(socket)
        talk = Talk(self, socket, SCRIPTS)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await talk.take(message.json())
        talk.cancel()
        return socket
