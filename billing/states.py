"""States of money: one table each, known to the actions and to the database triggers."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _


class ChargeState(models.TextChoices):
    IN_REVIEW = "in_review", _("In review")
    APPROVED = "approved", _("Approved")
    INVOICED = "invoiced", _("Invoiced")
    TRANSFERRED = "transferred", _("Transferred")
    DISPUTED = "disputed", _("Disputed")
    EXCEPTION = "exception", _("Exception")
    VOID = "void", _("Void")


CHARGE_TRANSITIONS = {
    ChargeState.IN_REVIEW: (
        ChargeState.APPROVED,
        ChargeState.TRANSFERRED,
        ChargeState.DISPUTED,
        ChargeState.VOID,
    ),
    ChargeState.DISPUTED: (ChargeState.IN_REVIEW, ChargeState.APPROVED, ChargeState.VOID),
    ChargeState.EXCEPTION: (ChargeState.IN_REVIEW, ChargeState.VOID),
    ChargeState.APPROVED: (ChargeState.INVOICED, ChargeState.DISPUTED, ChargeState.VOID),
    # By a credit note alone.
    ChargeState.INVOICED: (ChargeState.VOID,),
}


class RedemptionState(models.TextChoices):
    HELD = "held", _("Held")
    CAPTURED = "captured", _("Captured")
    CLAIMED = "claimed", _("Claimed")
    APPROVED = "approved", _("Approved")
    SETTLED = "settled", _("Settled")
    RELEASED = "released", _("Released")
    RETURNED = "returned", _("Returned")
    REJECTED = "rejected", _("Rejected")
    REVERSED = "reversed", _("Reversed")


REDEMPTION_TRANSITIONS = {
    RedemptionState.HELD: (RedemptionState.CAPTURED, RedemptionState.RELEASED),
    RedemptionState.CAPTURED: (RedemptionState.CLAIMED, RedemptionState.REVERSED),
    RedemptionState.CLAIMED: (
        RedemptionState.APPROVED,
        RedemptionState.RETURNED,
        RedemptionState.REJECTED,
    ),
    RedemptionState.RETURNED: (RedemptionState.CLAIMED, RedemptionState.REVERSED),
    RedemptionState.APPROVED: (RedemptionState.SETTLED,),
    RedemptionState.SETTLED: (RedemptionState.REVERSED,),
}


class ApplicationState(models.TextChoices):
    APPLIED = "applied", _("Applied for")
    GRANTED = "granted", _("Granted")
    DECLINED = "declined", _("Declined")
    WITHDRAWN = "withdrawn", _("Withdrawn")


APPLICATION_TRANSITIONS = {
    ApplicationState.APPLIED: (
        ApplicationState.GRANTED,
        ApplicationState.DECLINED,
        ApplicationState.WITHDRAWN,
    ),
}


class StatementState(models.TextChoices):
    DRAFT = "draft", _("Draft")
    ISSUED = "issued", _("Issued")
    CREDITED = "credited", _("Credited")
    WRITTEN_OFF = "written_off", _("Written off")


STATEMENT_TRANSITIONS = {
    StatementState.DRAFT: (StatementState.ISSUED,),
    StatementState.ISSUED: (StatementState.CREDITED, StatementState.WRITTEN_OFF),
}


class WriteOffState(models.TextChoices):
    PROPOSED = "proposed", _("Proposed")
    CONFIRMED = "confirmed", _("Confirmed")
    DECLINED = "declined", _("Declined")


WRITE_OFF_TRANSITIONS = {
    WriteOffState.PROPOSED: (WriteOffState.CONFIRMED, WriteOffState.DECLINED),
}


class FapiaoState(models.TextChoices):
    REQUESTED = "requested", _("Requested")
    EXPORTED = "exported", _("Exported")
    ISSUED = "issued", _("Issued")
    RED_LETTERED = "red_lettered", _("Red-lettered")
    WITHDRAWN = "withdrawn", _("Withdrawn")


FAPIAO_TRANSITIONS = {
    FapiaoState.REQUESTED: (FapiaoState.EXPORTED, FapiaoState.WITHDRAWN),
    FapiaoState.EXPORTED: (FapiaoState.ISSUED, FapiaoState.WITHDRAWN),
    FapiaoState.ISSUED: (FapiaoState.RED_LETTERED,),
}


class DispatchState(models.TextChoices):
    QUEUED = "queued", _("Waits to be sent")
    SENT = "sent", _("Sent")
    FAILED = "failed", _("Failed")


DISPATCH_TRANSITIONS = {
    DispatchState.QUEUED: (DispatchState.SENT, DispatchState.FAILED),
}


class ContractState(models.TextChoices):
    PROPOSED = "proposed", _("Proposed")
    APPROVED = "approved", _("Approved")
    DECLINED = "declined", _("Declined")


CONTRACT_TRANSITIONS = {
    ContractState.PROPOSED: (ContractState.APPROVED, ContractState.DECLINED),
}


class DrawState(models.TextChoices):
    HELD = "held", _("Held")
    USED = "used", _("Used")
    RELEASED = "released", _("Released")
    RETURNED = "returned", _("Given back")


DRAW_TRANSITIONS = {
    DrawState.HELD: (DrawState.USED, DrawState.RELEASED),
    # With a charge that is taken back.
    DrawState.USED: (DrawState.RETURNED,),
}


class DepositHoldState(models.TextChoices):
    HELD = "held", _("Held")
    KEPT = "kept", _("Charged")
    DRAWN = "drawn", _("Drawn")
    RELEASED = "released", _("Released")


DEPOSIT_HOLD_TRANSITIONS = {
    DepositHoldState.HELD: (DepositHoldState.KEPT, DepositHoldState.RELEASED),
    DepositHoldState.KEPT: (DepositHoldState.DRAWN, DepositHoldState.RELEASED),
}


class RefundState(models.TextChoices):
    ASKED = "asked", _("Asked for")
    DONE = "done", _("Paid out")
    WITHDRAWN = "withdrawn", _("Withdrawn")


REFUND_TRANSITIONS = {
    RefundState.ASKED: (RefundState.DONE, RefundState.WITHDRAWN),
}


def pairs(table: Mapping[Any, Iterable[Any]]) -> list[tuple[str, str]]:
    """A transition table as the (from, to) pairs that the database trigger wants."""
    return [(str(origin), str(target)) for origin, targets in table.items() for target in targets]
