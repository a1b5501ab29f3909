"""Good values of single operations: where a name means something else than elsewhere, or where a
field that may be left out is needed."""

from datetime import timedelta
from typing import Any

from tests import factories as f
from tests.contract.equipment import SECOND, THIRD
from tests.contract.facility import JOINER

# A Wednesday, 10:00 in Shanghai. The world stands still, so that every run sees the same.
NOW = f.MONDAY + timedelta(days=9, hours=2)
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)

ASKED = {
    "questions": [
        [{"code": "a", "topic": "other", "text_zh": "甲", "text_en": "A", "kind": "yes_no"}]
    ],
    "instruments": [["LAB-002"]],
}
SERVED = {"instruments": [["LAB-008"], ["LAB-001", "LAB-002"], []]}
SPECIAL: dict[str, dict[str, list[Any]]] = {
    "/accessories/": SERVED | {"institution": ["LAB-SH"]},
    "/accessories/{code}/": SERVED,
    "/operators/": SERVED | {"institution": ["LAB-SH"], "operator": [THIRD, SECOND]},
    "/operators/{id}/": SERVED,
    "/instruments/{code}/configurations/": {"code": ["hot", "cold"]},
    "/instruments/{code}/configurations/{configuration}/": {"code": ["cold", "hot"]},
    "/instruments/{code}/capacity/": {"capacity": [2, 1, 5]},
    "/closures/": {
        "instrument": ["LAB-001", "LAB-002"],
        "kind": ["maintenance", "closure", "training"],
        "rule": ["", "FREQ=WEEKLY;COUNT=3"],
    },
    "/opening-calendars/": {"name_en": ["Nights"]},
    "/opening-calendars/{slug}/": {"name_en": ["Nights"]},
    "/qualifications/": {"instrument": ["LAB-004"]},
    "/qualification-requests/": {"instrument": ["LAB-004"]},
    "/training-sessions/": {"instrument": ["LAB-004"]},
    "/violations/": {"user": [JOINER], "instrument": ["LAB-001"]},
    "/join-requests/": {"project": ["FIRM-SZ:SZ-002"]},
    "/projects/{institution}/{code}/members/": {"email": [JOINER]},
    "/question-sets/": ASKED,
    "/question-sets/{id}/versions/": ASKED,
    "/requests/": {
        "instrument": ["LAB-005", "LAB-006"],
        "quantity": ["2", "1"],
        "wanted_from": [NOW.isoformat()],
        "wanted_until": [(NOW + 20 * DAY).isoformat()],
        "samples": [[{"name": "Steel A"}, {"name": "Steel B"}], []],
    },
    "/requests/{reference}/samples/": {
        "samples": [[1], [1, 2]],
        "to": ["received", "queued", "returned"],
    },
    "/requests/{reference}/grant/": {"valid_until": ["2026-06-30"]},
    "/allocations/{reference}/change/": {"granted": ["30", "1"], "valid_until": ["2026-06-30"]},
    "/booking-rules/{id}/replace/": {"values": [{"most": 10}]},
    "/contract-prices/": {"valid_until": ["2026-06-30"], "instrument": ["LAB-002", "LAB-001"]},
    "/contract-prices/{reference}/end/": {"last_day": ["2026-03-20"]},
    "/hour-packages/": {"price": ["8000.00"], "valid_until": ["2026-06-30"]},
    "/accounting-months/": {"institution": ["LAB-SH"], "month": ["2026-02"]},
    "/deposits/terms/": {"credit_limit": ["500.00"]},
    "/institutions/{code}/billing-details/": {"bank_name": ["ICBC"]},
    "/institutions/{code}/billing-settings/": {"review_days": [10]},
    "/internal-exports/": {"institution": ["LAB-SH"], "period": ["2026-03"]},
    "/charges/{reference}/mend/": {"outcome": ["price"], "amount": ["10.00"]},
    "/consumables/": {"institution": ["LAB-SH"], "code": ["HE"]},
    "/runs/": {"instrument": ["LAB-005"]},
    "/programmes/{code}/terms/": {
        "holder_kinds": [["enterprise"]],
        "service_kinds": [["instrument"]],
        "valid_from": ["2026-04-01"],
        "valid_until": ["2027-12-31"],
    },
    "/programmes/{code}/pools/": {"amount": ["900000.00"], "year": [2026]},
    "/admissions/": {"programme": ["HU-SU"], "provider": ["SUB-SZ"]},
    "/allotments/": {"programme": ["HU-SU"], "year": [2026], "cap": ["250000.00"]},
    "/allotment-applications/": {
        "programme": ["HU-SU"],
        "year": [2027],
        "certificates": [[]],
    },
    "/certificates/": {"kind": ["other"], "size": [""], "valid_until": ["2026-12-31"]},
    "/related-parties/": {"one": ["FIRM-SZ"], "other": ["SUB-SZ"]},
    "/controlling-groups/": {"institutions": [["LAB-SH", "SUB-SZ"]]},
    "/controlling-groups/{id}/members/": {"institution": ["SUB-SZ"]},
    "/bookings/{reference}/extend/": {"end": [(NOW + 90 * MINUTE).isoformat()]},
    "/bookings/{reference}/release/": {"until": [(NOW + 30 * MINUTE).isoformat()]},
}
# Who does it, where it is not the facility's manager: tried first, which saves a second each.
LIKELY = {
    "/admissions/": "programme office",
    "/admissions/{id}/end/": "programme office",
    "/allotments/": "programme office",
    "/allotments/{id}/suspend/": "programme office",
    "/allotments/{id}/resume/": "programme office",
    "/allotment-applications/": "payer's office",
    "/allotment-applications/{reference}/": "payer's office",
    "/allotment-applications/{reference}/grant/": "programme office",
    "/allotment-applications/{reference}/decline/": "programme office",
    "/allotment-applications/{reference}/withdraw/": "payer's office",
    "/certificates/": "payer's office",
    "/certificates/{reference}/": "payer's office",
    "/certificates/{reference}/file/": "payer's office",
    "/certificates/{reference}/check/": "programme office",
    "/programmes/{code}/terms/": "programme office",
    "/programmes/{code}/pools/": "funding office",
    "/related-parties/": "funding office",
    "/related-parties/{id}/": "funding office",
    "/controlling-groups/": "funding office",
    "/controlling-groups/{id}/members/": "funding office",
    "/controlling-groups/{id}/members/{code}/": "funding office",
    "/bookings/{reference}/consent/": "principal",
    "/bookings/{reference}/extend/": "researcher",
    "/bookings/{reference}/release/": "researcher",
    "/bookings/{reference}/reschedule/preview/": "researcher",
    "/bookings/{reference}/sign-off/": "safety officer",
    "/charges/{reference}/approve/": "billing office",
    "/charges/{reference}/dispute/": "researcher",
    "/charges/{reference}/resolve/": "billing office",
    "/charges/{reference}/mend/": "billing office",
    "/internal-exports/": "billing office",
    "/internal-transfers/": "billing office",
    "/institutions/{code}/billing-settings/": "billing office",
    "/contract-prices/": "billing office",
    "/contract-prices/{reference}/approve/": "billing office",
    "/contract-prices/{reference}/decline/": "billing office",
    "/contract-prices/{reference}/end/": "billing office",
    "/hour-packages/": "billing office",
    "/accounting-months/": "billing office",
    "/deposits/": "billing office",
    "/deposits/terms/": "billing office",
    "/deposits/demand/": "billing office",
    "/deposit-moves/": "billing office",
    "/deposit-moves/{reference}/reverse/": "billing office",
    "/deposit-refunds/": "billing office",
    "/deposit-refunds/{reference}/pay/": "billing office",
    "/deposit-refunds/{reference}/withdraw/": "billing office",
    "/ledger/entries/": "billing office",
    "/consumables/": "billing office",
    "/consumables/{id}/prices/": "billing office",
    "/institutions/{code}/billing-details/": "administrator",
    "/tariffs/": "billing office",
    "/tariffs/preview/": "billing office",
    "/training-sessions/{reference}/withdraw/": "researcher",
}
