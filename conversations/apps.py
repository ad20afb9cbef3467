from django.apps import AppConfig


class ConversationsConfig(AppConfig):
    name = "conversations"
    verbose_name = "Conversations"

    def ready(self) -> None:
        from bots.versions.parts import add_part
        from conversations.handoffs.rules import KEPT

        add_part(KEPT)
