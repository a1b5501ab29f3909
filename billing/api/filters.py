"""Filters that many lists have, by the same names."""

from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers


class ProviderFilterSerializer(serializers.Serializer[Any]):
    """`provider` is an institution's code; `institution` is another word for it."""

    provider = serializers.CharField(max_length=20, required=False)
    institution = serializers.CharField(max_length=20, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Gives back `provider` alone."""
        code = attrs.pop("institution", None)
        if code and attrs.setdefault("provider", code) != code:
            raise serializers.ValidationError(
                {"institution": [_("This names the provider, too: give one of the two.")]}
            )
        return attrs
