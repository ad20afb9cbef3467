"""What the tenants do meanwhile: they ask in three ways, teach, delete and export, and try again as good clients do."""

from __future__ import annotations

import asyncio
import json
import random
import secrets
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx
import websockets
from websockets.typing import Origin

from bench.chaos.ledger import Asked, Taught, Troubles
from bench.chaos.scene import Member

QUESTION = "Please repeat what I say, and say it once"
AGAIN_SECONDS, TRIES = 0.5, 240
_RETRYABLE = (408, 425, 429, 500, 502, 503, 504)


class Unanswered(Exception):
    """A call that got no good answer however often it was made."""


class Visitor:
    """One thread of load, on any of the tenants by turns."""

    def __init__(
        self, members: list[Member], troubles: Troubles, over: threading.Event, seed: int
    ) -> None:
        self._members, self._troubles, self._over = members, troubles, over
        self._dice = random.Random(seed)

    def run(self) -> None:
        ways: list[Callable[[Member], None]] = [
            self.ask, self.ask, self.stream, self.stream, self.talk, self.teach, self.teach, self.delete, self.export,
        ]  # fmt: skip
        while not self._over.is_set():
            self._troubles.note_call()
            try:
                self._dice.choice(ways)(self._dice.choice(self._members))
            except (Unanswered, httpx.HTTPError, websockets.WebSocketException, OSError) as error:
                self._troubles.note(type(error).__name__)

    # --- questions
    # -----------------------------------------------------------------------------------------------

    def ask(self, member: Member) -> None:
        """In JSON, with a key by which it may be sent again."""
        asked = self._begin(member)
        answer = self._post(
            member, "/v1/chat", {"bot_profile_id": member.bot_id, "message": asked.text}
        )
        if answer is not None:
            self._hear(member, asked, answer.text, answer.json()["message"]["content"])

    def stream(self, member: Member) -> None:
        """As Server-Sent Events; a stream that breaks is read on from another process."""
        asked, turn_id, text = self._begin(member), "", ""
        body = {"bot_profile_id": member.bot_id, "message": asked.text, "stream": True}
        try:
            with member.account.client.stream("POST", "/v1/chat", json=body) as response:
                turn_id = response.headers.get("X-Turn-ID", "")
                asked.is_accepted = bool(turn_id)
                for piece in response.iter_text():
                    text += piece
        except httpx.HTTPError as error:
            self._troubles.note(f"stream: {type(error).__name__}")
        if turn_id and "event: done" not in text and "event: error" not in text:
            text = self._read_again(member, turn_id)
        self._hear(member, asked, text, _join(text) if "event: done" in text else None)

    def _read_again(self, member: Member, turn_id: str) -> str:
        for _ in range(TRIES):
            try:
                told = member.account.client.get(f"/v1/turns/{turn_id}/events", timeout=60)
            except httpx.HTTPError as error:
                self._troubles.note(f"reading on: {type(error).__name__}")
            else:
                if told.status_code not in _RETRYABLE:
                    return told.text
                self._troubles.note(f"reading on: {told.status_code}")
            time.sleep(AGAIN_SECONDS)
        return ""

    def talk(self, member: Member) -> None:
        """Over a widget's socket; one that breaks is opened again, and the question sent under its own id."""
        session = self._post(
            member, "/v1/widget/sessions",
            {"bot_profile_id": member.bot_id, "visitor_id": secrets.token_hex(12)},
            {"Origin": str(member.account.client.base_url)},
        )  # fmt: skip
        if session is not None:
            asked = self._begin(member)
            asyncio.run(self._talk(member, asked, session.json()["session_token"]))

    async def _talk(self, member: Member, asked: Asked, token: str) -> None:
        base = str(member.account.client.base_url).rstrip("/")
        address, name = base.replace("http", "ws", 1) + "/ws/chat/", secrets.token_hex(8)
        for _ in range(TRIES):
            try:
                async with (
                    asyncio.timeout(90),
                    websockets.connect(address, origin=Origin(base)) as connection,
                ):
                    await connection.send(
                        json.dumps({"type": "authenticate", "session_token": token})
                    )
                    authenticated = json.loads(await connection.recv())
                    if authenticated["type"] == "authenticated":
                        await connection.send(json.dumps(
                            {"type": "question", "message": asked.text, "request_id": name}
                        ))  # fmt: skip
                        if await self._listen(member, asked, connection):
                            return
                    else:
                        self._troubles.note(f"socket: {authenticated.get('code')}")
            except (OSError, TimeoutError, websockets.WebSocketException) as error:
                self._troubles.note(f"socket: {type(error).__name__}")
            await asyncio.sleep(AGAIN_SECONDS)

    async def _listen(self, member: Member, asked: Asked, connection: Any) -> bool:
        """Whether the question has come to an end."""
        text = ""
        while True:
            frame = json.loads(await connection.recv())
            text += frame.get("content", "") if frame["type"] == "delta" else ""
            if frame["type"] in ("sources", "delta"):
                asked.is_accepted = True
            if frame["type"] == "done":
                self._hear(member, asked, json.dumps(frame), text)
                return True
            if frame["type"] == "error":
                self._troubles.note(f"socket: {frame.get('code')}")
                return not frame.get("retryable") or frame.get("code") == "interrupted"

    def _begin(self, member: Member) -> Asked:
        asked = Asked(f"{QUESTION}: {member.ledger.mark} {secrets.token_hex(6)}")
        with member.ledger.lock:
            member.ledger.asked.append(asked)
        return asked

    def _hear(self, member: Member, asked: Asked, text: str, answer: str | None) -> None:
        asked.answer, asked.is_accepted = answer, asked.is_accepted or answer is not None
        member.ledger.look_at("an answer", text)

    # --- knowledge and files
    # -----------------------------------------------------------------------------------------------

    def teach(self, member: Member) -> None:
        taught = Taught(f"Notes {secrets.token_hex(6)}")
        with member.ledger.lock:
            member.ledger.taught.append(taught)
        facts = " ".join(
            f"Fact {n} of {member.ledger.mark} is {secrets.token_hex(4)}." for n in range(40)
        )
        made = self._post(
            member, "/v1/sources",
            {"bot_profile_id": member.bot_id, "name": taught.name, "source_type": "text", "content": facts},
        )  # fmt: skip
        if made is not None:
            taught.source_id = made.json()["id"]
            ordered = self._post(member, f"/v1/sources/{taught.source_id}/ingest", {})
            taught.is_ordered = ordered is not None

    def delete(self, member: Member) -> None:
        with member.ledger.lock:
            ready = [each for each in member.ledger.taught if each.is_ordered and not each.deletion]
            if not ready:
                return
            chosen = self._dice.choice(ready)
            chosen.deletion = "asked"
        for _ in range(TRIES):
            try:
                answer = member.account.client.delete(f"/v1/sources/{chosen.source_id}")
            except httpx.HTTPError as error:
                self._troubles.note(f"delete: {type(error).__name__}")
            else:
                if answer.status_code in (200, 202, 204, 404):
                    chosen.deletion = "done"
                    return
                self._troubles.note(f"delete: {answer.status_code}")
            time.sleep(AGAIN_SECONDS)

    def export(self, member: Member) -> None:
        made = self._post(member, "/v1/exports", {"export_type": "messages"})
        if made is not None:
            member.ledger.exports.append(made.json()["id"])

    def _post(
        self, member: Member, path: str, body: dict[str, Any], headers: dict[str, str] | None = None
    ) -> httpx.Response | None:
        """One POST, sent again under its key until it is answered; None where its outcome stays unknown."""
        headers = {"Idempotency-Key": secrets.token_hex(16), **(headers or {})}
        for _ in range(TRIES):
            try:
                answer = member.account.client.post(path, json=body, headers=headers)
            except httpx.HTTPError as error:
                self._troubles.note(f"{path.split('/')[2]}: {type(error).__name__}")
            else:
                if answer.is_success:
                    return answer
                code = _code_of(answer)
                self._troubles.note(f"{path.split('/')[2]}: {answer.status_code} {code}")
                if answer.status_code not in _RETRYABLE and code != "idempotency_in_progress":
                    return None
            time.sleep(AGAIN_SECONDS)
        raise Unanswered(path)


def _code_of(answer: httpx.Response) -> str:
    try:
        return str(answer.json().get("code", ""))
    except ValueError:
        return ""


def _join(text: str) -> str:
    """The words of a turn's `delta` events."""
    name, words = "", ""
    for line in text.splitlines():
        key, _, value = line.partition(": ")
        if key == "event":
            name = value
        elif key == "data" and name == "delta":
            words += json.loads(value)["content"]
    return words
