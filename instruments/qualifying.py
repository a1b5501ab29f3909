"""Which training counts where: the one answer, for one wish or for a whole list of bookings."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import (
    BigIntegerField,
    Case,
    CharField,
    DateField,
    Exists,
    ExpressionWrapper,
    F,
    Field,
    Func,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Value,
    When,
)
from django.db.models.functions import Cast, Coalesce

from instruments.models import Qualification, Recognition


def _techniques() -> ArrayField:
    return ArrayField(CharField(max_length=120))


def _wrapped(value: Any, field: "Field[Any, Any]") -> Cast:
    """A plain value or an `OuterRef` as a column of `field`'s type."""
    if not hasattr(value, "resolve_expression"):
        value = Value(value, output_field=field)
    return Cast(ExpressionWrapper(value, output_field=field), field)


def qualifying(
    *, user: Any, instrument: Any, institution: Any, techniques: Any, day: Any
) -> QuerySet[Qualification]:
    """The qualifications of `user` that count on `instrument` on `day`, whatever their level.

    Those on the instrument itself; those on one of its `techniques` that its `institution` has
    granted; and, where the institution recognises them on that day, those that another one has
    granted on one of these techniques or on an instrument that shares one. Every argument is a
    value (a pk, a list, a date) or an `OuterRef` to one, so that the answer fits into any query.
    """
    found = Qualification.objects.filter(user=user).alias(
        here=_wrapped(institution, BigIntegerField()),
        wanted=_wrapped(techniques, _techniques()),
        on=_wrapped(day, DateField()),
        # What the training was about: one technique, or all those of an instrument.
        taught=Case(
            When(instrument__isnull=False, then=F("instrument__techniques")),
            default=Func(
                F("technique"), template="ARRAY[%(expressions)s]", output_field=_techniques()
            ),
            output_field=_techniques(),
        ),
        given_at=Coalesce("institution_id", "instrument__institution_id"),
    )
    at_home = ~Q(technique="") & Q(institution=F("here"), taught__overlap=F("wanted"))
    elsewhere = ~Q(given_at=F("here")) & Q(Exists(_recognitions()))
    return found.filter(Q(instrument=instrument) | at_home | elsewhere).filter(
        Q(valid_until__isnull=True) | Q(valid_until__gte=F("on"))
    )


def _recognitions() -> QuerySet[Recognition]:
    """Those that let the qualification of the outer query count."""
    shared = Q(technique="", taught__overlap=F("wanted"))
    named = Q(place_taught__isnull=False, place_wanted__isnull=False)
    return (
        Recognition.objects.alias(
            taught=ExpressionWrapper(OuterRef("taught"), output_field=_techniques()),
            wanted=ExpressionWrapper(OuterRef("wanted"), output_field=_techniques()),
        )
        .alias(place_taught=_position("taught"), place_wanted=_position("wanted"))
        .filter(institution=OuterRef("here"), valid__contains=OuterRef("on"))
        .filter(Q(granting__isnull=True) | Q(granting=OuterRef("given_at")))
        .filter(shared | named)
    )


def _position(column: str) -> Func:
    """Where the recognition's technique stands in that list; null where it does not."""
    return Func(F(column), F("technique"), function="array_position", output_field=IntegerField())
