"""The shapes of ledger entries, closed months and deposits."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from billing.api.filters import ProviderFilterSerializer
from billing.api.shapes import MonthField
from billing.models import (
    Account,
    AccountingMonth,
    DepositAccount,
    DepositKind,
    DepositMove,
    DepositRefund,
    LedgerEntry,
    Posting,
)
from billing.states import RefundState
from institutions.api.fields import ExactSerializer
from kernel.money import CURRENCY


@extend_schema_field(OpenApiTypes.STR)
class MonthShownField(serializers.DateField):
    """A month as it goes out: `2026-03`."""

    def __init__(self, **options: Any) -> None:
        super().__init__(format="%Y-%m", read_only=True, **options)


class _InCurrency(serializers.Serializer[Any]):
    currency = serializers.SerializerMethodField()

    def get_currency(self, row: Any) -> str:
        return CURRENCY


class PostingSerializer(serializers.ModelSerializer[Posting]):
    """`amount` in CNY: positive is debit, negative is credit."""

    account = serializers.ChoiceField(choices=Account.choices)
    party = serializers.CharField(source="party.code", allow_null=True, default=None)
    region = serializers.CharField(source="region.code", allow_null=True, default=None)
    project = serializers.CharField(source="project.code", allow_null=True, default=None)

    class Meta:
        model = Posting
        fields = ["account", "amount", "party", "region", "project"]


class DocumentSerializer(serializers.Serializer[Any]):
    """What an entry came from."""

    kind = serializers.CharField()
    reference = serializers.CharField()


class LedgerEntrySerializer(_InCurrency, serializers.ModelSerializer[LedgerEntry]):
    """`reverses` is the id of the entry that this one takes back."""

    institution = serializers.CharField(source="institution.code")
    month = MonthShownField(source="period")
    document = serializers.SerializerMethodField()
    reverses = serializers.IntegerField(source="reverses_id", allow_null=True)
    postings = PostingSerializer(many=True)

    class Meta:
        model = LedgerEntry
        fields = [
            "id",
            "institution",
            "at",
            "month",
            "kind",
            "document",
            "reverses",
            "currency",
            "postings",
        ]

    @extend_schema_field(DocumentSerializer)
    def get_document(self, entry: LedgerEntry) -> dict[str, str]:
        document: Any = entry.document
        return {"kind": entry.document_kind, "reference": document.reference}


class EntryFilterSerializer(serializers.Serializer[Any]):
    """`party` is an institution's code."""

    institution = serializers.CharField(max_length=20, required=False)
    account = serializers.ChoiceField(choices=Account.choices, required=False)
    month = MonthField(required=False)
    party = serializers.CharField(max_length=20, required=False)
    kind = serializers.CharField(max_length=30, required=False)


class AccountingMonthSerializer(serializers.ModelSerializer[AccountingMonth]):
    """This month, and all before it, is closed."""

    institution = serializers.CharField(source="institution.code")
    month = MonthShownField()
    closed_by = serializers.CharField(source="closed_by.email")

    class Meta:
        model = AccountingMonth
        fields = ["institution", "month", "closed_at", "closed_by"]


class MonthBodySerializer(ExactSerializer):
    institution = serializers.CharField(max_length=20)
    month = MonthField()


class MonthFilterSerializer(serializers.Serializer[Any]):
    institution = serializers.CharField(max_length=20, required=False)


class DepositSerializer(_InCurrency, serializers.ModelSerializer[DepositAccount]):
    """`available = balance + credit_limit − held`; `demanded` is null where the account does as
    the provider does with everybody."""

    provider = serializers.CharField(source="provider.code")
    payer = serializers.CharField(source="payer.code")
    available = serializers.DecimalField(max_digits=14, decimal_places=2)
    demanded = serializers.BooleanField(source="is_demanded", allow_null=True)

    class Meta:
        model = DepositAccount
        fields = [
            "id",
            "provider",
            "payer",
            "balance",
            "held",
            "credit_limit",
            "available",
            "currency",
            "demanded",
        ]


class PartiesFilterSerializer(ProviderFilterSerializer):
    payer = serializers.CharField(max_length=20, required=False)


class DepositTermsBodySerializer(ExactSerializer):
    provider = serializers.CharField(max_length=20)
    payer = serializers.CharField(max_length=20)
    credit_limit = serializers.DecimalField(max_digits=14, decimal_places=2)
    demanded = serializers.BooleanField(allow_null=True, required=False, default=None)


class DemandSerializer(serializers.Serializer[Any]):
    """Whether a provider wants every payer's bookings covered."""

    provider = serializers.CharField(max_length=20)
    demanded = serializers.BooleanField()


class MoveSerializer(_InCurrency, serializers.ModelSerializer[DepositMove]):
    """`amount` in CNY: positive came in, negative went out."""

    provider = serializers.CharField(source="account.provider.code")
    payer = serializers.CharField(source="account.payer.code")
    kind = serializers.ChoiceField(choices=DepositKind.choices)
    statement = serializers.CharField(source="statement.reference", allow_null=True, default=None)
    refund = serializers.CharField(source="refund.reference", allow_null=True, default=None)
    reverses = serializers.CharField(source="reverses.reference", allow_null=True, default=None)
    credit_note = serializers.CharField(
        source="credit_note.reference", allow_null=True, default=None
    )

    class Meta:
        model = DepositMove
        fields = [
            "reference",
            "provider",
            "payer",
            "kind",
            "amount",
            "currency",
            "statement",
            "refund",
            "reverses",
            "credit_note",
            "bank_reference",
            "reason",
            "at",
        ]


class MoveFilterSerializer(PartiesFilterSerializer):
    kind = serializers.ChoiceField(choices=DepositKind.choices, required=False)


class PayInBodySerializer(ExactSerializer):
    provider = serializers.CharField(max_length=20)
    payer = serializers.CharField(max_length=20)
    amount = serializers.DecimalField(max_digits=14, decimal_places=2)
    bank_reference = serializers.CharField(max_length=100)


class DepositReasonSerializer(serializers.Serializer[Any]):
    reason = serializers.CharField(max_length=500)


class RefundSerializer(_InCurrency, serializers.ModelSerializer[DepositRefund]):
    """Asked for by one, paid out by another."""

    provider = serializers.CharField(source="account.provider.code")
    payer = serializers.CharField(source="account.payer.code")
    state = serializers.ChoiceField(choices=RefundState.choices)

    class Meta:
        model = DepositRefund
        fields = [
            "reference",
            "provider",
            "payer",
            "amount",
            "currency",
            "state",
            "reason",
            "asked_at",
            "decided_at",
        ]


class RefundFilterSerializer(PartiesFilterSerializer):
    state = serializers.ChoiceField(choices=RefundState.choices, required=False)


class RefundBodySerializer(ExactSerializer):
    provider = serializers.CharField(max_length=20)
    payer = serializers.CharField(max_length=20)
    amount = serializers.DecimalField(max_digits=14, decimal_places=2)
    reason = serializers.CharField(max_length=500)


class PayOutBodySerializer(ExactSerializer):
    bank_reference = serializers.CharField(max_length=100)
