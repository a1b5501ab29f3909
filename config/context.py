"""What every page's frame shows: the places this person has something to do in."""

from typing import Any

from django.db.models import Exists, OuterRef
from django.http import HttpRequest

from institutions.models import Membership, Role
from instruments.models import Instrument


def places(request: HttpRequest) -> dict[str, Any]:
    """`places`: the person's memberships by role, read once and only where a template asks."""
    return {"places": Places(request)}


class Places:
    """Lazy: a page that does not draw the top bar costs no query."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request
        self._memberships: list[Any] | None = None

    def _of(self, *roles: str) -> list[Any]:
        user = getattr(self._request, "user", None)
        if user is None or not user.is_authenticated:
            return []
        if self._memberships is None:
            own = Instrument.objects.filter(institution=OuterRef("institution"))
            self._memberships = list(
                Membership.objects.filter(user=user)
                .select_related("institution")
                .annotate(has_instruments=Exists(own))
            )
        seen = {m.institution_id: m.institution for m in self._memberships if m.role in roles}
        return list(seen.values())

    @property
    def facilities(self) -> list[Any]:
        return self._of(Role.FACILITY_MANAGER, Role.OPERATOR, Role.ADMINISTRATOR)

    @property
    def safety(self) -> list[Any]:
        return self._of(Role.SAFETY_OFFICER, Role.ADMINISTRATOR)

    @property
    def offices(self) -> list[Any]:
        return self._of(Role.BILLING_OFFICER, Role.ADMINISTRATOR)

    @property
    def sells(self) -> bool:
        """Whether one of the offices is that of a provider, and not of payers alone."""
        kept = {office.pk for office in self.offices}
        return any(m.institution_id in kept and m.has_instruments for m in self._memberships or [])

    @property
    def programmes(self) -> list[Any]:
        return self._of(Role.PROGRAMME_OFFICER)
