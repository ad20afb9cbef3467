from django.apps import AppConfig


class BotsConfig(AppConfig):
    name = "bots"
    verbose_name = "Assistants"

    def ready(self) -> None:
        from bots.scopes.kept import PART
        from bots.versions.parts import add_part

        add_part(PART)
