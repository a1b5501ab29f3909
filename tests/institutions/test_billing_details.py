"""Tax and bank details: who edits them, what is refused, and the history of it."""

from decimal import Decimal

import pytest
from stdnum.cn import uscc

from institutions.actions.edit_billing_details import EDITABLE, edit_billing_details
from institutions.history import changes
from institutions.models import Institution, Role, User
from kernel.refusals import NotAllowed, Refused
from tests import factories as f
from tests.conftest import Cast


@pytest.fixture
def administrator(cast: Cast) -> User:
    return f.person(cast.shanghai_lab, Role.ADMINISTRATOR)


def test_an_administrator_edits_and_the_history_says_who(cast: Cast, administrator: User) -> None:
    saved = edit_billing_details(
        by=administrator,
        institution=cast.shanghai_lab,
        values={"vat_rate": Decimal("0.130"), "bank_account": "6222", "code": "OTHER"},
    )
    saved.refresh_from_db()
    assert (saved.vat_rate, saved.bank_account, saved.code) == (Decimal("0.130"), "6222", "LAB-SH")
    events = Institution.pgh_event_model.objects.filter(pgh_obj=saved)
    found = {one.field: one for one in changes(events, EDITABLE) if one.by}
    assert set(found) == {"vat_rate", "bank_account"}
    assert found["vat_rate"].by == administrator
    assert (found["vat_rate"].before, found["vat_rate"].after) == (
        Decimal("0.060"),
        Decimal("0.130"),
    )


def test_nobody_else_edits_them(cast: Cast) -> None:
    elsewhere = f.person(cast.suzhou_firm, Role.ADMINISTRATOR)
    for person in (cast.billing_office, cast.manager, cast.stranger, elsewhere):
        with pytest.raises(NotAllowed):
            edit_billing_details(
                by=person, institution=cast.shanghai_lab, values={"bank_account": "1"}
            )


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"vat_rate": Decimal(1)}, "vat_rate_out_of_range"),
        ({"vat_rate": Decimal("-0.01")}, "vat_rate_out_of_range"),
        ({"vat_rate": Decimal("NaN")}, "vat_rate_out_of_range"),
        ({"credit_code": "123456789012345679"}, "credit_code_invalid"),
    ],
)
def test_refuses_what_cannot_be(
    cast: Cast, administrator: User, values: dict[str, object], code: str
) -> None:
    with pytest.raises(Refused) as caught:
        edit_billing_details(by=administrator, institution=cast.shanghai_lab, values=values)
    assert [refusal.code for refusal in caught.value.refusals] == [code]


def test_refuses_the_code_of_another(cast: Cast, administrator: User) -> None:

    code = "9131011500000000" + "0"
    code += uscc.calc_check_digit(code)
    Institution.objects.filter(pk=cast.suzhou_firm.pk).update(credit_code=code)
    with pytest.raises(Refused) as caught:
        edit_billing_details(
            by=administrator, institution=cast.shanghai_lab, values={"credit_code": code}
        )
    assert [refusal.code for refusal in caught.value.refusals] == ["credit_code_taken"]
