"""Problem documents in the OpenAPI description, the same way on every endpoint."""

from typing import Any

from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers


class RefusalSerializer(serializers.Serializer[Any]):
    """One reason why a rule says no."""

    code = serializers.CharField()
    message = serializers.CharField()
    params = serializers.DictField()


class ProblemSerializer(serializers.Serializer[Any]):
    """RFC 9457; `errors`, `refusals`, `state`, `alternatives` and `bookings` where they apply."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField()
    detail = serializers.CharField()
    errors = serializers.DictField(  # type: ignore[assignment]
        child=serializers.ListField(), required=False
    )
    refusals = RefusalSerializer(many=True, required=False)
    state = serializers.CharField(required=False)
    alternatives = serializers.ListField(child=serializers.DictField(), required=False)
    bookings = serializers.ListField(child=serializers.CharField(), required=False)


_MEANINGS = {
    400: "malformed",
    401: "not_signed_in",
    403: "not_allowed",
    404: "not_found",
    409: "wrong_state or slot_taken",
    413: "too_large",
    415: "unsupported_media_type",
    422: "refused or idempotency_key_reused",
    429: "too_many_requests",
    503: "busy",
}


def problems(*statuses: int) -> dict[tuple[int, str], OpenApiResponse]:
    """The `responses` of these statuses for `extend_schema`."""
    return {
        (status, "application/problem+json"): OpenApiResponse(
            ProblemSerializer, description=_MEANINGS[status]
        )
        for status in statuses
    }


# What any endpoint that takes a body may answer.
WRITING = (400, 401, 403, 404, 409, 413, 415, 422, 503)
READING = (400, 401, 404)
