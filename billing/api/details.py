"""Tax and bank details of institutions, and their dated VAT rates."""

from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.http import Http404
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import generics, serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from billing import permissions
from billing.api.tariffs import KEY, asked
from billing.days import day_of
from institutions.actions.edit_billing_details import edit_billing_details
from institutions.actions.set_vat_rate import set_vat_rate
from institutions.api.caller import caller
from institutions.api.fields import ExactSerializer
from institutions.api.idempotency import once
from institutions.api.schema import WRITING, problems
from institutions.models import Institution, User, VatRate
from institutions.vat import rate_on
from kernel import clock


class BillingDetailsSerializer(serializers.ModelSerializer[Institution]):
    """What stands on an institution's statements; `vat_rate` is today's, a share."""

    vat_rate = serializers.SerializerMethodField()

    class Meta:
        model = Institution
        fields = [
            "code",
            "credit_code",
            "vat_rate",
            "address",
            "phone",
            "bank_name",
            "bank_account",
        ]

    @extend_schema_field(serializers.DecimalField(max_digits=4, decimal_places=3))
    def get_vat_rate(self, institution: Institution) -> str:
        return f"{rate_on(institution, day_of(institution, clock.now())):.3f}"


class BillingDetailsBodySerializer(ExactSerializer):
    """What is left out stays as it is. The VAT rate is set from a day on, on its own list."""

    credit_code = serializers.CharField(max_length=18, allow_blank=True, required=False)
    address = serializers.CharField(max_length=300, allow_blank=True, required=False)
    phone = serializers.CharField(max_length=40, allow_blank=True, required=False)
    bank_name = serializers.CharField(max_length=200, allow_blank=True, required=False)
    bank_account = serializers.CharField(max_length=40, allow_blank=True, required=False)


class VatRateSerializer(serializers.ModelSerializer[VatRate]):
    """`rate` is a share; both days are inclusive, null where there is no end on that side."""

    valid_from = serializers.DateField(source="valid.lower", allow_null=True)
    valid_until = serializers.SerializerMethodField()

    class Meta:
        model = VatRate
        fields = ["rate", "valid_from", "valid_until"]

    @extend_schema_field(serializers.DateField(allow_null=True))
    def get_valid_until(self, rate: VatRate) -> str | None:
        end = rate.valid.upper
        return (end - timedelta(days=1)).isoformat() if end else None


class VatRateBodySerializer(ExactSerializer):
    rate = serializers.DecimalField(max_digits=4, decimal_places=3, min_value=0)
    valid_from = serializers.DateField()


class BillingDetails(APIView):
    """Tax and bank details: its billing office reads them, its administrators edit them."""

    @extend_schema(responses={200: BillingDetailsSerializer, **problems(401, 404)})
    def get(self, request: Request, code: str) -> Response:
        return Response(BillingDetailsSerializer(_seen(code, caller(request))).data)

    @extend_schema(
        request=BillingDetailsBodySerializer,
        responses={200: BillingDetailsSerializer, **problems(*WRITING)},
    )
    def patch(self, request: Request, code: str) -> Response:
        user = caller(request)
        data = asked(BillingDetailsBodySerializer, request.data)
        saved = edit_billing_details(by=user, institution=_seen(code, user), values=data)
        return Response(BillingDetailsSerializer(saved).data)


class VatRateList(generics.ListCreateAPIView[VatRate]):
    """The VAT rates of an institution, the oldest first; 6 % on days that none covers."""

    serializer_class = VatRateSerializer
    queryset = VatRate.objects.none()

    def get_queryset(self) -> QuerySet[VatRate]:
        institution = _seen(self.kwargs["code"], caller(self.request))
        return VatRate.objects.filter(institution=institution).order_by("valid")

    @extend_schema(responses={200: VatRateSerializer(many=True), **problems(400, 401, 404)})
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)

    @extend_schema(
        summary="Another rate from a day on; the one in force ends there",
        request=VatRateBodySerializer,
        parameters=[KEY],
        responses={201: VatRateSerializer, **problems(*WRITING)},
    )
    def post(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        user, at = caller(request), clock.now()
        institution = _seen(self.kwargs["code"], user)
        data = asked(VatRateBodySerializer, request.data)

        def effect() -> dict[str, Any]:
            made = set_vat_rate(by=user, institution=institution, at=at, **data)
            return dict(VatRateSerializer(made).data)

        return once(request, effect)


def _seen(code: str, user: User) -> Institution:
    """For its own office alone; 404 for everybody else."""
    found = Institution.objects.filter(code=code).first()
    if found is None or not permissions.is_billing_office(user, found):
        raise Http404
    return found
