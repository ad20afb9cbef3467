"""What a process has loaded is no work for it any more."""

from __future__ import annotations

import gc

import pytest
from django.apps import apps

from minirag.ai.providers import gateway
from minirag.apps import COLLECT_AFTER
from minirag.serving.memory import settle_memory


def test_what_is_there_by_then_is_looked_through_by_no_collection_and_what_comes_later_is():
    loaded, rubbish = [object()], []
    rubbish.append(rubbish)
    settle_memory()
    later: list[object] = []
    found = {id(each) for each in gc.get_objects()}
    assert id(loaded) not in found and id(later) in found


def test_what_is_held_up_while_all_is_loaded_goes_on_when_the_last_application_is_ready():
    last = list(apps.get_app_configs())[-1]
    as_it_was = gc.get_threshold()
    gc.set_threshold(0)
    try:
        last.ready()
        assert gc.get_threshold() == COLLECT_AFTER and gc.get_freeze_count() > 100_000
    finally:
        gc.set_threshold(*as_it_was)


def test_what_cannot_be_loaded_does_not_hold_collection_up_for_ever(monkeypatch):
    def fail() -> None:
        assert gc.get_threshold()[0] == 0
        raise ImportError

    monkeypatch.setattr(gateway, "_litellm", None)
    monkeypatch.setattr(gateway, "_import_litellm", fail)
    as_it_was = gc.get_threshold()
    try:
        with pytest.raises(ImportError):
            gateway.load_litellm()
        assert gc.get_threshold() == as_it_was
    finally:
        gc.set_threshold(*as_it_was)
