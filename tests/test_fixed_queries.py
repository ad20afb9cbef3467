"""A fixed query finds what its query set finds: for every value, in every tenant and on every thread."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest
from django.db import connections, transaction
from django.db.models import Q
from django.db.models.sql.compiler import SQLCompiler

from bots.models import BotProfile, Quota
from minirag.lib.rows import (
    FixedQuery,
    FixedStatement,
    expected_empty,
    fetch_together,
    fetched_ahead,
)
from tenants.backend.cursor import Missed
from tenants.context import tenant_context
from tenants.models import ApiToken, User


def bots_with_scopes(pk):
    return BotProfile.objects.active().with_scopes().filter(pk=pk)


def make_bot(party, name):
    with tenant_context(party.tenant):
        bot = BotProfile.objects.create(name=name)
        bot.scopes.create(name=f"{name}'s", allowed_topics=["hours"])
    return bot


def test_it_finds_the_rows_of_the_tenant_in_force_and_no_others(acme, globex):
    query = FixedQuery(bots_with_scopes, UUID)
    bots = [make_bot(acme, "Helper"), make_bot(globex, "Gardener")]
    for party, own, foreign in ((acme, *bots), (globex, *reversed(bots))):
        with tenant_context(party.tenant):
            found = query.first(own.pk)
            assert (found, found.name) == (own, own.name)
            assert [str(each.pk) for each in found.active_scopes] == [str(own.scopes.get().pk)]
            assert [query.first(foreign.pk), query.first(uuid4())] == [None, None]


def test_it_brings_related_rows_along_in_the_same_query(acme, globex, django_assert_num_queries):
    query = FixedQuery(
        lambda name, tenant_id: ApiToken.objects.select_related("tenant", "user").filter(
            name=name, tenant_id=tenant_id
        ),
        str,
        UUID,
    )
    for party in (acme, globex):
        made, _ = ApiToken.objects.mint(user=party.owner, name="shop")
        with django_assert_num_queries(1):
            found = query.first("shop", party.tenant.pk)
            assert (found, found.tenant, found.user) == (made, party.tenant, party.owner)


def test_it_finds_values_as_well_and_sees_what_has_changed(in_acme):
    query = FixedQuery(lambda pk: BotProfile.objects.filter(pk=pk).values_list("name"), UUID)
    bot = make_bot(in_acme, "Helper")
    assert query.fetch(bot.pk) == [("Helper",)]
    BotProfile.objects.update(name="Gardener")
    assert query.fetch(bot.pk) == [("Gardener",)]


def test_none_finds_nothing(in_acme):
    query = FixedQuery(
        lambda pk: Quota.objects.filter(Q(subject="tenant") | Q(subject_id=pk)), UUID
    )
    quota = Quota.objects.create(subject="tenant", resource="messages", limit=1)
    assert query.fetch(None) == [quota]
    quota.delete()
    assert query.fetch(None) == []


def test_many_threads_may_ask_at_once(acme, globex):
    query = FixedQuery(lambda pk: User.objects.filter(pk=pk), UUID)

    def ask(user):
        try:
            return [query.first(user.pk) for _ in range(20)]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as threads:
        for user, found in zip(
            [acme.owner, globex.owner] * 4,
            threads.map(ask, [acme.owner, globex.owner] * 4),
            strict=True,
        ):
            assert found == [user] * 20


def test_a_value_that_is_not_sent_as_it_is_is_found_at_once(db):
    query = FixedQuery(lambda text: User.objects.filter(display_name__contains=text), str)
    with pytest.raises(ValueError, match="does not come back"):
        query.fetch("li")


def test_several_are_asked_together_in_one_message(acme, globex, django_assert_num_queries):
    bots = FixedQuery(bots_with_scopes, UUID)
    users = FixedQuery(lambda tenant_id: User.objects.filter(tenant_id=tenant_id), UUID)
    for party in (acme, globex):
        bot = make_bot(party, "Helper")
        with tenant_context(party.tenant), django_assert_num_queries(1):
            found, people, gone = fetch_together(
                (bots, bot.pk), (users, party.tenant.pk), (bots, uuid4())
            )
        assert (found, gone) == ([bot], [])
        assert [each.name for each in found[0].active_scopes] == ["Helper's"]
        assert party.owner in people


def test_what_was_fetched_ahead_serves_once_its_own_tenant_and_within_its_block(
    acme, globex, django_assert_num_queries
):
    names = FixedQuery(lambda: BotProfile.objects.values_list("name"))
    doubled = FixedStatement("SELECT name || name FROM bots_botprofile WHERE id = %s")
    bot = make_bot(acme, "Helper")
    make_bot(globex, "Gardener")
    with (
        tenant_context(acme.tenant),
        django_assert_num_queries(1),
        fetched_ahead((names,), (doubled, bot.pk)),
    ):
        pass
    with tenant_context(acme.tenant), fetched_ahead((names,), (doubled, bot.pk)):
        with tenant_context(globex.tenant):
            assert names.fetch() == [("Gardener",)]
        BotProfile.objects.update(name="Guide")
        with django_assert_num_queries(0):
            assert (names.fetch(), doubled.fetch(bot.pk)) == ([("Helper",)], [("HelperHelper",)])
        assert (names.fetch(), doubled.fetch(bot.pk)) == ([("Guide",)], [("GuideGuide",)])
    with tenant_context(acme.tenant):
        with fetched_ahead((names,)):
            BotProfile.objects.update(name="Helper")
        assert names.fetch() == [("Helper",)]


def test_what_is_expected_to_find_nothing_is_looked_at_with_the_next_statement(
    acme, globex, django_assert_num_queries
):
    names = FixedQuery(lambda: BotProfile.objects.values_list("name"))
    named = FixedStatement("SELECT id FROM bots_botprofile WHERE name = %s FOR KEY SHARE")
    make_bot(globex, "Helper")
    with (
        tenant_context(acme.tenant),
        transaction.atomic(),
        expected_empty((names,), (named, "%s")),
        django_assert_num_queries(1),
    ):
        assert (names.fetch(), named.fetch("%s")) == ([], [])
        assert not Quota.objects.exists()
    for asked in ((names,), (named, "Helper")):
        with (
            tenant_context(globex.tenant),
            pytest.raises(Missed),
            transaction.atomic(),
            expected_empty(asked),
        ):
            Quota.objects.create(subject="tenant", resource="messages", limit=1)
        with tenant_context(globex.tenant):
            assert not Quota.objects.exists()


def test_how_columns_become_values_is_looked_up_once(in_acme, monkeypatch):
    query = FixedQuery(bots_with_scopes, UUID)
    bot = make_bot(in_acme, "Helper")
    first = query.first(bot.pk)

    def look_up(*_):
        raise AssertionError("looked up again")

    monkeypatch.setattr(SQLCompiler, "get_converters", look_up)
    BotProfile.objects.filter(pk=bot.pk).update(starter_questions=["When?"])
    assert (first.starter_questions, query.first(bot.pk).starter_questions) == ([], ["When?"])
    assert query.first(bot.pk).allowed_origins == []
