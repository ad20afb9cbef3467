"""Fill a new tenant with what the old one had, table by table, those first that others name."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from django.db import DataError, IntegrityError, transaction

from bots.models import BotProfile, UsageEvent
from bots.versions.keeping import keeping
from conversations.models import Chat, Message
from knowledge.models import Source, SourceType
from knowledge.sources.changing import build_source
from knowledge.sources.homes import Home, private_dataset
from knowledge.sources.storage import count_bytes, store_file
from knowledge.tasks import queue_ingestion
from minirag.ai.credentials import Credentials
from minirag.lib.errors import ProductError
from minirag.lib.security.signing import check_secret
from minirag.predecessor.converting import (
    LeftOut,
    OldKey,
    at,
    convert_bot,
    convert_chat,
    convert_message,
    convert_source,
    convert_token,
    convert_usage,
    convert_user,
    name_file,
    open_bot_key,
    read_events,
)
from minirag.predecessor.reading import TABLES, OldDatabase, OldDatabaseRefused, Row
from minirag.predecessor.report import Moved
from minirag.predecessor.writing import in_batches, keep_times, write_rows
from tenants.models import ApiToken, BotAddress, Role, Tenant, User
from tenants.plans.holding import require_feature
from tenants.plans.models import Feature
from webhooks.models import Webhook
from webhooks.subscriptions import vet_address, vet_events

Of = TypeVar("Of")


class Filling:
    """One tenant's filling, in its context and transaction; its steps share whom the ids of before lead to."""

    def __init__(
        self, old: OldDatabase, tenant: Tenant, key: OldKey, member_role: str, moved: Moved
    ) -> None:
        self.old, self.tenant, self.key, self.member_role, self.moved = (
            old,
            tenant,
            key,
            member_role,
            moved,
        )
        self.users: dict[UUID, User] = {}
        self.doubles: dict[UUID, UUID] = {}
        self.bots: dict[UUID, BotProfile] = {}

    def fill(self) -> None:
        for table in TABLES:
            if table != "tenants":
                self.moved.there[table] = self.old.count(table, self.tenant.pk)
        self._take_users()
        self._take_tokens()
        self._take_bots()
        self._take_sources()
        self._take_webhooks()
        self._take_chats()
        self._take_usage()

    def _rows(self, table: str) -> Iterator[Row]:
        return self.old.rows(table, self.tenant.pk)

    def _try(self, table: str, row: Row, convert: Callable[[], Of]) -> Of | None:
        """What becomes of a row, or None where it is left out and named."""
        try:
            return convert()
        except LeftOut as error:
            self.moved.leave_out(table, row["id"], error.reason)
        except OldDatabaseRefused:  # not this row's fault, and no row's after it
            raise
        except ProductError as error:
            self.moved.leave_out(table, row["id"], error.detail)
        return None

    def _try_saving(self, table: str, row: Row, save: Callable[[], Of]) -> Of | None:
        """The same for what is written at once; nothing of it stays where it is left out."""

        def saved() -> Of:
            try:
                with transaction.atomic():
                    return save()
            except (DataError, IntegrityError, ValueError):
                # JSON can hold what PostgreSQL cannot: NUL, half a character, NaN.
                raise LeftOut(
                    "it holds what cannot be kept, or another row here has its id"
                ) from None

        return self._try(table, row, saved)

    def _take_users(self) -> None:
        taken: dict[str, User] = {}
        pairs = []
        # Who is active comes first, then who was there first: of two with one address that one stays.
        rows = sorted(
            self._rows("users"), key=lambda row: (not row["is_active"], row["created_at"])
        )
        for row in rows:
            user = self._try(
                "users", row, partial(convert_user, row, self.tenant.pk, self.member_role)
            )
            if user is None:
                continue
            if (first := taken.get(user.email)) is not None:
                self.doubles[row["id"]] = first.pk
                self.moved.leave_out(
                    "users",
                    row["id"],
                    f"{first.pk} has the same e-mail address; its chats are theirs",
                )
                continue
            taken[user.email] = user
            pairs.append((row, user))
            if not user.has_usable_password():
                self.moved.notes.append(
                    f"{user.email} has to ask for a new password: the old one cannot be kept"
                )
        self.users = {user.pk: user for user in write_rows(User, "users", pairs, self.moved)}
        if not any(user.role == Role.OWNER and user.is_active for user in self.users.values()):
            self.moved.notes.append(
                "nobody here is an active owner: make one in the platform's admin"
            )

    def _take_tokens(self) -> None:
        for batch in in_batches(self._rows("api_tokens")):
            pairs = []
            for row in batch:
                user = self.users.get(row["user_id"])
                if user is None:
                    self.moved.leave_out("api_tokens", row["id"], "its user does not come along")
                elif token := self._try("api_tokens", row, partial(convert_token, row, user)):
                    pairs.append((row, token))
            write_rows(ApiToken, "api_tokens", pairs, self.moved)

    def _take_bots(self) -> None:
        for row in self._rows("bot_profiles"):
            self.moved.there["provider keys"] += bool(row["encrypted_credentials"])
            bot = self._try_saving("bot_profiles", row, partial(self._make_bot, row))
            if bot is None:
                continue
            self.bots[bot.pk] = bot
            self.moved.came["bot_profiles"] += 1
            keep_times(BotProfile, [row])

    def _make_bot(self, row: Row) -> BotProfile:
        bot = BotProfile(**convert_bot(row))
        if BotAddress.objects.filter(pk=bot.pk).exists():
            raise LeftOut("another tenant here has a bot with its id")
        api_key = self._try("provider keys", row, partial(open_bot_key, row, self.key))
        if api_key and self._try("provider keys", row, partial(self._keep_key, bot, api_key)):
            self.moved.came["provider keys"] += 1
        with keeping(bot, is_new=True):
            bot.save(force_insert=True)
        return bot

    @staticmethod
    def _keep_key(bot: BotProfile, api_key: str) -> bool:
        bot.set_credentials(Credentials(api_key=api_key))
        return True

    def _take_sources(self) -> None:
        """Those without a parent first, since a parent has to be there; of none is the text kept in memory."""
        parents = self.old.parents(self.tenant.pk)
        made: dict[UUID, Source] = {}
        sizes: Counter[UUID | None] = Counter()
        for is_child in (False, True):
            for row in self._rows("sources"):
                if (row["parent_id"] is not None) is is_child:
                    self._take_source(row, parents, made, sizes)
        for bot_profile_id, size in sizes.items():
            count_bytes(bot_profile_id, size)

    def _take_source(
        self, row: Row, parents: set[UUID], made: dict[UUID, Source], sizes: Counter[UUID | None]
    ) -> None:
        source = self._try_saving("sources", row, partial(self._make_source, row, made))
        if source is None:
            return
        made[source.pk], source.content = source, None
        self.moved.came["sources"] += 1
        if source.is_active:
            sizes[source.bot_profile_id] += source.stored_bytes
            if source.pk not in parents:
                queue_ingestion(source)
        keep_times(Source, [row])

    def _make_source(self, row: Row, made: dict[UUID, Source]) -> Source:
        bot = self.bots.get(row["bot_profile_id"])
        if bot is None:
            raise LeftOut("its bot does not come along")
        parent = made.get(row["parent_id"]) if row["parent_id"] else None
        if parent is not None and (parent.parent_id or parent.bot_profile_id != bot.pk):
            parent = None
        fields = convert_source(row, self.key)
        source = build_source(Home(private_dataset(bot), bot), parent, fields)
        if not row["is_active"]:
            source.is_active, source.deleted_at = False, at(row["updated_at"])
        text = (row["content"] or "") if source.source_type == SourceType.UPLOAD else ""
        if source.source_type == SourceType.URL:
            text = self.old.last_text(self.tenant.pk, source.pk)
        data = text.encode()
        if source.source_type == SourceType.UPLOAD:
            source.stored_bytes = len(data)
        source.save(force_insert=True)
        if data:
            self._keep_text(source, data)
        return source

    def _keep_text(self, source: Source, data: bytes) -> None:
        if source.source_type == SourceType.URL:
            name, kind = str(source.config.get("url", ""))[:255], "txt"
            self.moved.came["documents"] += 1
        else:
            name, kind = name_file(str(source.config.get("original_filename") or source.name))
        store_file(source, name=name, kind=kind, data=data, sha256=hashlib.sha256(data).hexdigest())

    def _take_webhooks(self) -> None:
        pairs = []
        for row in self._rows("webhooks"):
            if webhook := self._try("webhooks", row, partial(self._make_webhook, row)):
                pairs.append((row, webhook))
        write_rows(Webhook, "webhooks", pairs, self.moved)

    @staticmethod
    def _make_webhook(row: Row) -> Webhook:
        require_feature(Feature.WEBHOOKS)
        webhook = Webhook(
            id=row["id"], url=vet_address(row["url"] or ""), events=vet_events(read_events(row)),
            description=row["description"] or "", is_active=bool(row["is_active"]),
        )  # fmt: skip
        try:
            check_secret(row["secret"] or "")
        except ValueError as error:
            raise LeftOut(f"its secret cannot be used: {error}") from None
        webhook.set_secret(row["secret"])
        return webhook

    def _take_chats(self) -> None:
        for batch in in_batches(self._rows("chats")):
            kept = [row for row in batch if row["bot_profile_id"] in self.bots]
            for row in batch:
                if row["bot_profile_id"] not in self.bots:
                    self.moved.leave_out("chats", row["id"], "its bot does not come along")
            said = self._convert_messages(kept)
            pairs = [(row, self._make_chat(row, said.get(row["id"], []))) for row in kept]
            written = {chat.pk for chat in write_rows(Chat, "chats", pairs, self.moved)}
            messages = [
                pair for chat_id, of_chat in said.items() if chat_id in written for pair in of_chat
            ]
            for some in in_batches(messages):
                write_rows(Message, "messages", some, self.moved)

    def _convert_messages(self, chats: list[Row]) -> dict[UUID, list[tuple[Row, Message]]]:
        said: dict[UUID, list[tuple[Row, Message]]] = {}
        for found in self.old.messages(self.tenant.pk, [chat["id"] for chat in chats]):
            row, of_chat = found, said.setdefault(found["chat_id"], [])
            before = of_chat[-1][1] if of_chat else None
            if (
                of_chat and row["created_at"] <= of_chat[-1][0]["created_at"]
            ):  # or their order would be lost
                row = {
                    **row,
                    "created_at": of_chat[-1][0]["created_at"] + timedelta(microseconds=1),
                }
            message = self._try("messages", row, partial(convert_message, row, before))
            if message is not None:
                of_chat.append((row, message))
        return said

    def _make_chat(self, row: Row, said: list[tuple[Row, Message]]) -> Chat:
        user_id = self.doubles.get(row["user_id"], row["user_id"])
        asked_by = user_id if user_id in self.users else None  # and of another tenant nobody
        return convert_chat(row, asked_by, [message for _, message in said])

    def _take_usage(self) -> None:
        for batch in in_batches(self._rows("usage_events")):
            pairs: list[tuple[Row, Any]] = []
            for row in batch:
                if row["bot_profile_id"] not in self.bots:
                    self.moved.leave_out("usage_events", row["id"], "its bot does not come along")
                elif event := self._try("usage_events", row, partial(convert_usage, row)):
                    pairs.append((row, event))
            write_rows(UsageEvent, "usage_events", pairs, self.moved)
