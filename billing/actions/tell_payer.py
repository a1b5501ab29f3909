"""Tell who pays that there are charges, and until when he can object."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from django.core.mail import send_mail
from django.utils import translation
from django.utils.translation import gettext as _
from procrastinate.contrib.django import app
from procrastinate.types import JSONValue

from billing.days import day_of
from billing.models import Charge
from billing.states import ChargeState
from institutions.models import Membership, Role
from kernel.money import as_text

# One mail says everything twice: nobody has to guess which of the two its readers prefer.
LANGUAGES = ("zh-hans", "en")
MOST_LISTED = 50


def tell_later(charges: Iterable[Charge]) -> None:
    """Enqueues the mail in the transaction that makes the charges; nothing where none is to be
    reviewed by a day."""
    ids: list[JSONValue] = [charge.pk for charge in charges if charge.review_until]
    if ids:
        app.configure_task("billing.tasks.tell_payer").defer(charges=ids)


def tell_payer(*, charges: Sequence[int]) -> int:
    """One mail to each payer's billing officers, and to each requester, about those of `charges`
    (ids) that still wait for review. Gives back how many mails were sent. Writes nothing.
    """
    found = Charge.objects.filter(pk__in=charges, state=ChargeState.IN_REVIEW).order_by("pk")
    by_person: dict[str, list[Charge]] = defaultdict(list)
    rows = list(found.select_related("booking__instrument", "booking__requester", "provider"))
    officers = _officers({charge.payer_id for charge in rows})
    for charge in rows:
        for address in sorted({*officers[charge.payer_id], charge.booking.requester.email}):
            by_person[address].append(charge)
    for address, theirs in by_person.items():
        send_mail(*_mail(theirs), from_email=None, recipient_list=[address])
    return len(by_person)


def _officers(payers: Iterable[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = defaultdict(list)
    rows = Membership.objects.filter(
        institution__in=payers, role=Role.BILLING_OFFICER, user__is_active=True
    )
    for payer, address in rows.values_list("institution", "user__email").distinct():
        found[payer].append(address)
    return found


def _mail(charges: Sequence[Charge]) -> tuple[str, str]:
    subjects, bodies = [], []
    for language in LANGUAGES:
        with translation.override(language):
            subjects.append(_("New charges to review"))
            lines = [_line(charge) for charge in charges[:MOST_LISTED]]
            if len(charges) > MOST_LISTED:
                lines.append(_("and %(count)s more") % {"count": len(charges) - MOST_LISTED})
            last = _("Who finds one wrong disputes it by the day named; then it is approved.")
            bodies.append("\n".join([_("These charges were made:"), *lines, last]))
    return " / ".join(subjects), "\n\n".join(bodies)


def _line(charge: Charge) -> str:
    return _("%(charge)s (%(instrument)s, %(day)s): ¥%(net)s, review until %(until)s") % {
        "charge": charge.reference,
        "instrument": charge.booking.instrument,
        "day": day_of(charge.provider, charge.booking.period.start),
        "net": as_text(charge.net),
        "until": charge.review_until,
    }
