"""The shape of what the pages about money send. The rules are the actions' business."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from typing import Any

from django import forms
from django.db.models import Model
from django.utils.translation import gettext_lazy as _

from billing.models import Programme, ProgrammeTerms
from bookings.models import Resource, ResourceKind
from bookings.models.split import WHOLE
from bookings.needs import Needs
from bookings.splitting import Share
from bookings.till import BEST
from institutions.models import Project, User
from institutions.pages.fields import PeriodForm
from instruments.models import Configuration, Instrument
from instruments.models.tariff import Unit

# With these units the price follows a number that only the booker knows.
# So many projects besides the one that pays, on the page; the API takes more.
MOST_SHARING = 3
COUNTED = (Unit.SAMPLE, Unit.CORE_HOUR, Unit.GPU_CARD_HOUR)


def is_counted(instrument: Instrument) -> bool:
    """Whether its price follows a number of samples, cores or cards."""
    return instrument.tariffs.filter(unit__in=COUNTED).exists()


class RowField(forms.TypedChoiceField):
    """One of rows that were read already; gives back the row."""

    def __init__(
        self, rows: Iterable[Model], *, label_of: Callable[[Any], str] = str, **options: Any
    ):
        by_key = {str(row.pk): row for row in rows}
        empty = options.pop("empty_label", None)
        choices = [("", empty)] if empty else []
        choices += [(key, label_of(row)) for key, row in by_key.items()]
        super().__init__(choices=choices, coerce=by_key.get, empty_value=None, **options)

    def prepare_value(self, value: Any) -> Any:
        return value.pk if isinstance(value, Model) else value


class RowsField(forms.TypedMultipleChoiceField):
    """Some of rows that were read already; gives back a list of rows."""

    def __init__(
        self, rows: Iterable[Model], *, label_of: Callable[[Any], str] = str, **options: Any
    ):
        by_key = {str(row.pk): row for row in rows}
        choices = [(key, label_of(row)) for key, row in by_key.items()]
        super().__init__(choices=choices, coerce=by_key.get, empty_value=[], **options)

    def prepare_value(self, value: Any) -> Any:
        return [one.pk if isinstance(one, Model) else one for one in value or ()]


@dataclass(frozen=True)
class Offered:
    """What one person can choose from on one instrument: read once, whatever the number of forms
    that a page fills, checks and prices with it."""

    user: User
    instrument: Instrument

    @cached_property
    def projects(self) -> list[Project]:
        found = Project.objects.bookable_by(self.user)
        return list(found.select_related("institution__region__city").order_by("code"))

    @cached_property
    def programmes(self) -> list[Programme]:
        return list(Programme.objects.all())

    @cached_property
    def asks_order_number(self) -> bool:
        """Whether any programme's rules ask for one, in whichever version."""
        return ProgrammeTerms.objects.filter(needs_order_number=True).exists()

    @cached_property
    def is_counted(self) -> bool:
        return is_counted(self.instrument)

    @cached_property
    def configurations(self) -> list[Configuration]:
        return list(self.instrument.configurations.filter(is_active=True))

    @cached_property
    def accessories(self) -> list[Resource]:
        found = self.instrument.served_by.filter(kind=ResourceKind.ACCESSORY, is_active=True)
        return list(found.order_by("code"))


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

    def __init__(self, *args: Any, offered: Offered, **options: Any) -> None:
        super().__init__(*args, zone=offered.instrument.institution.timezone, **options)
        self.fields["project"] = RowField(
            offered.projects,
            label=_("Project that pays"),
            label_of=lambda project: f"{project.code} · {project.name}",
        )
        self.fields["programme"] = forms.ChoiceField(
            label=_("Voucher"),
            required=False,
            choices=[
                (BEST, _("The one that pays most")),
                ("", _("No voucher")),
                *((programme.code, str(programme)) for programme in offered.programmes),
            ],
        )
        self._ask_who_shares(offered)
        if not offered.is_counted:
            del self.fields["quantity"]
        if offered.asks_order_number:
            self.fields["order_number"] = forms.CharField(
                label=_("Order number"),
                required=False,
                max_length=40,
                help_text=_("That of the official platform, where the programme asks for one."),
            )
        self._ask_what_along(offered)

    def _ask_who_shares(self, offered: Offered) -> None:
        """Rows for other projects, for who may book on more than one."""
        for number in range(1, min(len(offered.projects), MOST_SHARING + 1)):
            self.fields[f"with_project_{number}"] = RowField(
                offered.projects,
                label=_("Another project"),
                label_of=lambda project: f"{project.code} · {project.name}",
                required=False,
                empty_label="–",
            )
            self.fields[f"with_percent_{number}"] = forms.DecimalField(
                label=_("Its share in percent"),
                max_digits=5,
                decimal_places=2,
                min_value=Decimal("0.01"),
                max_value=Decimal("99.99"),
                required=False,
            )

    @property
    def sharing(self) -> list[tuple[forms.BoundField, forms.BoundField]]:
        """The rows for other projects, as (project, percent)."""
        numbers = range(1, MOST_SHARING + 1)
        names = [(f"with_project_{n}", f"with_percent_{n}") for n in numbers]
        return [(self[one], self[other]) for one, other in names if one in self.fields]

    @property
    def is_shared(self) -> bool:
        """Whether the form already names another project."""
        return any(one.value() for pair in self.sharing for one in pair)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or self.cleaned_data
        for project, percent in self.sharing:
            if bool(data.get(project.name)) != bool(data.get(percent.name)):
                self.add_error(percent.name, _("A project and its share belong together."))
        if sum((share.percent for share in self._others()), Decimal(0)) >= WHOLE:
            self.add_error("with_percent_1", _("The project that pays keeps a share of its own."))
        return data

    def _others(self) -> list[Share]:
        data = self.cleaned_data
        rows = [(data.get(one.name), data.get(other.name)) for one, other in self.sharing]
        return [Share(project, percent) for project, percent in rows if project and percent]

    def splits(self) -> tuple[Share, ...]:
        """How several projects share the price; the one that pays bears what the others leave."""
        others = self._others()
        if not others:
            return ()
        left = WHOLE - sum((share.percent for share in others), Decimal(0))
        return (Share(self.cleaned_data["project"], left), *others)

    def _ask_what_along(self, offered: Offered) -> None:
        """Configurations and accessories, where the instrument has any in service."""
        if offered.configurations:
            self.fields["configuration"] = RowField(
                offered.configurations,
                label=_("Configuration"),
                required=False,
                empty_label=_("As it is set up"),
            )
        if offered.accessories:
            self.fields["accessories"] = RowsField(
                offered.accessories,
                label=_("Accessories"),
                required=False,
                widget=forms.CheckboxSelectMultiple,
            )

    def needs(self) -> Needs:
        """What the booking takes besides the instrument itself."""
        return Needs(
            tuple(self.cleaned_data.get("accessories") or ()),
            self.cleaned_data.get("configuration"),
        )

    def order_number_given(self) -> str:
        return self.cleaned_data.get("order_number") or ""

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
