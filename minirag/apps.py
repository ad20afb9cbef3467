from django.apps import AppConfig


class MiniRagConfig(AppConfig):
    name = "minirag"
    verbose_name = "MiniRAG"

    def ready(self) -> None:
        # Registers the system checks, and makes our Celery app the current one, so that `.delay` finds its broker.
        from minirag import celery  # noqa: F401
        from minirag.operations import checks  # noqa: F401
        from minirag.operations.reporting import begin_reporting
        from minirag.pages.model_words import wrap_words

        begin_reporting()
        wrap_words()
