"""How credit notes, write-offs, fapiao, mails and ageing look from outside. CNY, two places."""

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from billing.models import (
    BillingSettings,
    BuyerKind,
    CreditNote,
    Dispatch,
    FapiaoExport,
    FapiaoKind,
    FapiaoRequest,
    HourPackage,
    WriteOff,
)
from billing.models.settings import MOST_DAYS
from billing.statement_queries import Aged, Open
from billing.states import FapiaoState, WriteOffState
from kernel.money import CURRENCY


class _Currency(serializers.Serializer[Any]):
    currency = serializers.SerializerMethodField()

    def get_currency(self, _row: Any) -> str:
        return CURRENCY


class CreditNoteSerializer(_Currency, serializers.ModelSerializer[CreditNote]):
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


class CreditBodySerializer(serializers.Serializer[Any]):
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


class PartiesFilterSerializer(serializers.Serializer[Any]):
    """The list's filters; `statement` is a reference."""

    provider = serializers.CharField(max_length=20, required=False)
    payer = serializers.CharField(max_length=20, required=False)
    statement = serializers.CharField(max_length=16, required=False)


class WriteOffSerializer(_Currency, serializers.ModelSerializer[WriteOff]):
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


class WriteOffBodySerializer(serializers.Serializer[Any]):
    """Over all that is open on the statement (a reference)."""

    statement = serializers.CharField(max_length=16)
    reason = serializers.CharField(max_length=500)


class WriteOffFilterSerializer(PartiesFilterSerializer):
    state = serializers.ChoiceField(choices=WriteOffState.choices, required=False)


class FapiaoSerializer(_Currency, serializers.ModelSerializer[FapiaoRequest]):
    """A request; one with an `original` is the red letter that takes (part of) that one back."""

    statement = serializers.CharField(source="statement.reference")
    original = serializers.CharField(source="original.reference", allow_null=True, default=None)
    credit_note = serializers.CharField(
        source="credit_note.reference", allow_null=True, default=None
    )
    provider = serializers.CharField(source="statement.provider.code")
    payer = serializers.CharField(source="statement.payer.code")
    state = serializers.ChoiceField(choices=FapiaoState.choices)
    export = serializers.CharField(source="export.reference", allow_null=True, default=None)

    class Meta:
        model = FapiaoRequest
        fields = [
            "reference",
            "statement",
            "original",
            "credit_note",
            "provider",
            "payer",
            "state",
            "kind",
            "seller_name",
            "seller_tax_number",
            "buyer_kind",
            "buyer_name",
            "buyer_tax_number",
            "address",
            "phone",
            "bank_name",
            "bank_account",
            "currency",
            "gross",
            "net",
            "tax",
            "drawer",
            "remarks",
            "after_payment",
            "requested_at",
            "export",
            "number",
            "code",
            "issued_on",
        ]


class FapiaoBodySerializer(serializers.Serializer[Any]):
    """What is left out is taken from the payer's own details."""

    statement = serializers.CharField(max_length=16)
    kind = serializers.ChoiceField(choices=FapiaoKind.choices)
    buyer_kind = serializers.ChoiceField(choices=BuyerKind.choices, required=False)
    buyer_name = serializers.CharField(max_length=200, required=False)
    buyer_tax_number = serializers.CharField(max_length=20, allow_blank=True, required=False)
    address = serializers.CharField(max_length=300, allow_blank=True, required=False)
    phone = serializers.CharField(max_length=40, allow_blank=True, required=False)
    bank_name = serializers.CharField(max_length=200, allow_blank=True, required=False)
    bank_account = serializers.CharField(max_length=40, allow_blank=True, required=False)
    drawer = serializers.CharField(max_length=60, allow_blank=True, required=False)
    remarks = serializers.CharField(max_length=200, allow_blank=True, required=False)
    after_payment = serializers.BooleanField(required=False)


class FapiaoFilterSerializer(PartiesFilterSerializer):
    state = serializers.ChoiceField(choices=FapiaoState.choices, required=False)


class FapiaoNumberSerializer(serializers.Serializer[Any]):
    """Twenty digits and no code, or eight with a code of ten or twelve."""

    number = serializers.CharField(max_length=20)
    code = serializers.CharField(max_length=12, allow_blank=True, required=False, default="")
    issued_on = serializers.DateField()


class FapiaoExportSerializer(serializers.ModelSerializer[FapiaoExport]):
    provider = serializers.CharField(source="provider.code")
    requests = serializers.SlugRelatedField(slug_field="reference", many=True, read_only=True)  # type: ignore[var-annotated]

    class Meta:
        model = FapiaoExport
        fields = ["reference", "provider", "at", "requests"]


class ProviderSerializer(serializers.Serializer[Any]):
    provider = serializers.CharField(max_length=20)


class ProviderFilterSerializer(serializers.Serializer[Any]):
    provider = serializers.CharField(max_length=20, required=False)


class FileFilterSerializer(serializers.Serializer[Any]):
    type = serializers.ChoiceField(choices=["csv", "xlsx"], required=False, default="csv")


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


class DispatchFilterSerializer(serializers.Serializer[Any]):
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


class AgedSerializer(_Currency):
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
