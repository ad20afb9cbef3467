"""From a row of MiniRAG 1.0 to one of ours. Pure: what cannot be kept raises LeftOut with a reason for people."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any, Final

from argon2 import extract_parameters
from argon2.exceptions import InvalidHash
from cryptography.fernet import Fernet, InvalidToken

from bots.models import UsageEvent
from conversations.models import Chat, Feedback, Message, MessageRole, Trait
from knowledge.models import SourceType
from knowledge.sources.schedule import RefreshSchedule
from minirag.ai.pricing import cost_of
from minirag.predecessor.reading import Row
from tenants.models import ApiToken, Role, User, normalise_email

_HASH: Final = re.compile(r"[0-9a-f]{64}")
_MOST_HASH_MEMORY_KIB: Final = 1024 * 1024
_SAME_AS_FILE: Final = {".txt": "txt", ".md": "md", ".csv": "csv"}
"""Whose text 1.0 kept as it was in the file; of others it kept what it had read of them."""
_LONGEST_EMAIL: Final = 320


class LeftOut(Exception):
    """A row that does not come along."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class OldKey:
    """1.0's ENCRYPTION_KEY; without one nothing that is encrypted comes along."""

    def __init__(self, key: str | None) -> None:
        """Raises ValueError for what is no such key."""
        self._fernet = Fernet(key.strip()) if key else None
        self.is_given = bool(key)

    def opens(self, sealed: str) -> bool:
        try:
            self.open(sealed)
        except LeftOut:
            return False
        return True

    def open(self, sealed: str) -> str:
        if self._fernet is None:
            raise LeftOut("no key of the old installation was given")
        try:
            return self._fernet.decrypt(sealed.encode()).decode()
        except (InvalidToken, UnicodeError):
            raise LeftOut("it does not open with the old installation's key") from None


def at(moment: datetime | None) -> datetime | None:
    """1.0's times are UTC and do not say so."""
    if moment is None or moment.tzinfo is not None:
        return moment
    return moment.replace(tzinfo=UTC)


def convert_user(row: Row, tenant_id: Any, member_role: str) -> User:
    email = normalise_email(row["email"] or "")
    if not email:
        raise LeftOut("it has no e-mail address")
    if len(email) > _LONGEST_EMAIL:
        raise LeftOut("its e-mail address is too long")
    role = str(row["role"]).lower()
    if role not in (Role.OWNER, Role.ADMIN, Role.MEMBER):
        raise LeftOut(f"its role {role[:20]!r} is not known")
    user = User(
        id=row["id"], tenant_id=tenant_id, email=email, display_name=row["display_name"] or "",
        role=member_role if role == Role.MEMBER else role, is_active=bool(row["is_active"]),
    )  # fmt: skip
    hashed = row["password_hash"] or ""
    if _is_argon2(hashed):
        user.password = f"argon2{hashed}"  # as Django writes what passlib writes
    else:
        user.set_unusable_password()
    return user


def convert_token(row: Row, user: User) -> ApiToken:
    if not _HASH.fullmatch(row["token_hash"] or ""):
        raise LeftOut("what is kept of it is no SHA-256, so nobody could use it")
    return ApiToken(
        id=row["id"], tenant_id=row["tenant_id"], user=user, name=row["name"] or "", token_hash=row["token_hash"],
        token_prefix=(row["token_prefix"] or "")[:8], is_active=bool(row["is_active"]),
        expires_at=at(row["expires_at"]), last_used_at=at(row["last_used_at"]),
    )  # fmt: skip


def convert_bot(row: Row) -> dict[str, Any]:
    """A bot's fields, without its key."""
    temperature, most = row["temperature"], row["max_tokens"]
    if temperature is None or not math.isfinite(temperature) or not 0 <= temperature <= 2:
        raise LeftOut(f"its temperature {temperature} is not from 0 to 2")
    if most is None or not 1 <= most <= 128_000:
        raise LeftOut(f"its max_tokens {most} is not from 1 to 128000")
    if not (row["model"] or "").strip():
        raise LeftOut("it names no model")
    return {
        "id": row["id"], "name": row["name"] or "", "description": row["description"] or "",
        "model": row["model"].strip(), "embedding_model": (row["embedding_model"] or "").strip() or None,
        "system_prompt": row["system_prompt"] or "", "temperature": temperature, "max_tokens": most,
        "is_active": bool(row["is_active"]),
    }  # fmt: skip


def open_bot_key(row: Row, key: OldKey) -> str:
    """The provider's key that a bot had of its own, "" for none."""
    if not row["encrypted_credentials"]:
        return ""
    found = _as_object(key.open(row["encrypted_credentials"]), "its credentials are")
    api_key = found.get("api_key") or ""
    if not isinstance(api_key, str) or not api_key.strip():
        raise LeftOut("its credentials hold no api_key")
    if not (api_key.strip().isascii() and api_key.strip().isprintable()):
        raise LeftOut("its api_key has characters that no provider's key has")
    return api_key.strip()


