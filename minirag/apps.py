from django.apps import AppConfig


class MiniRagConfig(AppConfig):
    name = "minirag"
    verbose_name = "MiniRAG"

    def ready(self) -> None:
        from minirag import checks  # noqa: F401 - registers the system checks
