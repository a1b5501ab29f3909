"""What a booking would cost: price, vouchers with their reasons, and every refusal."""

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from bookings import queries
from bookings.api.lookups import wish_of
from bookings.api.serializers import QuoteSerializer, WishSerializer
from bookings.till import till
from institutions.api.caller import caller
from institutions.api.schema import problems
from kernel import clock


class QuoteRequestSerializer(WishSerializer):
    """Without a `project` it is an outside enterprise's price, and no voucher is considered."""

    project = serializers.CharField(max_length=60, required=False, allow_null=True, default=None)


class QuoteView(APIView):
    """Writes nothing; the same refusals as the booking would have, for the same facts."""

    @extend_schema(
        request=QuoteRequestSerializer,
        responses={200: QuoteSerializer, **problems(400, 401, 413, 415, 503)},
    )
    def post(self, request: Request) -> Response:
        user, at = caller(request), clock.now()
        shape = QuoteRequestSerializer(data=request.data)
        shape.is_valid(raise_exception=True)
        wish = wish_of(shape.validated_data, user)
        [quote] = till().quotes([wish], at=at)
        body = quote.as_dict()
        rules = queries.request_refusals(wish, by=user, at=at)
        body["refusals"] = [refusal.as_dict() for refusal in rules] + body["refusals"]
        del body["versions"]
        return Response(body)
