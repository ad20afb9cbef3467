import gc

from django.apps import AppConfig

COLLECT_AFTER = 700, 10, 10
"""As Python has it; the settings hold garbage collection up while the applications are loaded."""


class MiniRagConfig(AppConfig):
    name = "minirag"
    default = True
    verbose_name = "MiniRAG"

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
