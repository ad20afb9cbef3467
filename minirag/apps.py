import gc
import sys
from typing import Any

from django.apps import AppConfig

COLLECT_AFTER = 700, 10, 10
"""As Python has it; the settings hold garbage collection up while the applications are loaded."""


def load_rest_framework() -> None:
    """Import it without the two libraries that it loads where it finds them, and that nothing of ours uses with it.

    They are a twentieth of each process's start.
    """
    hidden = {name: sys.modules.get(name) for name in ("requests", "markdown")}
    for name in hidden:
        sys.modules[name] = None  # type: ignore[assignment]  # importing it fails
    try:
        import rest_framework.compat  # noqa: F401
    finally:
        for name, module in hidden.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


class MiniRagConfig(AppConfig):
    name = "minirag"
    default = True
    verbose_name = "MiniRAG"

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        load_rest_framework()  # before any application loads it

    def ready(self) -> None:
        # Registers the system checks, and makes our Celery app the current one, so that `.delay` finds its broker.
        from minirag import celery  # noqa: F401
        from minirag.operations import checks  # noqa: F401
        from minirag.operations.reporting import begin_reporting
        from minirag.pages.model_words import wrap_words

        begin_reporting()
        wrap_words()


class LoadedConfig(AppConfig):
    """The last of the applications: when it is ready, all of them are loaded, and they stay."""

    name = "minirag.serving"
    label = "loaded"

    def ready(self) -> None:
        gc.freeze()
        gc.set_threshold(*COLLECT_AFTER)