def convert_source(row: Row, key: OldKey) -> dict[str, Any]:
    """A source's fields as a client sends them."""
    kind = str(row["source_type"]).lower()
    if kind not in (SourceType.TEXT, SourceType.UPLOAD, SourceType.URL, SourceType.NYXCORE):
        raise LeftOut(f"its type {kind[:20]!r} is not known")
    config = _as_object(row["config"] or "{}", "its config is")
    if kind == SourceType.NYXCORE:
        config = _open_nyxcore(config, key)
    schedule = row["refresh_schedule"] or None
    return {
        "id": row["id"], "name": row["name"] or "", "description": row["description"] or "", "source_type": kind,
        "config": config, "content": row["content"] if kind == SourceType.TEXT else None,
        "refresh_schedule": schedule if schedule in RefreshSchedule.values else None,
    }  # fmt: skip


def name_file(original: str) -> tuple[str, str]:
    """Under which name and as what kind a file's text is kept: of a PDF 1.0 has only that."""
    original = original or "file"
    kind = _SAME_AS_FILE.get(PurePosixPath(original.lower()).suffix)
    return (original[-255:], kind) if kind else (f"{original[-251:]}.txt", "txt")


def convert_chat(row: Row, user_id: Any, messages: Iterable[Message]) -> Chat:
    opinions = {message.feedback for message in messages if message.feedback}
    traits = {Feedback.POSITIVE: Trait.LIKED, Feedback.NEGATIVE: Trait.DISLIKED}
    return Chat(
        id=row["id"], bot_profile_id=row["bot_profile_id"], user_id=user_id, title=row["title"] or "",
        message_count=_count(row, "message_count"), total_prompt_tokens=_count(row, "total_prompt_tokens"),
        total_completion_tokens=_count(row, "total_completion_tokens"),
        traits=sorted(traits[Feedback(each)].value for each in opinions),
    )  # fmt: skip


def convert_message(row: Row, before: Message | None) -> Message:
    """A message; an answer knows the question right before it."""
    role = str(row["role"]).lower()
    if role not in (MessageRole.SYSTEM, MessageRole.USER, MessageRole.ASSISTANT):
        raise LeftOut(f"its role {role[:20]!r} is not known")
    is_answer = role == MessageRole.ASSISTANT
    asked = before if is_answer and before is not None and before.role == MessageRole.USER else None
    feedback = row["feedback"] if is_answer and row["feedback"] in Feedback.values else None
    return Message(
        id=row["id"], chat_id=row["chat_id"], role=role, content=row["content"] or "", feedback=feedback,
        prompt_tokens=_count(row, "prompt_tokens"), completion_tokens=_count(row, "completion_tokens"),
        question=asked,
    )  # fmt: skip


def convert_usage(row: Row) -> UsageEvent:
    if not row["model"]:
        raise LeftOut("it names no model")
    prompt, completion = _count(row, "prompt_tokens"), _count(row, "completion_tokens")
    cost: Decimal = cost_of(row["model"], prompt, completion)
    return UsageEvent(
        id=row["id"], bot_profile_id=row["bot_profile_id"], chat_id=row["chat_id"], message_id=row["message_id"],
        model=row["model"], prompt_tokens=prompt, completion_tokens=completion,
        total_tokens=_count(row, "total_tokens") or prompt + completion, cost_usd=cost,
        is_stream=bool(row["is_stream"]), time_to_first_token_ms=_time(row, "time_to_first_token_ms"),
        duration_ms=_time(row, "stream_duration_ms"),
    )  # fmt: skip


def read_events(row: Row) -> list[str]:
    """The events that a webhook is for."""
    try:
        events = json.loads(row["events"] or "[]")
    except (ValueError, RecursionError):
        raise LeftOut("its events cannot be read") from None
    if not isinstance(events, list) or not all(isinstance(each, str) for each in events):
        raise LeftOut("its events cannot be read")
    return events


def _is_argon2(hashed: str) -> bool:
    """Whether a log-in can hold a password against it: a damaged one would fail there, for whoever asks."""
    try:
        return bool(extract_parameters(hashed).memory_cost <= _MOST_HASH_MEMORY_KIB)
    except (InvalidHash, ValueError):
        return False


def _open_nyxcore(config: dict[str, Any], key: OldKey) -> dict[str, Any]:
    sealed = config.pop("encrypted_token", None)
    config.pop("has_api_token", None)
    if sealed and not config.get("api_token"):
        config["api_token"] = key.open(str(sealed))
    return config


def _as_object(text: str, what: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        raise LeftOut(f"{what} no JSON") from None
    if found is None:  # `config: null`, which made 1.0's list of sources a 500
        return {}
    if not isinstance(found, dict):
        raise LeftOut(f"{what} no JSON object")
    return found


def _count(row: Row, name: str) -> int:
    return max(0, row[name] or 0)


def _time(row: Row, name: str) -> int | None:
    value = row[name]
    return None if value is None or value < 0 else int(value)
