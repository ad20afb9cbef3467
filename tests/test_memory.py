"""What a process has loaded is no work for it any more."""

from __future__ import annotations

import gc
import subprocess
import sys

import pytest
from django.apps import apps

from minirag.ai.providers import gateway
from minirag.apps import COLLECT_AFTER
from minirag.serving.loading import settle_memory


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


def test_what_a_worker_loads_for_its_children_outlives_a_fork_and_leaves_them_the_embedder_alone():
    program = """
import os, sys, threading, django
django.setup()
from pathlib import Path
from django.conf import settings
from minirag.ai.builtin import exported, local, minilm
from minirag.celery import load_before_forking

class Worker:
    pool_cls = "solo"

load_before_forking(Worker)
assert "onnxruntime" not in sys.modules, "a pool without children has nobody to load for"
Worker.pool_cls = "prefork"
load_before_forking(Worker)
assert not minilm._loaded and not exported._loaded, "a session was opened"
assert threading.active_count() == 1
for descriptor in os.listdir("/proc/self/fd"):
    place = f"/proc/self/fd/{descriptor}"
    assert not os.path.lexists(place) or not os.readlink(place).startswith(("socket:", "anon_inode:", "/root"))
child = os.fork()
if child == 0:
    before = set(sys.modules)
    vectors, _ = local.encode_locally(local.MINILM, ["Where can I park?"])
    print(vectors.shape, sorted(set(sys.modules) - before))
    sys.stdout.flush()
    os._exit(0)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert (done.returncode, done.stdout) == (0, "(1, 384) []\n"), done.stderr
