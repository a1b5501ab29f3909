"""Tax and bank details: who edits them, what is refused, and the history of it."""

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
        values={"phone": "021-1", "bank_account": "6222", "code": "OTHER"},
    )
    saved.refresh_from_db()
    assert (saved.phone, saved.bank_account, saved.code) == ("021-1", "6222", "LAB-SH")
    events = Institution.pgh_event_model.objects.filter(pgh_obj=saved)
    found = {one.field: one for one in changes(events, EDITABLE) if one.by}
    assert set(found) == {"phone", "bank_account"}
    assert found["phone"].by == administrator
    assert (found["phone"].before, found["phone"].after) == ("", "021-1")


def test_nobody_else_edits_them(cast: Cast) -> None:
    elsewhere = f.person(cast.suzhou_firm, Role.ADMINISTRATOR)
    for person in (cast.billing_office, cast.manager, cast.stranger, elsewhere):
        with pytest.raises(NotAllowed):
            edit_billing_details(
                by=person, institution=cast.shanghai_lab, values={"bank_account": "1"}
            )


def test_refuses_what_is_no_credit_code(cast: Cast, administrator: User) -> None:
    values = {"credit_code": "123456789012345679"}
    with pytest.raises(Refused) as caught:
        edit_billing_details(by=administrator, institution=cast.shanghai_lab, values=values)
    assert [refusal.code for refusal in caught.value.refusals] == ["credit_code_invalid"]


def test_refuses_the_code_of_another(cast: Cast, administrator: User) -> None:

    code = "9131011500000000" + "0"
    code += uscc.calc_check_digit(code)
    Institution.objects.filter(pk=cast.suzhou_firm.pk).update(credit_code=code)
    with pytest.raises(Refused) as caught:
        edit_billing_details(
            by=administrator, institution=cast.shanghai_lab, values={"credit_code": code}
        )
    assert [refusal.code for refusal in caught.value.refusals] == ["credit_code_taken"]
