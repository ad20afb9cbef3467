"""What a password must be: Django's four validators and one of our own (settings.AUTH_PASSWORD_VALIDATORS).

Whatever sets a password asks here or has Django ask: sign-up, both APIs, the admins' forms and the commands.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from minirag.lib.errors import BadInput

MIN_PASSWORD_LENGTH = 8
MAX_PASSWORD_LENGTH = (
    128  # the wire contract's; hashing an endless one is work for us and none for the caller
)


class PasswordWeak(BadInput):
    """A password that others would guess; `detail` says why and never what it was."""

    code = "password_weak"


def check_password(password: str, user: Any = None) -> None:
    """Raise PasswordWeak for one that is short, common, all digits or blanks, or like `user`'s e-mail or name."""
    try:
        validate_password(password, user)
    except ValidationError as error:
        raise PasswordWeak(" ".join(error.messages)) from None


class VisibleCharactersValidator:
    """Refuses what nobody sees: blanks and invisible characters around a password do not make it long."""

    def __init__(self, min_length: int = MIN_PASSWORD_LENGTH) -> None:
        self.min_length = min_length

    def validate(self, password: str, user: Any = None) -> None:
        visible = [place for place, each in enumerate(password) if _is_visible(each)]
        if not visible or visible[-1] - visible[0] + 1 < self.min_length:
            raise ValidationError(self.get_help_text())

    def get_help_text(self) -> str:
        return (
            f"A password has at least {self.min_length} characters, not counting blanks around it."
        )


def _is_visible(character: str) -> bool:
    return character.isprintable() and not character.isspace()
