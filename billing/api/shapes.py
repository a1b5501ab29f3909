"""What goes out about money: shapes only. Amounts are strings in CNY with two decimals."""

from datetime import date
from typing import Any

from django.utils.translation import gettext_lazy as _
from rest_framework import serializers

from billing.api.document_shapes import CreditNoteSerializer
from billing.days import as_month
from billing.documents import Rated
from billing.models import Charge, ChargeAllocation, ChargeEvent, ChargeLine, Statement
from billing.states import ChargeState, StatementState
from kernel.money import CURRENCY


class MonthField(serializers.RegexField):
    """`YYYY-MM`, as the first day of that month."""

    default_error_messages = {"invalid": _("Write the month as YYYY-MM.")}

    def __init__(self, **options: Any) -> None:
        super().__init__(r"^20[0-9]{2}-(0[1-9]|1[0-2])$", **options)

    def to_internal_value(self, data: Any) -> Any:
        text = super().to_internal_value(data)
        self.run_validators(text)
        return date.fromisoformat(f"{text}-01")

    def run_validation(self, data: Any = serializers.empty) -> Any:
        is_empty, data = self.validate_empty_values(data)
        return data if is_empty else self.to_internal_value(data)


class LastDaySerializer(serializers.Serializer[Any]):
    """The last day on which something is still valid, inclusive."""

    last_day = serializers.DateField()


class ChargeLineSerializer(serializers.ModelSerializer[ChargeLine]):
    quantity = serializers.DecimalField(
        max_digits=12, decimal_places=4, normalize_output=True, read_only=True
    )

    class Meta:
        model = ChargeLine
        fields = ["description", "quantity", "unit", "unit_price", "amount"]


class ChargeAllocationSerializer(serializers.ModelSerializer[ChargeAllocation]):
    """What one project bears of `net`; together they are all of it."""

    project = serializers.CharField(source="project.code")

    class Meta:
        model = ChargeAllocation
        fields = ["project", "percent", "amount"]


class ChargeSerializer(serializers.ModelSerializer[Charge]):
    """A charge; `net` is what the payer owes the provider."""

    booking = serializers.CharField(source="booking.reference")
    instrument = serializers.CharField(source="booking.instrument.code")
    state = serializers.ChoiceField(choices=ChargeState.choices)
    lines = ChargeLineSerializer(many=True)
    currency = serializers.SerializerMethodField()
    programme = serializers.CharField(
        source="redemption.terms.programme.code", allow_null=True, default=None
    )
    settlement = serializers.SerializerMethodField()
    payer = serializers.CharField(source="payer.code")
    provider = serializers.CharField(source="provider.code")
    project = serializers.CharField(source="project.code")
    period = serializers.SerializerMethodField()
    allocations = ChargeAllocationSerializer(many=True)
    adjusts = serializers.CharField(source="adjusts.reference", allow_null=True, default=None)

    class Meta:
        model = Charge
        fields = [
            "reference",
            "booking",
            "instrument",
            "kind",
            "state",
            "lines",
            "currency",
            "gross",
            "voucher",
            "net",
            "programme",
            "settlement",
            "vat_rate",
            "payer",
            "provider",
            "project",
            "allocations",
            "period",
            "review_until",
            "is_internal",
            "adjusts",
            "created_at",
        ]

    def get_currency(self, charge: Charge) -> str:
        return CURRENCY

    def get_settlement(self, charge: Charge) -> str | None:
        return charge.settlement or None

    def get_period(self, charge: Charge) -> str:
        return as_month(charge.period)


class ChargeEventSerializer(serializers.ModelSerializer[ChargeEvent]):
    by = serializers.CharField(source="by.email", allow_null=True, default=None)

    class Meta:
        model = ChargeEvent
        fields = ["at", "kind", "from_state", "to_state", "by", "reason"]


class ChargeDetailSerializer(ChargeSerializer):
    events = ChargeEventSerializer(many=True)

    class Meta(ChargeSerializer.Meta):
        fields = [*ChargeSerializer.Meta.fields, "events"]


class StatementSerializer(serializers.ModelSerializer[Statement]):
    """A statement; `tax` is the VAT contained in `gross`, `number` is null on a draft."""

    state = serializers.ChoiceField(choices=StatementState.choices)
    provider = serializers.CharField(source="provider.code")
    payer = serializers.CharField(source="payer.code")
    period = serializers.SerializerMethodField()
    currency = serializers.SerializerMethodField()

    class Meta:
        model = Statement
        fields = [
            "reference",
            "number",
            "state",
            "provider",
            "payer",
            "kind",
            "scope",
            "period",
            "currency",
            "gross",
            "voucher",
            "net",
            "tax",
            "created_at",
            "issued_at",
            "due_on",
        ]

    def get_period(self, statement: Statement) -> str:
        return as_month(statement.period)

    def get_currency(self, statement: Statement) -> str:
        return CURRENCY


class RatedSerializer(serializers.Serializer[Rated]):
    """What bears VAT at one rate (a fraction): `gross` is `without_vat` and `tax`."""

    vat_rate = serializers.DecimalField(max_digits=5, decimal_places=4, source="rate")
    without_vat = serializers.DecimalField(max_digits=14, decimal_places=2, source="net")
    tax = serializers.DecimalField(max_digits=14, decimal_places=2)
    gross = serializers.DecimalField(max_digits=14, decimal_places=2)


class StatementDetailSerializer(StatementSerializer):
    """With its charges and credit notes; `open` is what the payer owes of it by the ledger:
    `net` less what was `credited`, `drawn` from a deposit and `written_off`. Null on a draft."""

    rates = RatedSerializer(many=True)
    credited = serializers.DecimalField(max_digits=14, decimal_places=2, allow_null=True)
    drawn = serializers.DecimalField(max_digits=14, decimal_places=2, allow_null=True)
    written_off = serializers.DecimalField(max_digits=14, decimal_places=2, allow_null=True)
    open = serializers.DecimalField(max_digits=14, decimal_places=2, allow_null=True)
    charges = ChargeSerializer(many=True)
    credit_notes = CreditNoteSerializer(many=True, source="notes")

    class Meta(StatementSerializer.Meta):
        fields = [
            *StatementSerializer.Meta.fields,
            "rates",
            "credited",
            "drawn",
            "written_off",
            "open",
            "charges",
            "credit_notes",
        ]


class StatementBodySerializer(serializers.Serializer[Any]):
    """What a draft is made of: a month, or at once one `booking` (reference) or `contract`
    (number). Exactly one of the three."""

    provider = serializers.CharField(max_length=20)
    payer = serializers.CharField(max_length=20)
    period = MonthField(required=False)
    booking = serializers.CharField(max_length=16, required=False)
    contract = serializers.CharField(max_length=60, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if sum(name in attrs for name in ("period", "booking", "contract")) != 1:
            raise serializers.ValidationError(
                {"period": [_("Name a month, a booking or a contract: one of them.")]}
            )
        return attrs


class AccountSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    name = serializers.CharField()
    debit = serializers.DecimalField(max_digits=16, decimal_places=2)
    credit = serializers.DecimalField(max_digits=16, decimal_places=2)


class TrialBalanceSerializer(serializers.Serializer[Any]):
    """Balances by account; the totals are equal."""

    institution = serializers.CharField()
    at = serializers.DateTimeField()
    currency = serializers.CharField()
    accounts = AccountSerializer(many=True)
    debit = serializers.DecimalField(max_digits=16, decimal_places=2)
    credit = serializers.DecimalField(max_digits=16, decimal_places=2)
