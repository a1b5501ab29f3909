"""What goes in and out about applications and certificates: shapes only."""

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from billing.api.programme_shapes import amount_field, year_field
from billing.models import Application, Certificate, CertificateKind, EnterpriseSize
from billing.states import ApplicationState
from institutions.api.fields import ExactSerializer


class CertificateSerializer(serializers.ModelSerializer[Certificate]):
    """`is_accepted` is null until an office has looked at it."""

    holder = serializers.CharField(source="holder.code")
    is_accepted = serializers.BooleanField(allow_null=True)

    class Meta:
        model = Certificate
        fields = [
            "reference",
            "holder",
            "kind",
            "size",
            "valid_from",
            "valid_until",
            "file_name",
            "media_type",
            "sha256",
            "uploaded_at",
            "is_accepted",
            "checked_at",
        ]


class CertificateUploadSerializer(serializers.Serializer[Any]):
    """A PDF, PNG or JPEG of at most 10 MB; `size` where it is a certificate of size."""

    holder = serializers.CharField(max_length=20)
    kind = serializers.ChoiceField(choices=CertificateKind.choices)
    size = serializers.ChoiceField(choices=EnterpriseSize.choices, allow_blank=True, default="")
    valid_from = serializers.DateField()
    valid_until = serializers.DateField()
    file = serializers.FileField()


class CertificateFilterSerializer(serializers.Serializer[Any]):
    holder = serializers.CharField(max_length=20, required=False)
    kind = serializers.ChoiceField(choices=CertificateKind.choices, required=False)


class CheckSerializer(serializers.Serializer[Any]):
    accepted = serializers.BooleanField()


class ApplicationSerializer(serializers.ModelSerializer[Application]):
    """`amount` is the cap that is asked for, `granted_amount` the one that was given; CNY."""

    programme = serializers.CharField(source="programme.code")
    holder = serializers.CharField(source="holder.code")
    state = serializers.ChoiceField(choices=ApplicationState.choices)
    certificates = CertificateSerializer(many=True)

    class Meta:
        model = Application
        fields = [
            "reference",
            "programme",
            "holder",
            "year",
            "amount",
            "purpose",
            "certificates",
            "state",
            "applied_at",
            "decided_at",
            "reason",
            "granted_amount",
        ]


class NewApplicationSerializer(ExactSerializer):
    programme = serializers.CharField(max_length=20)
    holder = serializers.CharField(max_length=20)
    year = year_field()
    amount = amount_field(min_value=Decimal("0.01"))
    purpose = serializers.CharField(max_length=500)
    certificates = serializers.ListField(
        child=serializers.CharField(max_length=16), max_length=20, default=list
    )


class ApplicationFilterSerializer(serializers.Serializer[Any]):
    programme = serializers.CharField(max_length=20, required=False)
    holder = serializers.CharField(max_length=20, required=False)
    state = serializers.ChoiceField(choices=ApplicationState.choices, required=False)
    year = year_field(required=False)


class AllotmentGrantSerializer(ExactSerializer):
    """Without an `amount` what was asked for."""

    amount = amount_field(min_value=Decimal("0.01"), required=False)
    reason = serializers.CharField(max_length=500, allow_blank=True, default="")


class NewAllotmentSerializer(ExactSerializer):
    programme = serializers.CharField(max_length=20)
    holder = serializers.CharField(max_length=20)
    year = year_field()
    cap = amount_field(min_value=Decimal("0.01"))
    reason = serializers.CharField(max_length=500, allow_blank=True, default="")
