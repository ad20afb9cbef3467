"""A database of MiniRAG 1.0, as shared/contract/minirag-v1.md (9) describes it, and rows as its API wrote them."""

from __future__ import annotations

import hashlib
import json
import uuid
from datetime import datetime
from typing import Any

import psycopg
from cryptography.fernet import Fernet
from django.contrib.auth.hashers import Argon2PasswordHasher
from django.db import connection
from psycopg.sql import SQL, Identifier

KEY = Fernet.generate_key().decode()
PASSWORD = "correct horse battery"
THEN = datetime(2026, 3, 1, 9, 30)
_TYPES = """
CREATE TYPE userrole AS ENUM ('OWNER', 'ADMIN', 'MEMBER');
CREATE TYPE sourcetype AS ENUM ('TEXT', 'UPLOAD', 'URL', 'NYXCORE');
CREATE TYPE sourcestatus AS ENUM ('PENDING', 'PROCESSING', 'READY', 'ERROR');
CREATE TYPE messagerole AS ENUM ('SYSTEM', 'USER', 'ASSISTANT');
"""
_TENANT = "tenant_id uuid NOT NULL REFERENCES tenants (id)"
_BOT = "bot_profile_id uuid NOT NULL REFERENCES bot_profiles (id)"
_CHAT = "chat_id uuid NOT NULL REFERENCES chats (id)"
_SOURCE = "source_id uuid NOT NULL REFERENCES sources (id)"
_USER = "user_id uuid NOT NULL REFERENCES users (id)"
_TOKENS = "prompt_tokens integer NOT NULL, completion_tokens integer NOT NULL"
TABLES = {
    "tenants": "name varchar(255) NOT NULL, slug varchar(100) NOT NULL UNIQUE, is_active boolean NOT NULL, "
    "plan varchar(50) NOT NULL",
    "users": f"{_TENANT}, email varchar(320) NOT NULL, password_hash varchar NOT NULL, "
    "display_name varchar(255) NOT NULL, role userrole NOT NULL, is_active boolean NOT NULL",
    "api_tokens": f"{_TENANT}, {_USER}, name varchar(255) NOT NULL, token_hash varchar NOT NULL UNIQUE, "
    "token_prefix varchar(12) NOT NULL, is_active boolean NOT NULL, expires_at timestamp, last_used_at timestamp",
    "bot_profiles": f"{_TENANT}, name varchar(255) NOT NULL, description varchar(1000) NOT NULL, "
    "model varchar(100) NOT NULL, system_prompt varchar NOT NULL, temperature float NOT NULL, "
    "max_tokens integer NOT NULL, embedding_model varchar(100), encrypted_credentials varchar, "
    "is_active boolean NOT NULL",
    "sources": f"{_TENANT}, {_BOT}, parent_id uuid REFERENCES sources (id), name varchar(255) NOT NULL, "
    "description varchar(1000) NOT NULL, source_type sourcetype NOT NULL, status sourcestatus NOT NULL, "
    "config text NOT NULL DEFAULT '{}', content text, document_count integer NOT NULL, "
    "chunk_count integer NOT NULL, error_message varchar(2000), is_active boolean NOT NULL, "
    "refresh_schedule varchar(20), last_refreshed_at timestamp",
    "documents": f"{_TENANT}, {_SOURCE}, title varchar(500) NOT NULL, raw_content text NOT NULL DEFAULT '', "
    "metadata_json text NOT NULL DEFAULT '{}', char_count integer NOT NULL, chunk_count integer NOT NULL",
    "chunks": f"{_TENANT}, document_id uuid NOT NULL REFERENCES documents (id), {_SOURCE}, "
    "chunk_index integer NOT NULL, content text NOT NULL, char_count integer NOT NULL, "
    "qdrant_point_id varchar(100) NOT NULL, metadata_json text NOT NULL DEFAULT '{}'",
    "chats": f"{_TENANT}, {_BOT}, {_USER}, title varchar(500) NOT NULL, message_count integer NOT NULL, "
    "total_prompt_tokens integer NOT NULL, total_completion_tokens integer NOT NULL",
    "messages": f"{_TENANT}, {_CHAT}, role messagerole NOT NULL, content text NOT NULL, {_TOKENS}, "
    "context_chunks text NOT NULL DEFAULT '[]', feedback varchar(20)",
    "usage_events": f"{_TENANT}, {_CHAT}, message_id uuid NOT NULL REFERENCES messages (id), {_BOT}, "
    f"model varchar(100) NOT NULL, {_TOKENS}, total_tokens integer NOT NULL, is_stream boolean NOT NULL, "
    "time_to_first_token_ms integer, stream_duration_ms integer",
    "webhooks": f"{_TENANT}, url varchar(2048) NOT NULL, secret varchar(256) NOT NULL, events text NOT NULL, "
    "is_active boolean NOT NULL, description varchar(500) NOT NULL",
}
_USUAL: dict[str, dict[str, Any]] = {
    "tenants": {"is_active": True, "plan": "free"},
    "users": {"display_name": "", "role": "MEMBER", "is_active": True},
    "api_tokens": {"name": "default", "is_active": True},
    "bot_profiles": {
        "description": "", "model": "gpt-4o-mini", "system_prompt": "You are a helpful assistant.",
        "temperature": 0.7, "max_tokens": 1024, "is_active": True,
    },
    "sources": {
        "description": "", "source_type": "TEXT", "status": "READY", "config": "{}", "document_count": 1,
        "chunk_count": 1, "is_active": True,
    },
    "documents": {"title": "", "char_count": 1, "chunk_count": 1},
    "chunks": {"chunk_index": 0, "content": "…", "char_count": 1, "qdrant_point_id": ""},
    "chats": {"title": "", "message_count": 2, "total_prompt_tokens": 30, "total_completion_tokens": 12},
    "messages": {"prompt_tokens": 0, "completion_tokens": 0},
    "usage_events": {"prompt_tokens": 30, "completion_tokens": 12, "total_tokens": 42, "is_stream": True},
    "webhooks": {"secret": "s" * 43, "events": '["chat.message"]', "is_active": True, "description": ""},
}  # fmt: skip


