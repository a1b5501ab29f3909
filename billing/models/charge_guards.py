"""What the database itself watches over charges."""

import pgtrigger

_LINES_ADD_UP = """
    IF (SELECT COALESCE(SUM(amount), 0) FROM billing_chargeline WHERE charge_id = {charge})
       <> (SELECT gross FROM billing_charge WHERE id = {charge})
    THEN
        RAISE EXCEPTION 'the lines of charge % do not add up to its gross', {charge}
            USING ERRCODE = 'check_violation', CONSTRAINT = 'charge_lines_add_up';
    END IF;
    RETURN NULL;
"""


# What stands on an issued statement is taken back by a document, never by a state alone.
_BY_A_CREDIT_NOTE = """
    IF NOT EXISTS (SELECT FROM billing_creditnote WHERE charge_id = NEW.id) THEN
        RAISE EXCEPTION 'charge % is invoiced: only a credit note takes it back', NEW.reference
            USING ERRCODE = 'check_violation', CONSTRAINT = 'charge_credited_by_a_note';
    END IF;
    RETURN NULL;
"""

# Whoever reads a share sees it cut to whole fen; the first one bears what that leaves over.
_ALLOCATIONS_ADD_UP = """
    SELECT net, project_id INTO whole FROM billing_charge WHERE id = {charge};
    SELECT COALESCE(SUM(amount), 0) AS amount, COALESCE(SUM(percent), 0) AS percent,
           (ARRAY_AGG(project_id ORDER BY id))[1] AS lead,
           COUNT(*) FILTER (
               WHERE project_id <> whole.project_id
               AND amount <> TRUNC(whole.net * percent / 100, 2)
           ) AS wrong
    INTO found FROM billing_chargeallocation WHERE charge_id = {charge};
    IF found.amount <> whole.net OR found.percent <> 100 OR found.wrong > 0
       OR found.lead IS DISTINCT FROM whole.project_id
    THEN
        RAISE EXCEPTION 'the parts of charge % do not add up to what is owed', {charge}
            USING ERRCODE = 'check_violation', CONSTRAINT = 'charge_allocations_add_up';
    END IF;
    RETURN NULL;
"""


def lines_add_up(name: str, charge: str) -> pgtrigger.Trigger:
    """At commit the lines add up to the charge's gross."""
    return _at_commit(name, _LINES_ADD_UP.format(charge=charge))


def allocations_add_up(name: str, charge: str) -> pgtrigger.Trigger:
    """At commit the parts of the projects add up to what the payer owes, the charge's own project
    first, with what rounding leaves over."""
    return _at_commit(
        name,
        _ALLOCATIONS_ADD_UP.format(charge=charge),
        declare=[("whole", "RECORD"), ("found", "RECORD")],
    )


def credited_by_a_note(name: str) -> pgtrigger.Trigger:
    """At commit nothing that was invoiced is void without a credit note."""
    return pgtrigger.Trigger(
        name=name,
        when=pgtrigger.After,
        operation=pgtrigger.Update,
        timing=pgtrigger.Deferred,
        condition=pgtrigger.Q(old__state="invoiced", new__state="void"),
        func=_BY_A_CREDIT_NOTE,
    )


def _at_commit(
    name: str, func: str, declare: list[tuple[str, str]] | None = None
) -> pgtrigger.Trigger:
    return pgtrigger.Trigger(
        name=name,
        when=pgtrigger.After,
        operation=pgtrigger.Insert,
        timing=pgtrigger.Deferred,
        declare=declare,
        func=func,
    )
