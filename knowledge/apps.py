from django.apps import AppConfig


class KnowledgeConfig(AppConfig):
    name = "knowledge"
    verbose_name = "Knowledge"

    def ready(self) -> None:
        from bots.versions.parts import add_part
        from knowledge.datasets.kept import PART

        add_part(PART)