def seal(value: Any, key: str = KEY) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return Fernet(key.encode()).encrypt(text.encode()).decode()


class _QuickHasher(Argon2PasswordHasher):
    time_cost, memory_cost, parallelism = 1, 64, 1


def hash_password(password: str) -> str:
    """As passlib writes it, without the word that Django puts before it."""
    return _QuickHasher().encode(password, "saltsaltsalt").removeprefix("argon2")


class Predecessor:
    """An own database on the server of the tests; what is put into it is committed."""

    def __init__(self) -> None:
        self.name = f"minirag1_{uuid.uuid4().hex[:12]}"
        self._maintenance(SQL("CREATE DATABASE {}").format(Identifier(self.name)))
        self.connection = psycopg.connect(self.url, autocommit=True)

    @property
    def url(self) -> str:
        return self._address(self.name)

    def make_tables(self) -> None:
        self.connection.execute(_TYPES)
        own = "id uuid PRIMARY KEY, created_at timestamp NOT NULL, updated_at timestamp NOT NULL"
        for name, columns in TABLES.items():
            self.connection.execute(f"CREATE TABLE {name} ({own}, {columns})")

    def put(self, table: str, **fields: Any) -> uuid.UUID:
        row = {
            "id": uuid.uuid4(), "created_at": THEN, "updated_at": THEN, **_USUAL[table], **fields,
        }  # fmt: skip
        names = SQL(", ").join(Identifier(each) for each in row)
        places = SQL(", ").join(SQL("%s") for _ in row)
        self.connection.execute(
            SQL("INSERT INTO {} ({}) VALUES ({})").format(Identifier(table), names, places),
            list(row.values()),
        )
        return row["id"]

    def drop(self) -> None:
        self.connection.close()
        self._maintenance(SQL("DROP DATABASE {} WITH (FORCE)").format(Identifier(self.name)))

    def _maintenance(self, statement: Any) -> None:
        with psycopg.connect(self._address("postgres"), autocommit=True) as server:
            server.execute(statement)

    @staticmethod
    def _address(name: str) -> str:
        its = connection.settings_dict
        return f"postgresql://{its['USER']}:{its['PASSWORD']}@/{name}?host={its['HOST']}&port={its['PORT']}"


