"""Frozen documents as PDF, in the reader's language, with a font of our own."""

import json
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import typst
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _

from billing import wording

_HERE = Path(__file__).resolve().parent


# Instead of a language: every text in Chinese and English, side by side.
BOTH = "both"


def statement_pdf(document: dict[str, Any], *, language: str) -> bytes:
    """The PDF of what `billing.documents.statement_document` froze.

    The same document gives the same bytes. Texts are data to the template, never its source.
    """
    return _printed(_statement, document, language)


def credit_pdf(document: dict[str, Any], *, language: str) -> bytes:
    """The same of what `billing.documents.credit_document` froze."""
    return _printed(_credit_note, document, language)


def _printed(
    texts: Callable[[dict[str, Any]], dict[str, Any]], document: dict[str, Any], language: str
) -> bytes:
    if language == BOTH:
        data = side_by_side(*(_in(one, texts, document) for one in ("zh-hans", "en")))
    else:
        data = _in(language, texts, document)
    return typst.compile(
        _HERE / "statement.typ",
        root=_HERE,
        font_paths=[_HERE / "fonts"],
        sys_inputs={"data": json.dumps(data, ensure_ascii=False)},
    )


def _in(
    language: str, texts: Callable[[dict[str, Any]], dict[str, Any]], document: dict[str, Any]
) -> dict[str, Any]:
    with override(language):
        return texts(document) | {"language": language[:2]}


def side_by_side(chinese: Any, english: Any) -> Any:
    """Two printings of one document as one: where texts differ, both stand there."""
    if isinstance(chinese, dict):
        found = {name: side_by_side(text, english[name]) for name, text in chinese.items()}
        return found | {"language": chinese.get("language", "zh")}
    if isinstance(chinese, list):
        return [side_by_side(*pair) for pair in zip(chinese, english, strict=True)]
    return chinese if chinese == english else f"{chinese} {english}"


def _statement(document: dict[str, Any]) -> dict[str, Any]:
    """Everything that the template prints, as strings in the active language."""
    zone = ZoneInfo(document["timezone"])
    issued = datetime.fromisoformat(document["issued_at"]).astimezone(zone)
    provider, payer = document["provider"], document["payer"]
    return {
        "title": _("Statement"),
        "demo": _("Demo data") if document["demo"] else "",
        "facts": [
            [_("Number"), document["number"]],
            [_("Month"), document["period"]],
            [_("Issued on"), f"{issued:%Y-%m-%d}"],
            *_due(document),
        ],
        "parties": [
            [_("Provider"), _party(provider)],
            [_("Payer"), _party(payer)],
        ],
        "columns": [
            _("Booking"),
            _("Service"),
            _("Quantity"),
            _("Price"),
            _("Amount (¥)"),
        ],
        "charges": [_charge(charge, zone) for charge in document["charges"]],
        "totals": _totals(document),
        "owed": [_("To be paid"), f"¥{yuan(document['net'])}"],
        "notes": _notes(document, provider),
    }


def _due(document: dict[str, Any]) -> list[list[str]]:
    """Documents of the first version do not say it."""
    due_on = document.get("due_on")
    return [[_("To pay by"), due_on]] if due_on else []


def _credit_note(document: dict[str, Any]) -> dict[str, Any]:
    """A credit note looks as the statement that it takes from."""
    found = _statement(document)
    _number, *others = found["facts"]
    return found | {
        "title": _("Credit note"),
        "facts": [_number, [_("To statement"), document["statement"]], *others],
        "owed": [_("Credited"), f"¥{yuan(document['net'])}"],
        "notes": [],
    }


def _totals(document: dict[str, Any]) -> list[list[str]]:
    """Figures that subtract: only what lowers the sum at once is taken off; what the payer claims
    back after paying is said below."""
    gross, net = Decimal(document["gross"]), Decimal(document["net"])
    claim_back = Decimal(document["voucher"]) - (gross - net)
    totals = [
        [_("Gross, VAT included"), yuan(gross)],
        [_("of which VAT"), yuan(document["tax"])],
        [_("Voucher deducted"), yuan(gross - net)],
    ]
    if claim_back:
        totals.append([_("of which can be claimed back"), yuan(claim_back)])
    return totals


def _party(party: dict[str, str]) -> list[str]:
    name = _named(party)
    found = [name, party["code"], party["address"], party["phone"]]
    if party["credit_code"]:
        found.append(_("Credit code %(code)s") % {"code": party["credit_code"]})
    return [text for text in found if text]


def _charge(charge: dict[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    start = datetime.fromisoformat(charge["start"]).astimezone(zone)
    end = datetime.fromisoformat(charge["end"]).astimezone(zone)
    until = f"{end:%H:%M}" if start.date() == end.date() else f"{end:%Y-%m-%d %H:%M}"
    return {
        "booking": charge["booking"],
        "instrument": _named(charge["instrument"]),
        "when": f"{start:%Y-%m-%d %H:%M} – {until}",
        "project": wording.projects(charge),
        "lines": [
            [
                wording.line(line["description"]),
                f"{line['quantity']} {wording.unit(line['unit'])}",
                yuan(line["unit_price"]),
                yuan(line["amount"]),
            ]
            for line in charge["lines"]
        ],
        "voucher": _voucher(charge),
    }


def _voucher(charge: dict[str, Any]) -> list[str]:
    if not Decimal(charge["voucher"]):
        return []
    if charge["settlement"] == "net":
        return [
            _("Voucher %(programme)s") % {"programme": charge["programme"]},
            f"−{yuan(charge['voucher'])}",
        ]
    return [
        _("Voucher %(programme)s: the payer claims it after paying")
        % {"programme": charge["programme"]},
        f"({yuan(charge['voucher'])})",
    ]


def _notes(document: dict[str, Any], provider: dict[str, str]) -> list[str]:
    notes = []
    if provider["bank_account"]:
        notes.append(
            _("Pay to %(name)s, %(bank)s, account %(account)s, with the number %(number)s.")
            % {
                "name": _named(provider),
                "bank": provider["bank_name"],
                "account": provider["bank_account"],
                "number": document["number"],
            }
        )
    return notes


def _named(thing: dict[str, str]) -> str:
    names = (thing["name_zh"], thing["name_en"])
    first, second = names if _is_chinese() else reversed(names)
    return first or second


def _is_chinese() -> bool:
    return (get_language() or "zh").startswith("zh")


def yuan(amount: str | Decimal) -> str:
    """`12,345.60`: documents always show the fen."""
    return f"{Decimal(amount):,.2f}"
