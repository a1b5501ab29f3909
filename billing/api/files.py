"""Tables as files: what one asks for and what comes."""

from typing import Any

from drf_spectacular.types import OpenApiTypes
from rest_framework import serializers

_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
# The `responses` of an endpoint that gives a table as a file.
FILES: dict[tuple[int, str], Any] = {
    (200, "text/csv"): OpenApiTypes.STR,
    (200, _XLSX): OpenApiTypes.BINARY,
}


class FileFilterSerializer(serializers.Serializer[Any]):
    type = serializers.ChoiceField(choices=["csv", "xlsx"], required=False, default="csv")
