"""How credit notes, write-offs, mails and ageing look from outside. CNY, two places."""

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from billing.api.filters import ProviderFilterSerializer
from billing.models import (
    BillingSettings,
    CreditNote,
    Dispatch,
    HourPackage,
    WriteOff,
)
from billing.models.settings import MOST_DAYS
from billing.statement_queries import Aged, Open
from billing.states import WriteOffState
from institutions.api.fields import ExactSerializer
from kernel.money import CURRENCY


class CurrencySerializer(serializers.Serializer[Any]):
    currency = serializers.SerializerMethodField()

    def get_currency(self, _row: Any) -> str:
        return CURRENCY


class CreditNoteSerializer(CurrencySerializer, serializers.ModelSerializer[CreditNote]):
    """What is no longer owed; the sums are positive, `tax` is the VAT contained in `gross`."""

    statement = serializers.CharField(source="statement.reference")
    statement_number = serializers.CharField(source="statement.number")
    charge = serializers.CharField(source="charge.reference")
    provider = serializers.CharField(source="provider.code")
    payer = serializers.CharField(source="payer.code")

    class Meta:
        model = CreditNote
        fields = [
            "reference",
            "number",
            "statement",
            "statement_number",
            "charge",
            "provider",
            "payer",
            "currency",
            "gross",
            "voucher",
            "net",
            "tax",
            "reason",
            "issued_at",
        ]


class CreditBodySerializer(ExactSerializer):
    """`charge` is a reference; with `recharge` (a gross, no more than the old one) a new charge,
    in review, takes its place."""

    charge = serializers.CharField(max_length=16)
    reason = serializers.CharField(max_length=500)
    recharge = serializers.DecimalField(
        max_digits=12,
        decimal_places=2,
        min_value=Decimal(0),
        required=False,
        allow_null=True,
        default=None,
    )


class PartiesFilterSerializer(ProviderFilterSerializer):
    """The list's filters; `statement` is a reference."""

    payer = serializers.CharField(max_length=20, required=False)
    statement = serializers.CharField(max_length=16, required=False)


class WriteOffSerializer(CurrencySerializer, serializers.ModelSerializer[WriteOff]):
    statement = serializers.CharField(source="statement.reference")
    provider = serializers.CharField(source="statement.provider.code")
    payer = serializers.CharField(source="statement.payer.code")
    state = serializers.ChoiceField(choices=WriteOffState.choices)
    proposed_by = serializers.CharField(source="proposed_by.email")
    decided_by = serializers.CharField(source="decided_by.email", allow_null=True, default=None)

    class Meta:
        model = WriteOff
        fields = [
            "reference",
            "statement",
            "provider",
            "payer",
            "state",
            "currency",
            "amount",
            "reason",
            "proposed_by",
            "proposed_at",
            "decided_by",
            "decided_at",
        ]


class WriteOffBodySerializer(ExactSerializer):
    """Over all that is open on the statement (a reference)."""

    statement = serializers.CharField(max_length=16)
    reason = serializers.CharField(max_length=500)


class WriteOffFilterSerializer(PartiesFilterSerializer):
    state = serializers.ChoiceField(choices=WriteOffState.choices, required=False)


class DispatchSerializer(serializers.ModelSerializer[Dispatch]):
    """One mail to one person."""

    statement = serializers.CharField(source="statement.reference")
    credit_note = serializers.CharField(
        source="credit_note.reference", allow_null=True, default=None
    )
    level = serializers.IntegerField(source="reminder.level", allow_null=True, default=None)
    recipient = serializers.CharField(source="recipient.email")

    class Meta:
        model = Dispatch
        fields = [
            "id",
            "kind",
            "statement",
            "credit_note",
            "level",
            "recipient",
            "state",
            "attempts",
            "created_at",
            "done_at",
        ]


class DispatchFilterSerializer(ProviderFilterSerializer):
    """`statement` is a reference."""

    statement = serializers.CharField(max_length=16, required=False)


class OpenSerializer(serializers.Serializer[Open]):
    """`document` is the reference of a statement or of a package of hours."""

    document = serializers.SerializerMethodField()
    number = serializers.SerializerMethodField()
    since = serializers.DateTimeField()
    days = serializers.IntegerField()
    amount = serializers.DecimalField(max_digits=14, decimal_places=2)

    def get_document(self, row: Open) -> str | None:
        return row.document.reference if row.document else None

    def get_number(self, row: Open) -> str | None:
        return None if isinstance(row.document, HourPackage | None) else row.document.number


class AgedSerializer(CurrencySerializer):
    """What one payer owes, by days since it was posted; negative where the payer has credit."""

    payer = serializers.CharField(source="payer.code")
    total = serializers.DecimalField(max_digits=14, decimal_places=2)
    up_to_30 = serializers.SerializerMethodField()
    up_to_60 = serializers.SerializerMethodField()
    up_to_90 = serializers.SerializerMethodField()
    over_90 = serializers.SerializerMethodField()
    open = OpenSerializer(many=True)

    def get_up_to_30(self, row: Aged) -> str:
        return f"{row.ages[0]:.2f}"

    def get_up_to_60(self, row: Aged) -> str:
        return f"{row.ages[1]:.2f}"

    def get_up_to_90(self, row: Aged) -> str:
        return f"{row.ages[2]:.2f}"

    def get_over_90(self, row: Aged) -> str:
        return f"{row.ages[3]:.2f}"


class BillingSettingsSerializer(serializers.ModelSerializer[BillingSettings]):
    institution = serializers.CharField(source="institution.code")

    class Meta:
        model = BillingSettings
        fields = [
            "institution",
            "review_days",
            "payment_days",
            "reminder_days",
            "mails_payers",
            "wants_mail",
        ]


class BillingSettingsBodySerializer(serializers.Serializer[Any]):
    """What is left out stays as it is."""

    review_days = serializers.IntegerField(
        min_value=1, max_value=MOST_DAYS, required=False, allow_null=True
    )
    payment_days = serializers.IntegerField(min_value=0, max_value=MOST_DAYS, required=False)
    reminder_days = serializers.ListField(
        child=serializers.IntegerField(min_value=0, max_value=MOST_DAYS),
        max_length=5,
        required=False,
    )
    mails_payers = serializers.BooleanField(required=False)
    wants_mail = serializers.BooleanField(required=False)
