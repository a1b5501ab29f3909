"""What goes in and out about people and projects."""

from typing import Any

from rest_framework import serializers

from institutions.models import ApiToken, Project


class SignInSerializer(serializers.Serializer[Any]):
    email = serializers.EmailField(max_length=254)
    password = serializers.CharField(max_length=200, trim_whitespace=False)


class TokenSerializer(serializers.ModelSerializer[ApiToken]):
    class Meta:
        model = ApiToken
        fields = ["id", "created_at", "expires_at"]


class NewTokenSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    token = serializers.CharField()
    expires_at = serializers.DateTimeField()


class ProjectFilterSerializer(serializers.Serializer[Any]):
    institution = serializers.CharField(max_length=20, required=False)


class ProjectSerializer(serializers.ModelSerializer[Project]):
    institution = serializers.CharField(source="institution.code")
    principal = serializers.CharField(source="principal.email")
    currency = serializers.SerializerMethodField()

    class Meta:
        model = Project
        fields = [
            "code",
            "name",
            "institution",
            "principal",
            "budget",
            "held",
            "spent",
            "consent_above",
            "currency",
            "valid_from",
            "valid_until",
        ]

    def get_currency(self, project: Project) -> str:
        return "CNY"
