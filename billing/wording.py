"""Stable codes put into sentences, in the language that is active now."""

from decimal import Decimal
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing.pricing import CONSUMABLE
from bookings.till import VoucherAnswer, Wish
from institutions.models import Institution, InstitutionKind
from instruments.models import Unit
from kernel.money import rounded

_LINES: dict[str, str | Promise] = {
    "use": gettext_lazy("Use"),
    "first_unit": gettext_lazy("First unit"),
    "next_units": gettext_lazy("Further units"),
    "setup_fee": gettext_lazy("Set-up fee"),
    "minimum": gettext_lazy("Up to the minimum charge"),
    "use_off_hours": gettext_lazy("Use outside regular hours"),
    "first_unit_off_hours": gettext_lazy("First unit, outside regular hours"),
    "next_units_off_hours": gettext_lazy("Further units, outside regular hours"),
    "package": gettext_lazy("Package"),
    "overtime": gettext_lazy("Beyond the package"),
    "rush": gettext_lazy("Booked at short notice"),
    "operator": gettext_lazy("Operator"),
    "granted_hours": gettext_lazy("Granted hours"),
    "prepaid_hours": gettext_lazy("Hours paid ahead"),
    "down_time": gettext_lazy("Down time, not charged"),
    "late_cancellation": gettext_lazy("Late cancellation"),
    "no_show": gettext_lazy("No-show"),
    "by_hand": gettext_lazy("Priced by the billing office"),
    "adjusted": gettext_lazy("Adjusted price"),
}
_UNITS: dict[str, str | Promise] = {
    **{unit.value: unit.label for unit in Unit},
    "once": gettext_lazy("once"),
    "share": gettext_lazy("share of the price"),
}
# What an entry in the books is about.
_ENTRIES: dict[str, str | Promise] = {
    "statement_issued": gettext_lazy("Statement issued"),
    "internal_transfer": gettext_lazy("Internal transfer"),
    "credit_note": gettext_lazy("Credit note"),
    "write_off": gettext_lazy("Write-off"),
    "hours_sold": gettext_lazy("Hours sold ahead"),
    "hours_used": gettext_lazy("Hours paid ahead, used"),
    "hours_lapsed": gettext_lazy("Hours paid ahead, lapsed"),
    "deposit_returned": gettext_lazy("Deposit put back by a credit note"),
    "deposit_paid_in": gettext_lazy("Deposit paid in"),
    "deposit_drawn": gettext_lazy("Deposit drawn"),
    "deposit_refunded": gettext_lazy("Deposit refunded"),
}
# What happened to a charge.
_CHARGE_EVENTS: dict[str, str | Promise] = {
    "charged": gettext_lazy("Charged"),
    "adjusted": gettext_lazy("Charged anew, in place of another"),
    "approved": gettext_lazy("Approved"),
    "transferred": gettext_lazy("Transferred"),
    "invoiced": gettext_lazy("Put on a statement"),
    "disputed": gettext_lazy("Disputed"),
    "upheld": gettext_lazy("Disputed in vain: it stands"),
    "adjusted_away": gettext_lazy("Disputed with success: another takes its place"),
    "credited": gettext_lazy("Credited"),
    "accepted": gettext_lazy("Charged as it is"),
    "priced_anew": gettext_lazy("Priced by the billing office: another takes its place"),
    "voided": gettext_lazy("Not charged"),
}
# What kept a voucher below its share of the real price.
_LIMITS = {
    "held": gettext_lazy("no more than was held with the booking"),
    "per_booking_cap": gettext_lazy("no more than the programme pays for one booking"),
}
# Why a charge waits for the billing office, where the system itself says so.
_WAITS = {
    "no_tariff": gettext_lazy("No price"),
    "eligibility_lost": gettext_lazy("Voucher may not pay any more"),
}
_REVERSED = "_reversed"
# %(holder)s, %(holder_city)s, %(provider)s, %(provider_city)s may stand in each.
_REASONS: dict[str, str | Promise] = {
    "internal_use": gettext_lazy(
        "This is your own institution's instrument: no voucher is needed."
    ),
    "outside_dates": gettext_lazy("The programme is not valid on that day."),
    "holder_not_in_region": gettext_lazy(
        "%(holder)s is registered in %(holder_city)s, outside the programme's regions."
    ),
    "holder_kind": gettext_lazy(
        "The programme is not for this kind of institution (%(holder_kind)s)."
    ),
    "provider_not_in_region": gettext_lazy(
        "%(provider)s is in %(provider_city)s, where this voucher is not accepted."
    ),
    "same_city": gettext_lazy(
        "The programme pays across cities only, and both are in %(provider_city)s."
    ),
    "city_unknown": gettext_lazy(
        "The programme pays across cities only, and one of the two is registered with no city."
    ),
    "service_kind": gettext_lazy("The programme does not pay for this kind of service."),
    "not_admitted": gettext_lazy("%(provider)s is not admitted by the programme on that day."),
    "size_not_certified": gettext_lazy(
        "%(holder)s has no accepted certificate of enterprise size that is valid on that day."
    ),
    "order_number_missing": gettext_lazy(
        "The programme asks for the order number of the official platform before the service."
    ),
    "related_party": gettext_lazy("%(holder)s and %(provider)s are related parties."),
    "no_allotment": gettext_lazy("%(holder)s has no allotment of this programme for that year."),
    "allotment_suspended": gettext_lazy("The allotment of %(holder)s is suspended."),
    "group_cap_exhausted": gettext_lazy(
        "The controlling group of %(holder)s has used up what the programme pays it a year."
    ),
    "allotment_exhausted": gettext_lazy("The allotment of %(holder)s is used up."),
    "no_pool": gettext_lazy("No region funds this programme for %(holder_city)s in that year."),
    "pool_exhausted": gettext_lazy("The pool of the region that funds it is used up."),
    "nothing_to_pay": gettext_lazy("There is nothing that the voucher could pay."),
}
_HOLDER_NOUNS: dict[str, str | Promise] = {
    InstitutionKind.ENTERPRISE: gettext_lazy("%(city)s company"),
    InstitutionKind.FOREIGN_RD_CENTRE: gettext_lazy("foreign R&D centre in %(city)s"),
}
_OTHER_HOLDER = gettext_lazy("institution in %(city)s")


