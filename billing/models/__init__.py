from billing.models.admission import Admission
from billing.models.application import Application, Certificate, CertificateFile, CertificateKind
from billing.models.charge import Charge, ChargeEvent, ChargeKind, ChargeLine
from billing.models.charge_allocation import ChargeAllocation
from billing.models.contract import ContractPrice
from billing.models.credit import CreditNote
from billing.models.deposit import DepositAccount
from billing.models.deposit_rows import DepositHold, DepositKind, DepositMove, DepositRefund
from billing.models.dispatch import Dispatch, DispatchKind, Reminder
from billing.models.fapiao import BuyerKind, FapiaoExport, FapiaoKind, FapiaoRequest
from billing.models.hours import HourDraw, HourKind, HourPackage
from billing.models.internal import InternalExport, InternalExportLine
from billing.models.ledger import Account, LedgerEntry, Posting
from billing.models.month import AccountingMonth
from billing.models.numbering import NumberCounter, Series
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
from billing.models.statement import Statement, StatementKind, StatementLine
from billing.models.voucher import Allotment, AllotmentEvent, Pool
from billing.models.write_off import WriteOff

__all__ = [
    "Account",
    "AccountingMonth",
    "Admission",
    "Allotment",
    "AllotmentEvent",
    "Application",
    "BillingSettings",
    "BuyerKind",
    "CapPer",
    "Certificate",
    "CertificateFile",
    "CertificateKind",
    "Charge",
    "ChargeAllocation",
    "ChargeEvent",
    "ChargeKind",
    "ChargeLine",
    "ContractPrice",
    "CreditNote",
    "DepositAccount",
    "DepositHold",
    "DepositKind",
    "DepositMove",
    "DepositRefund",
    "Dispatch",
    "DispatchKind",
    "EnterpriseSize",
    "Evidence",
    "FapiaoExport",
    "FapiaoKind",
    "FapiaoRequest",
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
    "Reminder",
    "Series",
    "Settlement",
    "Statement",
    "StatementKind",
    "StatementLine",
    "WriteOff",
]
