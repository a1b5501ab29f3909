"""How an institution's billing office works."""

from typing import Any

from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from billing import permissions
from billing.actions.set_billing_settings import set_billing_settings
from billing.models import BillingSettings
from institutions.api.caller import caller
from institutions.api.schema import WRITING, problems
from institutions.models import Institution, User


class BillingSettingsSerializer(serializers.ModelSerializer[BillingSettings]):
    """`review_days`: after so many days an undisputed charge is approved; null: never by itself."""

    class Meta:
        model = BillingSettings
        fields = ["review_days"]


class BillingSettingsView(APIView):
    """Its billing office reads and changes them; for everybody else there is nothing here."""

    @extend_schema(responses={200: BillingSettingsSerializer, **problems(401, 404)})
    def get(self, request: Request, code: str) -> Response:
        institution = _own(code, caller(request))
        found = BillingSettings.objects.filter(institution=institution).first()
        return Response(BillingSettingsSerializer(found or BillingSettings()).data)

    @extend_schema(
        request=BillingSettingsSerializer,
        responses={200: BillingSettingsSerializer, **problems(*WRITING)},
    )
    def patch(self, request: Request, code: str) -> Response:
        user = caller(request)
        institution = _own(code, user)
        shape = BillingSettingsSerializer(data=request.data, partial=True)
        shape.is_valid(raise_exception=True)
        found = BillingSettings.objects.filter(institution=institution).first()
        values: dict[str, Any] = {"review_days": found.review_days if found else None}
        values |= shape.validated_data
        saved = set_billing_settings(by=user, institution=institution, **values)
        return Response(BillingSettingsSerializer(saved).data)


def _own(code: str, user: User) -> Institution:
    found = Institution.objects.filter(code=code).first()
    if found is None or not permissions.is_billing_office(user, found):
        raise Http404
    return found