def line(description: str) -> str:
    """What a line of a quote or charge is for."""
    if description.startswith(CONSUMABLE):
        return _("Consumable %(code)s") % {"code": description.removeprefix(CONSUMABLE)}
    return str(_LINES.get(description, description))


def projects(charge: Any) -> str:
    """Who bears a charge, be it a row or frozen in a document: `SZ-001`, or `SZ-001 60 %, …`."""
    return _(", ").join(bearers(charge))


def bearers(charge: Any) -> list[str]:
    """The same, one by one."""
    if not isinstance(charge, dict):
        parts = [(one.project.code, one.percent) for one in charge.allocations.all()]
        return _bearers(charge.project.code, parts)
    frozen = [(one["project"], Decimal(one["percent"])) for one in charge.get("projects", ())]
    return _bearers(charge["project"], frozen)


def _bearers(alone: str, parts: list[tuple[str, Decimal]]) -> list[str]:
    if len(parts) < 2:
        return [alone]
    return [f"{code} {share.normalize():f} %" for code, share in parts]


def unit(code: str) -> str:
    return str(_UNITS.get(code, code))


def sentences(answer: VoucherAnswer, wish: Wish) -> list[str]:
    """Why a programme pays ('pays ¥1,200: Suzhou company, Shanghai instrument'), or every reason
    why not. Regions and cities of both institutions should be loaded."""
    if wish.project is None:
        return []
    holder, provider = wish.project.institution, wish.instrument.institution
    if answer.eligible:
        return [pays(answer.amount, holder, provider)]
    return [reason(code, holder, provider) for code in answer.reasons]


def pays(amount: Decimal, holder: Institution, provider: Institution) -> str:
    """`amount` in CNY."""
    noun = str(_HOLDER_NOUNS.get(holder.kind, _OTHER_HOLDER)) % {"city": place(holder)}
    return _("pays ¥%(amount)s: %(holder)s, %(city)s instrument") % {
        "amount": yuan(amount),
        "holder": noun,
        "city": place(provider),
    }


def reason(code: str, holder: Institution, provider: Institution) -> str:
    """One reason of `billing.vouchers.REASONS` as a sentence."""
    return str(_REASONS[code]) % {
        "holder": holder.name,
        "holder_city": place(holder),
        "holder_kind": holder.get_kind_display(),
        "provider": provider.name,
        "provider_city": place(provider),
    }


def place(institution: Institution) -> str:
    """Its city, or the region it is registered in where that is larger than a city."""
    region = institution.region
    return (region.city or region).name


def yuan(amount: Decimal) -> str:
    """`1,200` or `1,200.50`: thousands with commas, fen only where there are any."""
    exact = rounded(amount)
    return f"{exact:,.0f}" if exact == exact.to_integral_value() else f"{exact:,.2f}"


def charge_event(kind: str) -> str:
    """What happened to a charge; a kind that is not known as it is."""
    return str(_CHARGE_EVENTS.get(kind, kind))


def voucher_limit(limit: str) -> str:
    """Why a voucher paid less than its share of the price, if it did."""
    return str(_LIMITS.get(limit, limit))


def charge_reason(reason: str) -> str:
    """Why: a person's own words, or a code of ours as words."""
    return str(_WAITS.get(reason, reason))


def entry(kind: str) -> str:
    """What a ledger entry is about; a kind that is not known as it is."""
    known = str(_ENTRIES.get(kind.removesuffix(_REVERSED), kind))
    return _("%(what)s, taken back") % {"what": known} if kind.endswith(_REVERSED) else known
