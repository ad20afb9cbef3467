"""A quick row is what Django would have made of the same columns."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db.models import Model
from django.db.models.signals import post_init, pre_init

from bots.models import BotProfile
from minirag.lib.rows import QuickRow

QUICK = [model for model in apps.get_models() if issubclass(model, QuickRow)]


@pytest.mark.parametrize("model", QUICK, ids=lambda model: model.__name__)
def test_nothing_is_left_out_by_making_a_row_quickly(model):
    assert model.from_db.__func__ is QuickRow.from_db.__func__
    assert model.__init__ is Model.__init__
    assert not pre_init.has_listeners(model)
    assert not post_init.has_listeners(model)


@pytest.mark.parametrize("model", QUICK, ids=lambda model: model.__name__)
def test_no_column_is_kept_otherwise_than_by_its_name(model):
    names = [field.attname for field in model._meta.concrete_fields]
    plain = Model.from_db.__func__(model, "default", names, names)
    quick = model.from_db("default", names, names)
    assert {**vars(quick), "_state": None} == {**vars(plain), "_state": None}


def test_a_row_is_as_django_makes_it(in_acme):
    bot = BotProfile.objects.create(name="Helper")
    names = [field.attname for field in BotProfile._meta.concrete_fields]
    values = BotProfile.objects.values_list(*names).get(pk=bot.pk)
    plain = Model.from_db.__func__(BotProfile, "default", names, values)
    quick = BotProfile.objects.get(pk=bot.pk)
    assert quick == plain
    assert {**vars(quick), "_state": vars(quick._state)} == {
        **vars(plain),
        "_state": vars(plain._state),
    }
    quick.name = "Gardener"
    quick.save(force_update=True)
    assert BotProfile.objects.get().name == "Gardener"


def test_what_was_not_read_is_fetched_when_it_is_asked_for(in_acme, django_assert_num_queries):
    BotProfile.objects.create(name="Helper", description="Helps.")
    bot = BotProfile.objects.only("name").get()
    with django_assert_num_queries(1):
        assert (bot.name, bot.description) == ("Helper", "Helps.")
