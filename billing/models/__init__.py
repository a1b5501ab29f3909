from billing.models.charge import Charge, ChargeEvent, ChargeKind, ChargeLine
from billing.models.contract import ContractPrice
from billing.models.hours import HourDraw, HourKind, HourPackage
from billing.models.ledger import Account, LedgerEntry, Posting
from billing.models.programme import Programme, ProgrammeTerms, Settlement
from billing.models.statement import NumberCounter, Statement, StatementLine
from billing.models.voucher import Allotment, Pool, Redemption

__all__ = [
    "Account",
    "Allotment",
    "Charge",
    "ChargeEvent",
    "ChargeKind",
    "ChargeLine",
    "ContractPrice",
    "HourDraw",
    "HourKind",
    "HourPackage",
    "LedgerEntry",
    "NumberCounter",
    "Pool",
    "Posting",
    "Programme",
    "ProgrammeTerms",
    "Redemption",
    "Settlement",
    "Statement",
    "StatementLine",
]
