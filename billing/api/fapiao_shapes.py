"""How requests for fapiao and their exports look from outside. CNY, two places."""

from typing import Any

from rest_framework import serializers

from billing.api.document_shapes import CurrencySerializer, PartiesFilterSerializer
from billing.models import BuyerKind, FapiaoExport, FapiaoKind, FapiaoRequest
from billing.states import FapiaoState
from institutions.api.fields import ExactSerializer


class FapiaoSerializer(CurrencySerializer, serializers.ModelSerializer[FapiaoRequest]):
    """A request; one with an `original` is the red letter that takes (part of) that one back.
    `lowered_by` is the credit note that withdrew it, `replaced_by` the one over what is left."""

    statement = serializers.CharField(source="statement.reference")
    original = serializers.CharField(source="original.reference", allow_null=True, default=None)
    credit_note = serializers.CharField(
        source="credit_note.reference", allow_null=True, default=None
    )
    replaces = serializers.CharField(source="replaces.reference", allow_null=True, default=None)
    replaced_by = serializers.CharField(
        source="replaced_by.reference", allow_null=True, default=None
    )
    lowered_by = serializers.CharField(source="lowered_by.reference", allow_null=True, default=None)
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
            "replaces",
            "replaced_by",
            "lowered_by",
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


class FapiaoBodySerializer(ExactSerializer):
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
