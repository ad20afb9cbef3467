"""A row that is inserted with the next statement is there for whoever looks, and no longer than its transaction."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, DataError, IntegrityError, connection, transaction
from django.db.transaction import TransactionManagementError

from bots.models import BotProfile, Fusion, Scope
from tenants.backend.cursor import Missed
from tenants.backend.holding import insert_soon
from tenants.context import tenant_context
from tenants.models import Tenant


def make(name, **fields):
    return insert_soon(BotProfile(name=name, **fields))


def list_names():
    return sorted(BotProfile.objects.values_list("name", flat=True))


def test_it_goes_with_the_next_statement_in_its_message(in_acme, django_assert_num_queries):
    with django_assert_num_queries(1), connection.cursor() as cursor:
        bot = make("Helper", description="100% %s; it's")
        make("Gardener")
        cursor.execute("SELECT current_query()")
        [sent] = cursor.fetchone()
    assert sent.count("INSERT INTO") == 2 and sent.index("Helper") < sent.index("Gardener")
    found = BotProfile.objects.get(pk=bot.pk)
    assert (found.name, found.description) == ("Helper", "100% %s; it's")
    assert (bot._state.adding, bot.created_at) == (False, found.created_at)


def test_many_of_a_kind_are_one_statement_and_the_database_makes_their_keys(in_acme):
    bot = make("Helper")
    insert_soon(*(Scope(bot_profile=bot, name=name) for name in ("Hours", "Prices")))
    assert sorted(bot.scopes.values_list("name", flat=True)) == ["Hours", "Prices"]
    assert all(each.pk for each in bot.scopes.all())


def test_its_values_are_those_that_django_would_insert(in_acme):
    """Also where they are written as they stand, or given to the driver as they are."""
    facts = {
        "system_prompt": "", "temperature": 0.0, "max_tokens": 7, "is_public": True, "is_active": False,
        "refusal_floor": None, "starter_questions": ["", "It's 100 %s"], "recency_days": None,
        "fusion": Fusion.RECIPROCAL_RANK,
    }  # fmt: skip
    ours, its = make("Ours", **facts), BotProfile.objects.create(name="Django's", **facts)
    others = {"id", "name", "created_at", "updated_at"}
    [one, two] = BotProfile.objects.filter(pk__in=[ours.pk, its.pk]).values()
    assert {key: one[key] for key in one.keys() - others} == {
        key: two[key] for key in two.keys() - others
    }
    assert all(one[key] == value for key, value in facts.items())


def test_it_lands_with_the_tenant_that_it_was_made_in(acme, globex):
    with transaction.atomic():
        with tenant_context(acme.tenant):
            make("Helper")
        with tenant_context(globex.tenant):
            make("Gardener")
            assert list_names() == ["Gardener"]
            make("Guide")
        with tenant_context(None):
            assert Tenant.objects.filter(pk=acme.tenant.pk).exists()
    for party, names in ((acme, ["Helper"]), (globex, ["Gardener", "Guide"])):
        with tenant_context(party.tenant):
            assert list_names() == names


def test_what_is_wrong_with_it_is_raised_by_what_comes_next(in_acme):
    bot = make("Helper")
    list_names()
    with pytest.raises(IntegrityError), transaction.atomic():
        insert_soon(BotProfile(pk=bot.pk, name="Helper again"))
        list_names()
    assert list_names() == ["Helper"]


def test_a_commit_takes_it_along_and_a_rollback_does_not(in_acme):
    apart = connection.copy()  # the test's own connection is in a transaction
    try:
        with apart.cursor() as cursor:
            apart.hold("INSERT INTO lex_df (term, df) VALUES (%s, 1)", [-1])  # in none: at once
            apart.set_autocommit(False)
            apart.hold("INSERT INTO lex_df (term, df) VALUES (%s, 1)", [-2])
            apart.rollback()
            apart.hold("INSERT INTO lex_df (term, df) VALUES (%s, 1)", [-3])
            apart.commit()
            apart.rollback()
            apart.set_autocommit(True)
            cursor.execute("DELETE FROM lex_df WHERE term < 0 RETURNING term")
            assert sorted(cursor.fetchall()) == [(-3,), (-1,)]
    finally:
        apart.close()


def test_within_a_savepoint_it_is_gone_with_it(in_acme):
    make("Helper")
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        make("Gardener")
        1 / 0
    assert list_names() == ["Helper"]


def test_what_is_wrong_with_it_does_not_keep_a_savepoint_from_being_rolled_back(in_acme):
    bot = make("Helper")
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        insert_soon(BotProfile(pk=bot.pk, name="Helper again"))
        1 / 0
    with pytest.raises(DatabaseError), transaction.atomic():
        with pytest.raises(DatabaseError), connection.cursor() as cursor:
            cursor.execute("SELECT 1 / 0")
        make("Gardener")
        list_names()
    assert list_names() == ["Helper"]


def test_it_waits_on_where_the_next_statement_was_never_sent(in_acme):
    make("Helper")
    with pytest.raises(DataError):
        BotProfile.objects.filter(name="no text holds \0").exists()
    assert list_names() == ["Helper"]


def test_it_waits_on_where_the_message_that_begins_its_transaction_cannot_be_read(in_acme):
    apart = connection.copy()
    try:
        apart.set_autocommit(False)
        apart.hold("INSERT INTO lex_df (term, df) VALUES (%s, 1)", [-1])
        with apart.cursor() as cursor:
            with pytest.raises(DatabaseError):
                cursor.execute("SELEC 1")
            cursor.execute("SELECT term FROM lex_df WHERE term < 0")
            assert cursor.fetchall() == [(-1,)]
        apart.rollback()
    finally:
        apart.close()


def test_one_that_has_to_hit_says_so_to_what_takes_it_along_or_to_the_commit(in_acme):
    missing = "UPDATE lex_df SET df = 2 WHERE term = %s RETURNING term"
    with pytest.raises(Missed), transaction.atomic():
        connection.hold(missing, [-1], has_to_hit=True)
        make("Helper")
        list_names()
    assert list_names() == []
    apart = connection.copy()
    try:
        with pytest.raises(Missed):
            apart.hold(missing, [-1], has_to_hit=True)  # in no transaction: at once
        apart.set_autocommit(False)
        apart.hold("INSERT INTO lex_df (term, df) VALUES (%s, 1)", [-1])
        apart.hold(missing, [-2], has_to_hit=True)
        with pytest.raises(Missed):
            apart.commit()
        apart.rollback()
        apart.hold("INSERT INTO lex_df (term, df) VALUES (%s, 1)", [-1])
        apart.hold(missing, [-1], has_to_hit=True)
        apart.commit()
        apart.set_autocommit(True)
        with apart.cursor() as cursor:
            cursor.execute("DELETE FROM lex_df WHERE term < 0 RETURNING term, df")
            assert cursor.fetchall() == [(-1, 2)]
    finally:
        apart.close()


def test_it_is_refused_where_django_would_refuse_to_insert_it(in_acme):
    with pytest.raises(DataError):
        make("no text holds \0")
    with transaction.atomic():
        with pytest.raises(IntegrityError), transaction.atomic(savepoint=False):
            BotProfile.objects.create(pk=make("Helper").pk, name="Helper again")
        with pytest.raises(TransactionManagementError):
            make("Gardener")
