"""The Celery application; tasks live in each app's `tasks.py`."""

from __future__ import annotations

import os
from typing import Any

from celery import Celery
from celery.signals import beat_init, setup_logging, worker_init, worker_process_shutdown

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "minirag.settings")
# Celery would run Django's checks and throw away what they say: half a second and 15 MiB of every start.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")

app = Celery("minirag")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_init.connect
@beat_init.connect
def refuse_unsafe_start(**kwargs: Any) -> None:
    from django.core.exceptions import ImproperlyConfigured

    from minirag.operations.checks import require_secrets, require_tenants_apart

    try:
        require_secrets()
        require_tenants_apart()
    except ImproperlyConfigured as error:
        # Celery logs what a signal's receiver raises and goes on; SystemExit is not an Exception and gets through.
        raise SystemExit(str(error)) from error


@worker_init.connect
def tell_processes(sender: Any, **kwargs: Any) -> None:
    from bots.quotas.sharing import note_processes

    note_processes(int(sender.concurrency or 0))


@worker_init.connect
def load_before_forking(sender: Any, **kwargs: Any) -> None:
    """Or each child would, for its first task: after a deploy, and whenever one has been killed."""
    from minirag.serving.loading import load_for_children

    # By its arguments it is a class by now, by the settings a name.
    pool = sender.pool_cls
    if "prefork" in str(getattr(pool, "__module__", pool)):
        load_for_children()


@worker_process_shutdown.connect
def send_last_spans(**kwargs: Any) -> None:
    """A pool's process ends without what Python does at an exit."""
    from minirag.lib.tracing.spans import send_rest

    send_rest()


@beat_init.connect
def repair_at_start(**kwargs: Any) -> None:
    """Find now, and not only at night, work without a reminder, such as after a change of DEFAULT_EMBEDDING_MODEL."""
    from minirag.lib.jobs.sending import publish
    from minirag.tasks import repair_due_work

    publish(repair_due_work, expires=3600.0)


@setup_logging.connect
def keep_django_logging(**kwargs: Any) -> None:
    """Celery would replace our handlers; connecting to this signal stops it."""
