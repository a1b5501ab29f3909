"""What the database says of packages of hours beyond one row."""

import pgtrigger

_ADDS_UP = """
    SELECT held_minutes, used_minutes, price, lapsed_value INTO held, used, paid, lapsed
    FROM billing_hourpackage WHERE id = {package};
    SELECT COALESCE(SUM(held_minutes) FILTER (WHERE state = 'held'), 0),
           COALESCE(SUM(used_minutes) FILTER (WHERE state = 'used'), 0),
           COALESCE(SUM(value) FILTER (WHERE state = 'used'), 0)
    INTO held_sum, used_sum, earned FROM billing_hourdraw WHERE package_id = {package};
    IF (held, used) IS DISTINCT FROM (held_sum, used_sum) THEN
        RAISE EXCEPTION 'package % says % held and % used, its draws say % and %',
            {package}, held, used, held_sum, used_sum
            USING ERRCODE = 'check_violation', CONSTRAINT = 'hour_draws_add_up';
    END IF;
    IF earned > paid OR lapsed <> paid - earned THEN
        RAISE EXCEPTION 'package % of % has earned % and lapsed with %',
            {package}, paid, earned, lapsed
            USING ERRCODE = 'check_violation', CONSTRAINT = 'hour_package_earns_its_price';
    END IF;
    RETURN NULL;
"""

LAPSES_WHEN_OVER = """
    IF NEW.lapsed_at IS NOT NULL AND upper(NEW.valid) > (
        SELECT (NEW.lapsed_at AT TIME ZONE timezone)::date
        FROM institutions_institution WHERE id = NEW.provider_id
    ) THEN
        RAISE EXCEPTION 'package % is still good', NEW.reference
            USING ERRCODE = 'check_violation', CONSTRAINT = 'hour_package_lapses_when_over';
    END IF;
    RETURN NEW;
"""


def draws_add_up(name: str, package: str) -> pgtrigger.Trigger:
    """At commit a package says what its draws say."""
    return pgtrigger.Trigger(
        name=name,
        when=pgtrigger.After,
        operation=pgtrigger.Insert | pgtrigger.Update,
        timing=pgtrigger.Deferred,
        declare=[
            ("held", "BIGINT"),
            ("used", "BIGINT"),
            ("held_sum", "BIGINT"),
            ("used_sum", "BIGINT"),
            ("paid", "NUMERIC"),
            ("lapsed", "NUMERIC"),
            ("earned", "NUMERIC"),
        ],
        func=_ADDS_UP.format(package=package),
    )
