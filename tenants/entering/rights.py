"""What an operator may do where: everywhere on the platform, in a tenant's admin what their stay says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tenants.people.roles import May, Role, rights_of

if TYPE_CHECKING:
    from tenants.entering.models import OperatorEntry


class RightsByRole:
    """Mixed into users: what they may do, by their role, or as operators by their stay."""

    is_active: bool
    is_superuser: bool
    role: str
    entered_as: str | None = None
    """Of an operator in a tenant's admin: the role of their stay, "" without one. Elsewhere they have all rights."""
    entered_for = ""

    def enters_as(self, entry: OperatorEntry | None) -> None:
        """Have no more rights, in this request, than a stay in a tenant gives."""
        self.entered_as, self.entered_for = (entry.role, entry.reason) if entry else ("", "")

    @property
    def has_all_rights(self) -> bool:
        return self.is_superuser and self.entered_as in (None, Role.OWNER)

    def may(self, right: May) -> bool:
        """Whether the user's role has a right; platform operators have all, in a tenant those of their stay."""
        role = self.entered_as if self.is_superuser else self.role
        return self.is_active and (self.has_all_rights or right in rights_of(role or ""))
