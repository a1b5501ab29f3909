"""Bank and tax details of the demo's parties. All invented, and seen to be: the credit codes check,
but are of region 000000 that nobody is registered in, and no bank has such a name or account."""

from collections.abc import Mapping

from institutions.models import Institution

# code, credit code, address, telephone, town of the bank's branch
_DETAILS = (
    ("FDU", "12000000DEM000001E", "上海市杨浦区演示路 1 号", "021-00000001", "上海"),
    ("SUDA", "12000000DEM000002H", "苏州市姑苏区演示路 2 号", "0512-00000002", "苏州"),
    ("NANOX", "12000000DEM000003L", "苏州工业园区演示路 3 号", "0512-00000003", "苏州"),
    ("DEMO-SZ", "91000000DEM000011A", "苏州工业园区演示路 11 号", "0512-00000011", "苏州"),
    ("DEMO-SH", "91000000DEM000012D", "上海市浦东新区演示路 12 号", "021-00000012", "上海"),
    ("DEMO-WJ", "91000000DEM000013G", "苏州市吴江区演示路 13 号", "0512-00000013", "苏州"),
)


def enter_details(institutions: Mapping[str, Institution]) -> None:
    """Comes before the first statement and the first request for a fapiao."""
    for count, (code, credit_code, address, phone, town) in enumerate(_DETAILS, start=1):
        institution = institutions[code]
        institution.credit_code = credit_code
        institution.address, institution.phone = address, phone
        institution.bank_name = f"演示银行{town}分行"
        institution.bank_account = f"DEMO {count:016}"
        institution.save(
            update_fields=["credit_code", "address", "phone", "bank_name", "bank_account"]
        )
