"""What stands on the demo's statements and fapiao is well-formed, and nobody's."""

import pytest
from stdnum.cn import uscc

from demo.details import enter_details
from demo.people import OFFICES, ORGANISATIONS
from institutions.models import Institution
from tests import factories as f


@pytest.mark.django_db
def test_every_party_of_the_demo_has_invented_bank_and_tax_details() -> None:
    payers = [code for code, *_rest, kind, _region in ORGANISATIONS if kind == "enterprise"]
    parties = {code: f.InstitutionFactory(code=code) for code in (*OFFICES, *payers)}
    enter_details(parties)
    found = Institution.objects.filter(code__in=parties)
    assert len({one.bank_account for one in found}) == len(parties) == 6
    for one in found:
        assert uscc.is_valid(one.credit_code)
        # No region has this number, no bank this name.
        assert one.credit_code[2:8] == "000000"
        assert one.bank_name.startswith("演示银行")
        assert one.bank_account.startswith("DEMO ")
        assert "演示" in one.address
