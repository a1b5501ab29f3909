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
from billing.documents import by_rate, decimal_text
from billing.measures import number_of, word_of

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
    """Everything that the template prints, as strings in the active language. What is the same
    in every language (numbers, codes) stands by itself, so that side by side it stands once."""
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
        "reason": [],
        "columns": [
            _("Booking"),
            _("Service"),
            _("Quantity"),
            _("Price"),
            _("Amount (¥)"),
        ],
        "charges": [_charge(charge, zone) for charge in document["charges"]],
        "rates": [
            [_("VAT rate"), _("Without VAT"), _("VAT"), _("VAT included")],
            *_rates(document),
        ],
        "totals": _totals(document),
        "owed": [_("To be paid"), f"¥{yuan(document['net'])}"],
        "payee": _payee(document, provider),
    }


def _due(document: dict[str, Any]) -> list[list[str]]:
    """Documents of the first version do not say it."""
    due_on = document.get("due_on")
    return [[_("To pay by"), due_on]] if due_on else []


def _credit_note(document: dict[str, Any]) -> dict[str, Any]:
    """A credit note looks as the statement that it takes from."""
    found = _statement(document)
    _number, *others = found["facts"]
    reason = document.get("reason")
    return found | {
        "title": _("Credit note"),
        "facts": [_number, [_("To statement"), document["statement"]], *others],
        "reason": [_("Reason"), reason] if reason else [],
        "owed": [_("Credited"), f"¥{yuan(document['net'])}"],
        "payee": [],
    }


def _rates(document: dict[str, Any]) -> list[list[str]]:
    """One line for each rate of VAT: the rate, the sum without VAT, the VAT, the sum with it."""
    return [
        [f"{decimal_text(one.rate * 100)} %", yuan(one.net), yuan(one.tax), yuan(one.gross)]
        for one in by_rate(document["charges"])
    ]


def _totals(document: dict[str, Any]) -> list[list[str]]:
    """Figures that subtract: only what lowers the sum at once is taken off; what the payer claims
    back after paying is said below."""
    gross, net = Decimal(document["gross"]), Decimal(document["net"])
    claim_back = Decimal(document["voucher"]) - (gross - net)
    totals = [
        [_("Gross, VAT included"), yuan(gross)],
        [_("of which VAT"), yuan(document["tax"])],
        [_("Voucher deducted"), less(gross - net)],
    ]
    if claim_back:
        totals.append([_("of which can be claimed back"), yuan(claim_back)])
    return totals


def _party(party: dict[str, str]) -> list[list[str]]:
    """Lines of a label, or none, and what it says."""
    lines = [
        ["", _named(party)],
        ["", party["code"]],
        ["", party["address"]],
        ["", party["phone"]],
        [_("Credit code"), party["credit_code"]],
    ]
    return [[label, text] for label, text in lines if text]


def _charge(charge: dict[str, Any], zone: ZoneInfo) -> dict[str, Any]:
    start = datetime.fromisoformat(charge["start"]).astimezone(zone)
    end = datetime.fromisoformat(charge["end"]).astimezone(zone)
    until = f"{end:%H:%M}" if start.date() == end.date() else f"{end:%Y-%m-%d %H:%M}"
    return {
        "booking": charge["booking"],
        "reference": charge["reference"],
        "instrument": _named(charge["instrument"]),
        "when": f"{start:%Y-%m-%d %H:%M} – {until}",
        "projects": wording.bearers(charge),
        "lines": [
            [
                wording.line(line["description"]),
                [
                    number_of(line["quantity"], line["unit"]),
                    word_of(line["quantity"], line["unit"]),
                ],
                yuan(line["unit_price"]),
                yuan(line["amount"]),
            ]
            for line in charge["lines"]
        ],
        "voucher": _voucher(charge),
    }


def _voucher(charge: dict[str, Any]) -> list[str]:
    """Label, programme, amount."""
    if not Decimal(charge["voucher"]):
        return []
    why = wording.voucher_limit(charge.get("voucher_limit", ""))
    programme = f"{charge['programme']} · {why}" if why else charge["programme"]
    if charge["settlement"] == "net":
        return [_("Voucher"), programme, less(charge["voucher"])]
    return [
        _("Voucher, claimed by the payer after paying:"),
        programme,
        f"({yuan(charge['voucher'])})",
    ]


def _payee(document: dict[str, Any], provider: dict[str, str]) -> list[list[str]]:
    if not provider["bank_account"]:
        return []
    facts = [
        [_("Pay to"), _named(provider)],
        [_("Bank"), provider["bank_name"]],
        [_("Bank account"), provider["bank_account"]],
        [_("Naming the number"), document["number"]],
    ]
    return [[label, text] for label, text in facts if text]


def _named(thing: dict[str, str]) -> str:
    names = (thing["name_zh"], thing["name_en"])
    first, second = names if _is_chinese() else reversed(names)
    return first or second


def _is_chinese() -> bool:
    return (get_language() or "zh").startswith("zh")


def yuan(amount: str | Decimal) -> str:
    """`12,345.60`: documents always show the fen."""
    return f"{Decimal(amount):,.2f}"


def less(amount: str | Decimal) -> str:
    """The same of what is taken off: `−12,345.60`."""
    return f"−{yuan(amount)}" if Decimal(amount) else yuan(amount)
