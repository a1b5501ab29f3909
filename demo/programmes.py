"""The programme offices at work: applications with certificates, ties, a list of providers."""

from datetime import date
from decimal import Decimal

from billing.actions.admit_provider import admit_provider
from billing.actions.apply_for_allotment import apply_for_allotment
from billing.actions.decide_application import decline_application, grant_application
from billing.actions.suspend_allotment import resume_allotment, suspend_allotment
from billing.actions.upload_certificate import check_certificate, upload_certificate
from billing.models import Allotment, Application, Certificate, Programme
from demo.people import STAFFED
from demo.scene import DAY, Scene
from institutions.actions.relate_parties import form_group, relate_parties

HU_SU = "HU-SU"


def programmes_at_work(scene: Scene) -> None:
    """Nothing here changes who may spend what: caps, rules and ties bind nobody's booking."""
    programmes = {one.code: one for one in Programme.objects.all()}
    _admissions(scene, programmes)
    _applications(scene, programmes)
    _ties(scene)
    _a_pause(scene, programmes)


def _admissions(scene: Scene, programmes: dict[str, Programme]) -> None:
    """A list that is kept, though the rules do not ask for it yet."""
    for code in STAFFED:
        admit_provider(
            by=scene.user("programme.shanghai"),
            programme=programmes[HU_SU],
            provider=scene.people.institutions[code],
            valid_from=date(scene.at.year, 1, 1),
            at=scene.ago(60),
        )


def _applications(scene: Scene, programmes: dict[str, Programme]) -> None:
    """One granted at the cap that it had, one declined, one that waits."""
    office = scene.user("programme.shanghai")
    holder = scene.people.institutions["DEMO-SZ"]
    by = scene.user("billing.suzhou")

    def apply(
        code: str, year: int, amount: int, purpose: str, days: int, *papers: Certificate
    ) -> Application:
        return apply_for_allotment(
            by=by,
            programme=programmes[code],
            holder=holder,
            year=year,
            amount=Decimal(amount),
            purpose=purpose,
            certificates=papers,
            at=scene.ago(days),
        )

    size = _certificate(scene, "size", "small")
    granted = apply(HU_SU, scene.at.year, 300_000, "高温合金显微分析", 40, size)
    check_certificate(by=office, certificate=size, accepted=True, at=scene.ago(38))
    grant_application(by=office, application=granted, at=scene.ago(38))
    declined = apply("SZ-INSTR", scene.at.year, 80_000, "薄膜表征", 30)
    reason = "本年度额度已按上限核定。"
    other = scene.user("programme.suzhou")
    decline_application(by=other, application=declined, reason=reason, at=scene.ago(28))
    licence = _certificate(scene, "licence", "")
    apply(HU_SU, scene.at.year + 1, 300_000, "下一年度测试计划", 3, size, licence)


def _certificate(scene: Scene, kind: str, size: str) -> Certificate:
    return upload_certificate(
        by=scene.user("billing.suzhou"),
        holder=scene.people.institutions["DEMO-SZ"],
        kind=kind,
        size=size,
        valid_from=date(scene.at.year, 1, 1),
        valid_until=date(scene.at.year + 1, 12, 31),
        file_name=f"demo-{kind}.pdf",
        content=_page(f"Demo certificate: {kind} {size}".strip()),
        at=scene.ago(41),
    )


def _page(text: str) -> bytes:
    """A PDF of one page with a line of text."""
    drawn = f"BT /F1 18 Tf 72 720 Td ({text}) Tj ET".encode()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(drawn), drawn),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    made, places = b"%PDF-1.4\n", []
    for number, content in enumerate(objects, 1):
        places.append(len(made))
        made += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    tail = b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
    return made + head + table + tail % (len(objects) + 1, len(made))


def _ties(scene: Scene) -> None:
    """Two enterprises of one hand: no programme of the demo counts its cap for groups."""
    firms = [scene.people.institutions[code] for code in ("DEMO-SZ", "DEMO-WJ")]
    office, at = scene.user("programme.suzhou"), scene.ago(50)
    relate_parties(
        by=office,
        one=firms[0],
        other=scene.people.institutions["DEMO-SH"],
        kind="同一股东（演示）",
        at=at,
    )
    form_group(by=office, name_zh="演示集团", name_en="Demo group", institutions=firms, at=at)


def _a_pause(scene: Scene, programmes: dict[str, Programme]) -> None:
    """An allotment that was suspended for two days, and is used again."""
    office = scene.user("programme.shanghai")
    allotment = Allotment.objects.get(
        programme=programmes[HU_SU],
        holder=scene.people.institutions["DEMO-WJ"],
        year=scene.at.year + 1,
    )
    at = scene.ago(20)
    suspend_allotment(by=office, allotment=allotment, reason="年度核查", at=at)
    resume_allotment(by=office, allotment=allotment, reason="核查完毕", at=at + 2 * DAY)
