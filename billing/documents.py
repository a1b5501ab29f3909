"""What statements and credit notes say, frozen as JSON when issued, in both languages. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from billing.days import as_month
from billing.models import Charge, CreditNote, Statement
from institutions.models import Institution
from kernel.money import CURRENCY, ZERO, as_text, net_of_tax

# Raised when the shape changes, so that old documents are still read rightly.
VERSION = 3


@dataclass(slots=True)
class Rated:
    """What bears VAT at one rate, in CNY: `gross` with it, `tax` the VAT in it."""

    rate: Decimal
    gross: Decimal = ZERO
    tax: Decimal = ZERO

    @property
    def net(self) -> Decimal:
        """Without VAT."""
        return self.gross - self.tax


def statement_document(statement: Statement, charges: Iterable[Charge]) -> dict[str, Any]:
    """Everything that is printed. Charges come with their lines, booking, instrument and terms.

    No person's name stands here: documents outlive the right to keep it.
    """
    assert statement.due_on is not None
    return _document(statement, statement.period, charges) | {
        "kind": statement.kind,
        "scope": statement.scope,
        "due_on": statement.due_on.isoformat(),
    }


def credit_document(note: CreditNote) -> dict[str, Any]:
    """The same of a credit note, with the number of the statement that it takes from, and why."""
    found = _document(note, note.statement.period, [note.charge])
    return found | {"statement": note.statement.number, "reason": note.reason}


def by_rate(charges: Iterable[dict[str, Any]]) -> list[Rated]:
    """What frozen charges come to at each rate of VAT, the highest first. The tax is that of
    each charge, so the lines add up to the document's own."""
    found: dict[Decimal, Rated] = {}
    for charge in charges:
        rate = Decimal(charge["vat_rate"])
        rated = found.setdefault(rate, Rated(rate))
        rated.gross += Decimal(charge["gross"])
        rated.tax += Decimal(charge["tax"])
    return sorted(found.values(), key=lambda one: -one.rate)


def rates_of(charges: Iterable[Charge]) -> list[Rated]:
    """The same of charges that are not frozen yet."""
    return by_rate(
        {
            "vat_rate": charge.vat_rate,
            "gross": charge.gross,
            "tax": net_of_tax(charge.gross, charge.vat_rate)[1],
        }
        for charge in charges
    )


def _document(
    paper: Statement | CreditNote, period: date, charges: Iterable[Charge]
) -> dict[str, Any]:
    assert paper.issued_at is not None
    return {
        "version": VERSION,
        "number": paper.number,
        "reference": paper.reference,
        "period": as_month(period),
        "issued_at": paper.issued_at.isoformat(),
        "timezone": paper.provider.timezone,
        "demo": paper.provider.is_demo or paper.payer.is_demo,
        "currency": CURRENCY,
        "provider": _party(paper.provider) | _payee(paper.provider),
        "payer": _party(paper.payer),
        "charges": [_charge(charge) for charge in charges],
        "gross": as_text(paper.gross),
        "voucher": as_text(paper.voucher),
        "net": as_text(paper.net),
        "tax": as_text(paper.tax),
    }


def _party(institution: Institution) -> dict[str, str]:
    return {
        "code": institution.code,
        "name_zh": institution.name_zh,
        "name_en": institution.name_en,
        "credit_code": institution.credit_code,
        "address": institution.address,
        "phone": institution.phone,
    }


def _payee(institution: Institution) -> dict[str, str]:
    return {"bank_name": institution.bank_name, "bank_account": institution.bank_account}


def _charge(charge: Charge) -> dict[str, Any]:
    period, instrument = charge.booking.period, charge.booking.instrument
    programme = charge.redemption.terms.programme if charge.redemption else None
    return {
        "reference": charge.reference,
        "booking": charge.booking.reference,
        "kind": charge.kind,
        "project": charge.project.code,
        "projects": [
            {
                "project": one.project.code,
                "percent": decimal_text(one.percent),
                "amount": as_text(one.amount),
            }
            for one in charge.allocations.all()
        ],
        "instrument": {
            "code": instrument.code,
            "name_zh": instrument.name_zh,
            "name_en": instrument.name_en,
        },
        "start": period.start.isoformat(),
        "end": period.end.isoformat(),
        "lines": [
            {
                "description": line.description,
                "quantity": decimal_text(line.quantity),
                "unit": line.unit,
                "unit_price": as_text(line.unit_price),
                "amount": as_text(line.amount),
            }
            for line in charge.lines.all()
        ],
        "gross": as_text(charge.gross),
        "voucher": as_text(charge.voucher),
        "voucher_limit": charge.price.get("voucher_limit", ""),
        "net": as_text(charge.net),
        "vat_rate": decimal_text(charge.vat_rate),
        "tax": as_text(net_of_tax(charge.gross, charge.vat_rate)[1]),
        "programme": programme.code if programme else None,
        "settlement": charge.settlement or None,
    }


def decimal_text(value: Decimal) -> str:
    """A number without trailing zeros and without an exponent."""
    return f"{value.normalize():f}"