def fill_tenant(old: Predecessor, slug: str, token: str) -> dict[str, uuid.UUID]:
    """A tenant with one of each, as 1.0 left it; returns the ids."""
    ids = {"tenant": old.put("tenants", name=slug.title(), slug=slug)}
    mine = {"tenant_id": ids["tenant"]}
    ids["owner"] = old.put(
        "users", **mine, email=f"rosa@{slug}.example.com", role="OWNER", display_name="Rosa",
        password_hash=hash_password(PASSWORD),
    )  # fmt: skip
    ids["token"] = old.put(
        "api_tokens", **mine, user_id=ids["owner"], token_prefix=token[:8],
        token_hash=hashlib.sha256(token.encode()).hexdigest(),
    )  # fmt: skip
    ids["bot"] = old.put(
        "bot_profiles", **mine, name=f"{slug} bot", model="minirag/extractive",
        encrypted_credentials=seal({"api_key": f"sk-{slug}"}),
    )  # fmt: skip
    mine_and_bot = {**mine, "bot_profile_id": ids["bot"]}
    ids["text"] = old.put(
        "sources",
        **mine_and_bot,
        name="Hours",
        content=f"The shop of {slug} is open from 9 to 17 on weekdays.",
    )
    ids["file"] = old.put(
        "sources", **mine_and_bot, name="Handbook", source_type="UPLOAD", content="A puncture costs 12 euros.",
        config='{"original_filename": "handbook.pdf", "file_size": 90000}',
    )  # fmt: skip
    ids["parent"] = old.put("sources", **mine_and_bot, name="Pages", source_type="URL")
    ids["page"] = old.put(
        "sources", **mine_and_bot, name="Page", source_type="URL", parent_id=ids["parent"],
        config='{"url": "https://gone.example.com/page"}', refresh_schedule="daily",
    )  # fmt: skip
    for content in ("Older words of the page.", "Electric bikes are lent for 30 euros a day."):
        document = old.put("documents", **mine, source_id=ids["page"], raw_content=content, created_at=(
            THEN if content.startswith("Older") else THEN.replace(hour=10)))  # fmt: skip
        old.put("chunks", **mine, source_id=ids["page"], document_id=document)
    ids["deleted"] = old.put(
        "sources", **mine_and_bot, name="Deleted", content="Nobody may read this.", is_active=False
    )
    ids["nyx"] = old.put(
        "sources", **mine_and_bot, name="Axiom", source_type="NYXCORE",
        config=json.dumps({"base_url": "https://nyx.example.com", "encrypted_token": seal(f"nyx_ax_{slug}")}),
    )  # fmt: skip
    ids["webhook"] = old.put("webhooks", **mine, url=f"https://hooks.{slug}.example.com/in")
    ids["chat"] = old.put(
        "chats", **mine_and_bot, user_id=ids["owner"], title="When is the shop open?"
    )
    ids["question"] = old.put(
        "messages", **mine, chat_id=ids["chat"], role="USER", content="When is the shop open?"
    )
    ids["answer"] = old.put(
        "messages", **mine, chat_id=ids["chat"], role="ASSISTANT", content="From 9 to 17.", feedback="positive",
        prompt_tokens=30, completion_tokens=12,
    )  # fmt: skip
    ids["usage"] = old.put(
        "usage_events", **mine_and_bot, chat_id=ids["chat"], message_id=ids["answer"], model="gpt-4o-mini",
        time_to_first_token_ms=400, stream_duration_ms=2000,
    )  # fmt: skip
    return ids
