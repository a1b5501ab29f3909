"""From the codes in a request to the rows that the caller may name."""

from collections.abc import Sequence
from typing import Any

from django.http import Http404
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from bookings.models import Booking, Resource, ResourceKind
from bookings.models.split import WHOLE
from bookings.needs import Needs
from bookings.splitting import Share
from bookings.till import Wish
from institutions.api.fields import period_of
from institutions.models import Project, User
from instruments.models import Instrument
from kernel import clock
from kernel.refusals import Malformed


def instrument_named(code: str, *, field: str = "instrument") -> Instrument:
    """The instrument with its institution and calendars. Raises `Malformed` on `field`."""
    found = (
        Instrument.objects.select_related(
            "institution__region__city", "opening_calendar", "start_calendar"
        )
        .defer("search")
        .filter(code=code)
        .first()
    )
    if found is None:
        raise Malformed({field: [_("No such instrument.")]})
    return found


def project_named(code: str, user: User, *, field: str = "project") -> Project:
    """A project for the caller's eyes: `CODE`, or `INSTITUTION:CODE` where two share a code."""
    institution, _colon, short = code.rpartition(":")
    found = Project.objects.visible_to(user).select_related("institution__region__city")
    found = found.filter(code=short)
    if institution:
        found = found.filter(institution__code=institution)
    projects = list(found[:2])
    if not projects:
        raise Malformed({field: [_("No such project.")]})
    if len(projects) > 1:
        raise Malformed({field: [_("Several projects have this code: write INSTITUTION:CODE.")]})
    return projects[0]


def wish_of(data: dict[str, Any], user: User) -> Wish:
    """The wish in validated data (`instrument`, `start`, `end`, `quantity`, `project`…)."""
    instrument = instrument_named(data["instrument"])
    project = project_named(data["project"], user) if data.get("project") else None
    return Wish(
        instrument,
        period_of(data),
        data["quantity"],
        project,
        data.get("programme") or "",
        needs_named(instrument, data["accessories"], data["configuration"]),
        data.get("order_number", ""),
        _splits_named(data.get("splits") or (), project, user),
    )


def _splits_named(
    rows: Sequence[dict[str, Any]], project: Project | None, user: User
) -> tuple[Share, ...]:
    """The shares that are named; none where the project bears all of it alone.

    Raises `Malformed` for projects that are not for the caller's eyes, and where another one than
    the booking's comes first.
    """
    found: dict[str, Project] = {}
    for row in rows:
        code = row["project"]
        if code not in found:
            found[code] = project_named(code, user, field="splits")
    shares = tuple(Share(found[row["project"]], row["percent"]) for row in rows)
    if shares and (project is None or shares[0].project.pk != project.pk):
        raise Malformed({"splits": [_("The first share is the booking's own project's.")]})
    return () if [share.percent for share in shares] == [WHOLE] else shares


def needs_named(instrument: Instrument, accessories: list[str], configuration: str | None) -> Needs:
    """What these codes name on this instrument; a query for each kind that is named.

    Raises `Malformed` for what is unknown, out of service, or fits other instruments only.
    """
    errors: dict[str, list[str | Promise]] = {}
    fitting = Resource.objects.filter(
        kind=ResourceKind.ACCESSORY,
        institution=instrument.institution_id,
        code__in=accessories,
        is_active=True,
        serves=instrument,
    )
    found = tuple(fitting.order_by("pk")) if accessories else ()
    if len(found) < len(set(accessories)):
        errors["accessories"] = [_("This instrument has no such accessory.")]
    set_up = None
    if configuration:
        set_up = instrument.configurations.filter(code=configuration, is_active=True).first()
        if set_up is None:
            errors["configuration"] = [_("This instrument has no such configuration.")]
    if errors:
        raise Malformed(errors)
    return Needs(found, set_up)


def booking_named(reference: str, user: User) -> Booking:
    """A booking that the caller may see; 404 otherwise."""
    bookings = Booking.objects.readable_by(user).with_names().with_resources()
    found = bookings.with_flags(clock.now()).filter(reference=reference).first()
    if found is None:
        raise Http404
    return found
