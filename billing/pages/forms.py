"""The shape of what the pages about money send. The rules are the actions' business."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.utils.translation import gettext_lazy as _

from billing.models import Programme
from bookings.models import Resource, ResourceKind
from bookings.needs import Needs
from bookings.till import BEST
from institutions.models import Project, User
from institutions.pages.fields import PeriodForm
from instruments.models import Configuration, Instrument
from instruments.models.tariff import Unit

# With these units the price follows a number that only the booker knows.
COUNTED = (Unit.SAMPLE, Unit.CORE_HOUR, Unit.GPU_CARD_HOUR)


def is_counted(instrument: Instrument) -> bool:
    """Whether its price follows a number of samples, cores or cards."""
    return instrument.tariffs.filter(unit__in=COUNTED).exists()


@dataclass(frozen=True, slots=True)
class Offered:
    """What a wish may choose from, read once for all the forms of one page."""

    programmes: list[tuple[str, str]]
    is_counted: bool
    configurations: QuerySet[Configuration]
    accessories: QuerySet[Resource]

    @classmethod
    def on(cls, instrument: Instrument) -> "Offered":
        """Four queries."""
        accessories = Resource.objects.filter(
            kind=ResourceKind.ACCESSORY, is_active=True, serves=instrument
        )
        return cls(
            [(programme.code, str(programme)) for programme in Programme.objects.all()],
            is_counted(instrument),
            instrument.configurations.filter(is_active=True),
            accessories.order_by("code"),
        )


class ProjectField(forms.ModelChoiceField):
    """A project by its code and name."""

    def label_from_instance(self, obj: Project) -> str:
        return f"{obj.code} · {obj.name}"


class WishForm(PeriodForm):
    """A time, a project and a voucher: what a price depends on."""

    quantity = forms.DecimalField(
        label=_("Number of samples, cores or cards"),
        max_digits=10,
        decimal_places=2,
        min_value=Decimal("0.01"),
        max_value=Decimal(1_000_000),
        required=False,
    )

    def __init__(
        self,
        *args: Any,
        user: User,
        instrument: Instrument,
        offered: Offered | None = None,
        **options: Any,
    ) -> None:
        super().__init__(*args, zone=instrument.institution.timezone, **options)
        offered = offered or Offered.on(instrument)
        self.projects = (
            Project.objects.bookable_by(user)
            .select_related("institution__region__city")
            .order_by("code")
        )
        self.fields["project"] = ProjectField(
            label=_("Project that pays"), queryset=self.projects, empty_label=None
        )
        self.fields["programme"] = forms.ChoiceField(
            label=_("Voucher"),
            required=False,
            choices=[
                (BEST, _("The one that pays most")),
                ("", _("No voucher")),
                *offered.programmes,
            ],
        )
        if not offered.is_counted:
            del self.fields["quantity"]
        self._ask_what_along(offered)

    def _ask_what_along(self, offered: Offered) -> None:
        """Configurations and accessories, where the instrument has any in service."""
        if offered.configurations:
            self.fields["configuration"] = forms.ModelChoiceField(
                label=_("Configuration"),
                queryset=offered.configurations,
                required=False,
                empty_label=_("As it is set up"),
            )
        if offered.accessories:
            self.fields["accessories"] = forms.ModelMultipleChoiceField(
                label=_("Accessories"),
                queryset=offered.accessories,
                required=False,
                widget=forms.CheckboxSelectMultiple,
            )

    def has_projects(self) -> bool:
        return self.projects.exists()

    def needs(self) -> Needs:
        """What the booking takes besides the instrument itself."""
        return Needs(
            tuple(self.cleaned_data.get("accessories") or ()),
            self.cleaned_data.get("configuration"),
        )

    def quantity_asked(self) -> Decimal:
        return self.cleaned_data.get("quantity") or Decimal(1)


class BookForm(WishForm):
    """A wish with what the facility wants to know."""

    purpose = forms.CharField(
        label=_("Purpose"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text=_("A sentence for the facility: what is measured, on what."),
    )
    confidential = forms.BooleanField(
        label=_("Show purpose only to my project and the facility"), required=False
    )
