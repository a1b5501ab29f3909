"""What goes in and out about requests and their samples: shapes only."""

from decimal import Decimal
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from bookings.api.serializers import MOST, QuoteSerializer, quantity_field
from bookings.models import RequestEvent, RequestKind, Sample, SampleEvent, ServiceRequest, TimeUnit
from bookings.request_states import RequestState, SampleState
from institutions.api.fields import InstantField, check_window

MOST_SAMPLES = 200


class SampleSentSerializer(serializers.Serializer[Any]):
    """A sample as it is announced."""

    name = serializers.CharField(max_length=200)
    quantity = serializers.DecimalField(
        max_digits=12,
        decimal_places=4,
        min_value=Decimal("0.0001"),
        max_value=MOST,
        allow_null=True,
        default=None,
    )
    unit = serializers.CharField(max_length=20, allow_blank=True, default="")
    notes = serializers.CharField(max_length=500, allow_blank=True, default="")
    hazards = serializers.CharField(max_length=300, allow_blank=True, default="")


class SubmitSerializer(serializers.Serializer[Any]):
    """A request; `quantity` counts samples, or hours or shifts (`unit`) by allocation."""

    instrument = serializers.CharField(max_length=40)
    project = serializers.CharField(max_length=40)
    programme = serializers.CharField(
        max_length=20, allow_null=True, allow_blank=True, default=None
    )
    order_number = serializers.CharField(max_length=40, allow_blank=True, default="")
    quantity = quantity_field()
    unit = serializers.ChoiceField(choices=TimeUnit.choices, default=TimeUnit.HOUR)
    wanted_from = InstantField()
    wanted_until = InstantField()
    purpose = serializers.CharField(max_length=500)
    confidential = serializers.BooleanField(default=False)
    samples = serializers.ListField(
        child=SampleSentSerializer(), default=list, max_length=MOST_SAMPLES
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        try:
            check_window(attrs["wanted_from"], attrs["wanted_until"])
        except serializers.ValidationError as error:
            raise serializers.ValidationError({"wanted_until": error.detail}) from None
        return attrs


class MoveSamplesSerializer(serializers.Serializer[Any]):
    """Which samples, by number, go to which state."""

    samples = serializers.ListField(
        child=serializers.IntegerField(min_value=1, max_value=32_767),
        min_length=1,
        max_length=MOST_SAMPLES,
    )
    to = serializers.ChoiceField(choices=SampleState.choices)
    note = serializers.CharField(max_length=500, allow_blank=True, default="")


class SampleEventSerializer(serializers.ModelSerializer[SampleEvent]):
    by = serializers.CharField(source="by.email")

    class Meta:
        model = SampleEvent
        fields = ["at", "from_state", "to_state", "by", "note"]


class SampleSerializer(serializers.ModelSerializer[Sample]):
    """Texts are empty where the request is confidential and not for the caller's eyes."""

    state = serializers.ChoiceField(choices=SampleState.choices)
    events = SampleEventSerializer(many=True)

    class Meta:
        model = Sample
        fields = ["number", "name", "quantity", "unit", "notes", "hazards", "state", "events"]

    def to_representation(self, instance: Sample) -> dict[str, Any]:
        shown = super().to_representation(instance)
        if not self.context.get("shows_purpose", True):
            shown |= dict.fromkeys(("name", "notes", "hazards"), "")
        return shown


class RequestSerializer(serializers.ModelSerializer[ServiceRequest]):
    """A request; `estimate` where the price goes by the sample and nothing is scheduled yet.

    `booking` and `allocation` are what came of it. `purpose` is null where it is confidential and
    not for the caller's eyes.
    """

    kind = serializers.ChoiceField(choices=RequestKind.choices)
    state = serializers.ChoiceField(choices=RequestState.choices)
    instrument = serializers.CharField(source="instrument.code")
    institution = serializers.CharField(source="instrument.institution.code")
    project = serializers.CharField(source="project.code")
    requester = serializers.CharField(source="requester.email")
    unit = serializers.CharField(allow_blank=True)
    wanted_from = serializers.DateTimeField(source="wanted.lower")
    wanted_until = serializers.DateTimeField(source="wanted.upper")
    purpose = serializers.SerializerMethodField()
    estimate = serializers.SerializerMethodField()
    booking = serializers.SerializerMethodField()
    run = serializers.SerializerMethodField()
    allocation = serializers.SerializerMethodField()

    class Meta:
        model = ServiceRequest
        fields = [
            "reference",
            "kind",
            "state",
            "instrument",
            "institution",
            "project",
            "requester",
            "programme",
            "quantity",
            "unit",
            "wanted_from",
            "wanted_until",
            "purpose",
            "confidential",
            "estimate",
            "booking",
            "run",
            "allocation",
            "created_at",
        ]

    def get_purpose(self, request: ServiceRequest) -> str | None:
        return request.purpose if getattr(request, "shows_purpose", True) else None

    @extend_schema_field(QuoteSerializer(allow_null=True))
    def get_estimate(self, request: ServiceRequest) -> dict[str, Any] | None:
        quote = self.context["estimates"].get(request.pk)
        return dict(QuoteSerializer(quote.as_dict()).data) if quote else None

    def get_booking(self, request: ServiceRequest) -> str | None:
        return next((one.reference for one in request.standing), None)  # type: ignore[attr-defined]

    def get_run(self, request: ServiceRequest) -> str | None:
        found = (one.run.reference for one in request.standing)  # type: ignore[attr-defined]
        return next(found, None)

    def get_allocation(self, request: ServiceRequest) -> str | None:
        found = getattr(request, "allocation", None)
        return found.reference if found else None


class RequestEventSerializer(serializers.ModelSerializer[RequestEvent]):
    by = serializers.CharField(source="by.email", allow_null=True, default=None)

    class Meta:
        model = RequestEvent
        fields = ["at", "from_state", "to_state", "by", "reason"]


class RequestDetailSerializer(RequestSerializer):
    samples = SampleSerializer(many=True)
    events = RequestEventSerializer(many=True)

    class Meta(RequestSerializer.Meta):
        fields = [*RequestSerializer.Meta.fields, "samples", "events"]
