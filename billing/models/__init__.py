from billing.models.admission import Admission
from billing.models.application import Application, Certificate, CertificateFile, CertificateKind
from billing.models.charge import Charge, ChargeEvent, ChargeKind, ChargeLine
from billing.models.contract import ContractPrice
from billing.models.deposit import (
    DepositAccount,
    DepositHold,
    DepositKind,
    DepositMove,
    DepositRefund,
)
from billing.models.hours import HourDraw, HourKind, HourPackage
from billing.models.internal import InternalExport, InternalExportLine
from billing.models.ledger import Account, LedgerEntry, Posting
from billing.models.month import AccountingMonth
from billing.models.programme import (
    CapPer,
    EnterpriseSize,
    Evidence,
    Programme,
    ProgrammeTerms,
    Settlement,
)
from billing.models.redemption import Redemption
from billing.models.settings import BillingSettings
from billing.models.statement import NumberCounter, Statement, StatementLine
from billing.models.voucher import Allotment, AllotmentEvent, Pool

__all__ = [
    "Account",
    "AccountingMonth",
    "Admission",
    "Allotment",
    "AllotmentEvent",
    "Application",
    "BillingSettings",
    "CapPer",
    "Certificate",
    "CertificateFile",
    "CertificateKind",
    "Charge",
    "ChargeEvent",
    "ChargeKind",
    "ChargeLine",
    "ContractPrice",
    "DepositAccount",
    "DepositHold",
    "DepositKind",
    "DepositMove",
    "DepositRefund",
    "EnterpriseSize",
    "Evidence",
    "HourDraw",
    "HourKind",
    "HourPackage",
    "InternalExport",
    "InternalExportLine",
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
