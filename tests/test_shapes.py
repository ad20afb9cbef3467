"""Query sets of one shape share their SQL, and each finds what it would find by itself: in every tenant and thread."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connections
from django.db.models import BooleanField, CharField, Count, Q
from django.db.models.sql.compiler import SQLCompiler

from bots.models import BotProfile, Scope
from conversations.models import Chat, Message
from knowledge.models import Source, SourceStatus
from knowledge.sources.finding import active_sources
from knowledge.sources.homes import private_dataset
from minirag.lib.rows import FixedColumn, fetch_shaped, shapes
from tenants.context import tenant_context
from tenants.models import User

MOMENT = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def no_shapes_known(monkeypatch):
    monkeypatch.setattr(shapes, "_shapes", {})


@pytest.fixture
def writings(monkeypatch):
    """The models whose SQL Django wrote, one by one."""
    written, write = [], SQLCompiler.as_sql

    def note(self, *args, **options):
        written.append(self.query.model)
        return write(self, *args, **options)

    monkeypatch.setattr(SQLCompiler, "as_sql", note)
    return written


@pytest.fixture
def bots(in_acme):
    """Five bots of acme, a minute apart; every other one is active."""
    BotProfile.objects.all().delete()
    made = [BotProfile.objects.create(name=f"bot {at}", is_active=at % 2 == 0) for at in range(5)]
    for at, bot in enumerate(made):
        BotProfile.objects.filter(pk=bot.pk).update(created_at=MOMENT + timedelta(minutes=at))
    return made


def names(queryset):
    return [each.name for each in fetch_shaped(queryset)]


def test_the_sql_of_a_shape_is_written_once_whatever_the_values_and_limits(bots, writings):
    def ask(name, after, low, high):
        found = BotProfile.objects.filter(Q(name=name) | Q(created_at__gt=after)).order_by("name")
        return names(found[low:high])

    assert ask("bot 0", MOMENT + timedelta(minutes=2), 0, 10) == ["bot 0", "bot 3", "bot 4"]
    assert ask("bot 1", MOMENT + timedelta(minutes=3), 0, 10) == ["bot 1", "bot 4"]
    assert ask("bot 1", MOMENT, 1, 3) == ["bot 2", "bot 3"]
    assert ask("nobody", MOMENT + timedelta(days=1), 0, None) == []
    assert writings == [BotProfile]


def test_what_decides_what_is_written_makes_another_shape(bots):
    everybody = BotProfile.objects.order_by("name")
    scope = Scope.objects.create(bot_profile=bots[1], name="Hours", allowed_topics=["hours"])
    asked = [
        everybody,
        everybody.order_by("-name"),
        everybody.reverse(),
        everybody.only("name"),
        everybody.defer("description"),
        everybody.filter(is_active=True),
        everybody.filter(is_active=False),
        everybody.exclude(is_active=True),
        everybody.filter(name="bot 1"),
        everybody.exclude(name="bot 1"),
        everybody.filter(description="bot 1"),
        everybody.filter(pk=bots[1].pk),
        everybody.filter(created_at__gt=MOMENT),
        everybody.filter(created_at__gte=MOMENT),
        everybody.filter(created_at__lt=MOMENT),
        everybody.filter(name="bot 1", is_active=True),
        everybody.filter(Q(name="bot 1") | Q(is_active=True)),
        everybody.filter(~Q(Q(name="bot 1") | Q(is_active=True))),
        everybody.filter(scopes__name="Hours"),
        everybody.filter(scopes=scope.pk),
        everybody.filter(scopes__isnull=True),
    ]
    for _ in range(2):
        for queryset in asked:
            assert fetch_shaped(queryset.all()) == list(queryset.all())
    assert fetch_shaped(everybody.only("name"))[0].get_deferred_fields() > {"description"}
    assert not fetch_shaped(everybody)[0].get_deferred_fields()


def test_rows_are_those_of_the_tenant_in_force(acme, globex):
    for party, name in ((acme, "Helper"), (globex, "Gardener")):
        with tenant_context(party.tenant):
            BotProfile.objects.all().delete()
            BotProfile.objects.create(name=name)
    for party, name in ((acme, "Helper"), (globex, "Gardener"), (acme, "Helper")):
        with tenant_context(party.tenant):
            assert names(BotProfile.objects.order_by("id")) == [name]
            assert names(BotProfile.objects.filter(name=name).order_by("id")) == [name]
            other = {"Helper": "Gardener", "Gardener": "Helper"}[name]
            assert names(BotProfile.objects.filter(name=other).order_by("id")) == []


def test_a_state_stands_in_the_code_and_a_text_comes_from_a_client(in_acme, writings):
    sources = Source.objects.order_by("id").only("name")
    for status in (SourceStatus.READY, SourceStatus.ERROR, SourceStatus.READY):
        fetch_shaped(sources.filter(status=status))
    assert len(writings) == 2
    for name in ("one", "two", "three"):
        fetch_shaped(sources.filter(name=name))
    assert len(writings) == 3


@pytest.mark.parametrize(
    "ask",
    [
        lambda rows: rows.annotate(chats_had=Count("chats")),
        lambda rows: rows.filter(name__icontains="bot"),
        lambda rows: rows.filter(name__in=["bot 1", "bot 2"]),
        lambda rows: rows.filter(pk__in=rows.filter(name="bot 1")),
        lambda rows: rows.values("name"),
        lambda rows: rows.distinct(),
        lambda rows: rows.none(),
        lambda rows: rows.extra(where=["name = %s"], params=["bot 1"]),
        lambda rows: rows.union(rows.filter(name="bot 1")),
    ],
)
def test_what_has_no_shape_is_asked_as_ever(bots, ask):
    rows = BotProfile.objects.order_by("name")
    for _ in range(2):
        assert fetch_shaped(ask(rows)) == list(ask(rows))
    assert shapes._shapes == {}


def test_a_value_that_a_column_sends_as_another_is_never_sent_as_it_is(bots, monkeypatch):
    monkeypatch.setattr(CharField, "get_db_prep_value", lambda self, value, *_, **__: value.lower())
    for name in ("BOT 1", "BOT 2"):
        assert names(BotProfile.objects.filter(name=name)) == [name.lower()]


def test_a_query_set_keeps_what_it_knows_of_related_rows(in_acme, django_assert_num_queries):
    bot = BotProfile.objects.create(name="Helper")
    chats = [Chat.objects.create(bot_profile=bot) for _ in range(2)]
    for chat in chats:
        Message.objects.create(chat=chat, role="user", content=str(chat.pk))
    for chat in chats:
        with django_assert_num_queries(1):
            [message] = fetch_shaped(chat.messages.order_by("id"))
            assert message.chat is chat
            assert message.content == str(chat.pk)
    with django_assert_num_queries(2):
        found = fetch_shaped(Chat.objects.prefetch_related("messages").order_by("id"))
        assert {chat.pk for chat in chats} == {
            message.chat_id for chat in found for message in chat.messages.all()
        }


def test_what_is_derived_from_a_query_set_asks_again(bots):
    rows = BotProfile.objects.filter(is_active=True).order_by("name")
    assert names(rows) == ["bot 0", "bot 2", "bot 4"]
    BotProfile.objects.filter(name="bot 2").update(is_active=False)
    assert [bot.name for bot in rows.all()] == ["bot 0", "bot 4"]
    assert rows.filter(name="bot 4").count() == 1


def test_many_threads_may_ask_at_once(acme, globex):
    def ask(user):
        try:
            return [fetch_shaped(User.objects.filter(pk=user.pk)) for _ in range(20)]
        finally:
            connections.close_all()

    people = [acme.owner, globex.owner] * 4
    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(ask, people)) == [[[user]] * 20 for user in people]


def test_a_list_of_sources_brings_their_datasets(in_acme, django_assert_num_queries):
    bot = BotProfile.objects.create(name="Helper")
    Source.objects.create(bot_profile=bot, dataset=private_dataset(bot), name="Hours")
    mine = active_sources().filter(parent__isnull=True, bot_profile_id=bot.pk)
    with django_assert_num_queries(1):
        [source] = fetch_shaped(mine)
        assert (source.name, source.shared_dataset_id) == ("Hours", None)


def test_a_column_by_hand_is_part_of_the_shape_and_is_read_for_each_row(bots, writings):
    def ask(sql):
        column = FixedColumn(sql, BooleanField())
        found = fetch_shaped(BotProfile.objects.annotate(is_first=column).order_by("created_at"))
        return [each.is_first for each in found]

    first = ask("bots_botprofile.name = 'bot 0'")
    assert first == [True, False, False, False, False] == ask("bots_botprofile.name = 'bot 0'")
    assert ask("bots_botprofile.name = 'bot 1'") == [False, True, False, False, False]
    assert writings == [BotProfile, BotProfile]
