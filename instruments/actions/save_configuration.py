"""Say what an instrument can be set up with."""

from django.core.exceptions import ValidationError
from django.db import transaction

from institutions.models import User
from instruments.models import Configuration, Instrument
from instruments.permissions import may_edit
from kernel.constraints import as_refusals
from kernel.refusals import Malformed, NotAllowed


def save_configuration(
    *,
    by: User,
    instrument: Instrument,
    code: str,
    name_zh: str,
    name_en: str,
    changeover_minutes: int = 0,
    is_active: bool = True,
    configuration: Configuration | None = None,
) -> Configuration:
    """The whole record of a new configuration, or of `configuration` of this instrument.

    `changeover_minutes` is what changing to it takes, from the next booking on: time that is
    claimed already stays as it is. Raises `NotAllowed`, `Malformed` by field, or `Refused` with
    `code_taken`. Locks the configuration.
    """
    if not may_edit(by, instrument):
        raise NotAllowed
    with as_refusals(), transaction.atomic():
        if configuration is None:
            saved = Configuration(instrument=instrument)
        else:
            saved = Configuration.objects.select_for_update(no_key=True).get(
                pk=configuration.pk, instrument=instrument
            )
        saved.code, saved.name_zh, saved.name_en = code.strip(), name_zh, name_en
        saved.changeover_minutes, saved.is_active = changeover_minutes, is_active
        _check(saved)
        saved.save()
    return saved


def _check(configuration: Configuration) -> None:
    once = [one for one in Configuration._meta.constraints if one.name == "configuration_once"]
    try:
        configuration.clean_fields(exclude=["instrument"])
        for constraint in Configuration._meta.constraints:
            # Only the database knows whether the code is free; its word is a refusal.
            if constraint not in once:
                constraint.validate(Configuration, configuration)
    except ValidationError as error:
        errors = getattr(error, "error_dict", None)
        found = error.message_dict if errors else {"changeover_minutes": error.messages}
        raise Malformed({name: list(texts) for name, texts in found.items()}) from None
