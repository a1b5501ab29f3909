"""Bank and tax details of the demo's parties. All invented, and seen to be: the credit codes check,
but are of region 000000 that nobody is registered in, and no bank has such a name or account."""

from collections.abc import Mapping

from institutions.models import Institution

# code, credit code, address, telephone, bank
_DETAILS = (
    ("FDU", "12000000DEM000001E", "上海市杨浦区演示路 1 号", "021-00000001", "演示银行上海分行"),
    ("SUDA", "12000000DEM000002H", "苏州市姑苏区演示路 2 号", "0512-00000002", "演示银行苏州分行"),
    ("NANOX", "12000000DEM000003L", "苏州工业园区演示路 3 号", "0512-00000003", "演示银行苏州分行"),
    ("DEMO-SZ", "91000000DEM000011A", "苏州工业园区演示路 11 号", "0512-00000011", "演示银行苏州分行"),
    ("DEMO-SH", "91000000DEM000012D", "上海市浦东新区演示路 12 号", "021-00000012", "演示银行上海分行"),
    ("DEMO-WJ", "91000000DEM000013G", "苏州市吴江区演示路 13 号", "0512-00000013", "演示银行苏州分行"),
)  # fmt: skip
_NAMES = ("credit_code", "address", "phone", "bank_name")


def enter_details(institutions: Mapping[str, Institution]) -> None:
    """Comes before the first statement and the first request for a fapiao."""
    for count, (code, *values) in enumerate(_DETAILS, start=1):
        institution = institutions[code]
        for name, value in zip(_NAMES, values, strict=True):
            setattr(institution, name, value)
        institution.bank_account = f"DEMO {count:016}"
        institution.save(update_fields=[*_NAMES, "bank_account"])
