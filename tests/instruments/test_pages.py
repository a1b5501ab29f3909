"""The catalogue page."""

import pytest
from django.test import Client

from institutions.models import Institution
from instruments.search import refresh_search
from tests import factories as f

CHINESE = {"accept-language": "zh-hans"}


@pytest.fixture
def lab(db: None) -> Institution:
    return f.InstitutionFactory(code="LAB-SH", region=f.region("310110"))


def page(client: Client, query: str = "", **headers: str) -> str:
    answer = client.get(f"/instruments/{query}", headers={**CHINESE, **headers})
    assert answer.status_code == 200
    return answer.content.decode()


def test_everybody_reads_names_prices_and_how_to_get_time(client: Client, lab: Institution) -> None:
    f.InstrumentFactory(institution=lab, name_zh="场发射电镜", price=300)
    f.InstrumentFactory(institution=lab, access_mode="sample_submission")
    f.InstrumentFactory(institution=lab, access_mode="proposal")
    shown = page(client)
    for words in ("场发射电镜", "¥300.00", "小时", "可预约", "提交申请", "按机时分配", "上海市"):
        assert words in shown


def test_search_and_filters_narrow_the_list(client: Client, lab: Institution) -> None:
    found = f.InstrumentFactory(institution=lab, name_zh="三合一质谱仪", field="biomedicine")
    other = f.InstrumentFactory(institution=lab, name_zh="质谱联用仪", field="materials")
    refresh_search([found.pk, other.pk])
    shown = page(client, "?q=质谱&field=biomedicine")
    assert found.name_zh in shown
    assert other.name_zh not in shown
    assert "生物医药" in shown


def test_a_filter_that_names_nothing_is_left_out_and_said(client: Client, lab: Institution) -> None:
    instrument = f.InstrumentFactory(institution=lab)
    shown = page(client, "?region=999999&ordering=")
    assert instrument.name_zh in shown
    assert "999999" in shown


@pytest.mark.parametrize("query", ["?page=99", "?page=x", "?q=%00", f"?q={'x' * 500}", "?field=x"])
def test_odd_addresses_still_give_a_page(client: Client, lab: Institution, query: str) -> None:
    f.InstrumentFactory(institution=lab)
    page(client, query)


def test_an_empty_result_offers_a_way_on(client: Client, lab: Institution) -> None:
    assert "没有符合条件的仪器" in page(client, "?q=nothing-like-it")


def test_htmx_gets_the_results_alone(client: Client, lab: Institution) -> None:
    shown = page(client, **{"hx-request": "true"})
    assert "<html" not in shown
    assert 'id="kept"' in shown


@pytest.mark.parametrize("query", ["", "?q=仪器&region=310000&category=01&ordering=price"])
def test_the_page_takes_at_most_six_queries(
    client: Client, lab: Institution, django_assert_max_num_queries: object, query: str
) -> None:
    made = [f.InstrumentFactory(institution=lab) for _ in range(25)]
    refresh_search([instrument.pk for instrument in made])
    page(client, query)
    with django_assert_max_num_queries(6):
        page(client, query)


@pytest.mark.parametrize("is_demo", [True, False])
def test_demo_data_is_called_so_and_only_demo_data(
    client: Client, lab: Institution, settings: object, is_demo: bool
) -> None:
    settings.CACHES = {"default": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}}
    f.InstrumentFactory(institution=lab, is_demo=is_demo)
    assert ("demo-note" in page(client)) is is_demo
