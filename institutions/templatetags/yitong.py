"""Filters and tags by which money, time and states look the same on every page."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django import forms, template
from django.forms import BoundField
from django.template.context import Context
from django.utils.formats import date_format, number_format
from django.utils.html import format_html_join
from django.utils.translation import get_language, gettext, pgettext

from kernel import clock
from kernel.money import rounded
from kernel.periods import Period

register = template.Library()
DEFAULT_ZONE = "Asia/Shanghai"
_WEEKDAYS = "一二三四五六日"


def _is_chinese() -> bool:
    return (get_language() or "zh").startswith("zh")


@register.filter
def money(amount: Decimal | str | int | None) -> str:
    """`¥1,200.00`; an en dash for no amount. Accepts the API's strings too."""
    if amount is None or amount == "":
        return "–"
    value = rounded(Decimal(str(amount)))
    sign = "−" if value < 0 else ""
    return f"{sign}¥{number_format(abs(value), 2, force_grouping=True)}"


@register.filter
def plain(number: Decimal | str | None) -> str:
    """A quantity without trailing zeros: `2.50` → `2.5`."""
    if number is None or number == "":
        return ""
    text = f"{Decimal(str(number)):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


@register.filter
def percent(share: Decimal | str | None) -> str:
    """A fraction as a percentage: `0.5` → `50 %`, without a needless decimal part."""
    return "" if share is None else f"{plain(Decimal(str(share)) * 100)} %"


@register.filter
def local(instant: datetime | str, zone: Any = DEFAULT_ZONE) -> datetime:
    """`instant` (or its ISO text) in `zone`: an IANA name, or anything with a `timezone`."""
    moment = datetime.fromisoformat(instant) if isinstance(instant, str) else instant
    return moment.astimezone(_zone(zone))


def _zone(place: Any) -> ZoneInfo:
    name = place if isinstance(place, str) else getattr(place, "timezone", "")
    return ZoneInfo(name or DEFAULT_ZONE)


@register.filter
def lasting(value: timedelta | Period) -> str:
    """A length in words: `45 min`, `3 h`, `1 h 30 min`, and whole days from three on; of a period
    also with what is over: `59 d 9 h`. Sums of hours stay hours."""
    span = value.length if isinstance(value, Period) else value
    minutes = int(span.total_seconds()) // 60
    parts = []
    days, rest = divmod(minutes, 24 * 60)
    if days >= 3 and (rest == 0 or isinstance(value, Period)):
        parts.append(gettext("%(days)s d") % {"days": days})
        minutes = rest
    hours, minutes = divmod(minutes, 60)
    if hours:
        parts.append(gettext("%(hours)s h") % {"hours": hours})
    if minutes or not parts:
        parts.append(gettext("%(minutes)s min") % {"minutes": minutes})
    return " ".join(parts)


@register.filter
def minutes_long(minutes: int) -> str:
    """A length given in minutes, in words."""
    return lasting(timedelta(minutes=minutes))


@register.filter
def day(value: datetime | date) -> str:
    """`11月25日 周三` or `Wed 25 Nov`, with the year where it is not the present one."""
    is_this_year = value.year == clock.today(DEFAULT_ZONE).year
    if _is_chinese():
        year = "" if is_this_year else f"{value.year}年"
        return f"{year}{value.month}月{value.day}日 周{_WEEKDAYS[value.weekday()]}"
    return date_format(value, "D j M" if is_this_year else "D j M Y")


@register.filter
def clock_time(value: datetime) -> str:
    """24 hours in both languages."""
    return f"{value:%H:%M}"


@register.filter
def moment(value: datetime | str, zone: Any = DEFAULT_ZONE) -> str:
    """One instant: `11月25日 周三 10:00`."""
    at = local(value, zone)
    return f"{day(at)} {clock_time(at)}"


@register.filter
def times(value: Period, zone: Any = DEFAULT_ZONE) -> str:
    """A period in words: `11月25日 周三 10:00–13:00 · 3 h`."""
    start, end = local(value.start, zone), local(value.end, zone)
    if start.date() == end.date():
        return f"{day(start)} {clock_time(start)}–{clock_time(end)} · {lasting(value)}"
    if end == start.replace(hour=0, minute=0) + timedelta(days=1):
        return f"{day(start)} {clock_time(start)}–24:00 · {lasting(value)}"
    return f"{day(start)} {clock_time(start)} – {day(end)} {clock_time(end)} · {lasting(value)}"


@register.filter
def span(value: Period, zone: Any = DEFAULT_ZONE) -> str:
    """Only the clock times of a period within a day: `10:00–13:00`, `21:00–24:00`."""
    start, end = local(value.start, zone), local(value.end, zone)
    until = "24:00" if end.date() > start.date() else clock_time(end)
    return f"{clock_time(start)}–{until}"


@register.filter
def as_query(params: dict[str, str]) -> str:
    """A mapping as the query of an address."""
    return urlencode(params)


@register.filter
def zone_name(place: Any) -> str:
    """The zone as people call it: `上海时间` where it is Shanghai's, else the IANA name."""
    name = _zone(place).key
    return gettext("Shanghai time") if name == DEFAULT_ZONE else name.replace("_", " ")


@register.filter
def month(value: date) -> str:
    """`2026年11月` or `November 2026`."""
    return date_format(value, "YEAR_MONTH_FORMAT")


# A state's tone is a colour and a mark; the word always stands beside it.
_TONES = {
    "wait": "held awaiting_principal requested in_review"
    " draft out_of_service submitted applied announced appealed proposed asked",
    "go": "approved in_use active captured free"
    " scheduled granted received queued planned signed_up",
    "done": "completed invoiced transferred issued claimed settled done measured attended used"
    " exported sent confirmed kept drawn",
    "lost": "declined no_show disputed exception rejected taken written_off counted upheld"
    " suspended failed red_lettered",
}
_TONE_OF = {state: tone for tone, states in _TONES.items() for state in states.split()}


@register.filter
def tone(state: str) -> str:
    """`wait`, `go`, `done`, `lost`, or `closed` for everything that is over or unknown."""
    return _TONE_OF.get(str(state), "closed")


@register.simple_tag(takes_context=True)
def here(context: Context, prefix: str) -> str:
    """`page` where the address begins with `prefix`: for `aria-current` in the top bar."""
    path = context["request"].path
    return "page" if path == prefix or (prefix != "/" and path.startswith(prefix)) else "false"


@register.simple_tag(takes_context=True)
def query_with(context: Context, name: str, value: str | None) -> str:
    """This page's query with `name` set (or taken away), back on the first page."""
    query = context["request"].GET.copy()
    query.pop("page", None)
    query.pop(name, None)
    if value not in (None, ""):
        query[name] = value
    return f"?{query.urlencode()}"


@register.filter
def named(label: str, name: str) -> str:
    """`label: name` with the colon of the language."""
    return pgettext("label and value", "%(label)s: %(value)s") % {"label": label, "value": name}


@register.filter
def styled(field: BoundField) -> str:
    """The field's control with Bootstrap's classes, marked where it is wrong."""
    widget = field.field.widget
    match widget:
        case forms.RadioSelect():
            return _choices(field)
        case forms.CheckboxInput():
            css = "form-check-input"
        case forms.Select():
            css = "form-select"
        case _:
            css = "form-control"
    wrong = " is-invalid" if field.errors else ""
    given = f" {widget.attrs['class']}" if "class" in widget.attrs else ""
    return field.as_widget(attrs={"class": f"{css}{given}{wrong}"})


def _choices(field: BoundField) -> str:
    """Boxes to tick (or one of which to choose), each with its label beside it: Django's own
    template would give the whole list the class, and so the size, of one box."""
    css = "form-check-input is-invalid" if field.errors else "form-check-input"
    for one in field.subwidgets:
        one.data["attrs"]["class"] = css
    return format_html_join(
        "",
        '<div class="form-check">{}<label class="form-check-label" for="{}">{}</label></div>',
        ((one.tag(), one.id_for_label, one.choice_label) for one in field.subwidgets),
    )


@register.filter
def translated(thing: Any, field: str) -> str:
    """The text of `field_zh` or `field_en`, the other one where it is empty."""
    first, second = ("zh", "en") if _is_chinese() else ("en", "zh")
    return getattr(thing, f"{field}_{first}") or getattr(thing, f"{field}_{second}")


@register.filter
def positive(amount: Decimal | str | None) -> bool:
    """Whether an amount (or the API's string of one) is above zero."""
    return bool(amount) and Decimal(str(amount)) > 0


@register.filter
def row_name(row: Any, field: str) -> str:
    """`field_zh` or `field_en` of a row that is a mapping, or of a thing with such attributes."""
    if not isinstance(row, dict):
        return translated(row, field)
    first, second = ("zh", "en") if _is_chinese() else ("en", "zh")
    return str(row.get(f"{field}_{first}") or row.get(f"{field}_{second}") or "")


@register.filter
def words(text: str) -> list[str]:
    """The words of a text, for a loop over a few names."""
    return text.split()


@register.filter
def get(mapping: Any, key: Any) -> Any:
    """`mapping[key]`, nothing where it is missing."""
    return mapping.get(key)


@register.filter
def share_of(part: Decimal, whole: Decimal) -> str:
    """`part` of `whole` in hundredths, as drawings want it: a plain number from 0 to 100."""
    return f"{max(0, min(100, 100 * part / whole)):.1f}" if whole else "0"
