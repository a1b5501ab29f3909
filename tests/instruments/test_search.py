import pytest
from django.apps import apps
from django.db import connection

from instruments.models import Field, Instrument
from instruments.search import _FIELDS_ZH, Search, pairs_of, refresh_search, words_of
from tests import factories as f


def codes(text: str) -> list[str]:
    search = Search(text)
    if search.is_empty():
        return []
    found = Instrument.objects.filter(search.matches()).annotate(rank=search.rank())
    return list(found.order_by("-rank", "code").values_list("code", flat=True))


def instrument(code: str, **fields: object) -> Instrument:
    made = f.InstrumentFactory(code=code, price=False, **fields)
    refresh_search([made.pk])
    return made


def test_words_are_lower_cased_and_full_width_is_made_half() -> None:
    assert words_of("Ｑ Exactive 质谱") == (["q", "exactive"], ["质谱"])


def test_a_compound_gives_its_parts_and_itself_where_asked() -> None:
    assert words_of("HF-X") == (["hf", "x"], [])
    assert words_of("HF-X", joined=True) == (["hf", "x", "hfx"], [])


def test_chinese_and_latin_part_where_they_meet() -> None:
    assert words_of("300kV冷冻电镜（G4）") == (["300kv", "g4"], ["冷冻电镜"])


def test_punctuation_and_control_characters_are_no_words() -> None:
    assert words_of("!?。、\x00 _ -") == ([], [])


def test_a_run_is_its_pairs_of_neighbours() -> None:
    assert pairs_of("冷冻电镜") == ["冷冻", "冻电", "电镜"]
    assert pairs_of("镜") == ["镜"]


def test_every_field_can_be_searched_for_in_chinese() -> None:
    assert set(_FIELDS_ZH) == set(Field.values)


@pytest.mark.usefixtures("catalogue", "db")
class TestOnTheRealCatalogue:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("Q Exactive HF-X", ["FDJS-001"]),
            ("q exactive hfx", ["FDJS-001"]),
            ("Krios G4", ["STU-001"]),
            ("FDU-001", ["FDU-001"]),
            ("fdu001", ["FDU-001"]),
            ("Orbitrap Eclipse", ["FDU-001"]),
        ],
    )
    def test_finds_models_and_codes(self, text: str, expected: list[str]) -> None:
        assert codes(text) == expected

    def test_finds_a_word_that_is_only_begun(self) -> None:
        assert codes("Kri") == codes("Krios") == ["NFPS-003", "STU-001"]

    @pytest.mark.parametrize("text", ["冷冻电镜", "冷冻透射电镜", "cryoEM"])
    def test_finds_cryo_microscopes_by_any_of_their_names(self, text: str) -> None:
        assert codes(text) == ["NFPS-003", "NFPS-004", "STU-001"]

    def test_finds_electron_microscopes_by_their_short_name(self) -> None:
        found = set(codes("电镜"))
        named = Instrument.objects.filter(name_zh__contains="电子显微镜")
        assert set(named.values_list("code", flat=True)) < found
        assert set(codes("electron microscopy")) >= {"NFPS-003", "STU-002"}

    @pytest.mark.parametrize("text", ["质谱", "mass spectrometry"])
    def test_finds_every_instrument_of_a_sub_class_by_its_name(self, text: str) -> None:
        found = codes(text)
        subclass = Instrument.objects.filter(category__code="0102")
        assert set(subclass.values_list("code", flat=True)) <= set(found)

    def test_those_that_are_named_so_come_before_those_of_the_class(self) -> None:
        found = codes("质谱")
        names = dict(Instrument.objects.values_list("code", "name_zh"))
        has_it = ["质谱" in names[code] for code in found]
        assert has_it == sorted(has_it, reverse=True)
        assert True in has_it
        assert False in has_it

    def test_every_word_must_be_there(self) -> None:
        assert codes("复旦大学 质谱") == ["FDU-001", "FDU-002"]
        assert codes("复旦大学 光刻") == []

    def test_finds_instruments_by_city_and_field(self) -> None:
        suzhou = Instrument.objects.filter(institution__region__city__code="320500")
        assert set(codes("苏州")) >= set(suzhou.values_list("code", flat=True))
        energy = Instrument.objects.filter(field="energy_environment")
        assert set(codes("能源环境")) == set(energy.values_list("code", flat=True))

    @pytest.mark.parametrize("text", ["the", "!!!", "质'谱\\", "a & b | !c", "<->", "绝无此物"])
    def test_odd_words_find_nothing_and_break_nothing(self, text: str) -> None:
        assert isinstance(codes(text), list)

    @pytest.mark.parametrize("text", ["质谱", "镜", "冷冻电镜", "Krios"])
    def test_the_index_answers(self, text: str) -> None:
        query, params = (
            Instrument.objects.filter(Search(text).matches())
            .order_by()
            .values("pk")
            .query.sql_with_params()
        )
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
            cursor.execute(f"EXPLAIN {query}", params)
            plan = "\n".join(line for (line,) in cursor.fetchall())
        assert "instrument_search" in plan
        assert "Seq Scan" not in plan


@pytest.mark.django_db
def test_a_long_word_needs_one_pair_and_not_only_its_characters() -> None:
    instrument("PAIR", name_zh="刻度光源机")
    assert codes("光刻机") == []
    instrument("TRUE", name_zh="光刻设备机房")
    assert codes("光刻机") == ["TRUE"]


@pytest.mark.django_db
def test_a_word_in_the_name_counts_more_than_in_the_description() -> None:
    instrument("DESC", description_en="Works beside a rheometer.")
    instrument("MODEL", model="Rheometer 3")
    instrument("NAME", name_en="Rheometer")
    assert codes("rheometers") == ["NAME", "MODEL", "DESC"]


@pytest.mark.django_db
def test_a_description_may_be_very_long() -> None:
    words = " ".join(f"word{n}" for n in range(100_000))
    instrument("LONG", description_en=f"calorimeter {words}")
    assert codes("calorimeter") == ["LONG"]


@pytest.mark.django_db
def test_writes_only_what_differs_and_in_few_statements(
    django_assert_num_queries: pytest.FixtureDef,
) -> None:
    made = [instrument(f"N{n}") for n in range(3)]
    Instrument.objects.filter(pk=made[0].pk).update(name_en="Calorimeter")
    before = places_of_rows()
    with django_assert_num_queries(2):
        refresh_search([i.pk for i in made])
    assert codes("calorimeter") == ["N0"]
    moved = {pk for pk, place in places_of_rows().items() if place != before[pk]}
    assert moved == {made[0].pk}


def places_of_rows() -> dict[int, str]:
    """A row that is written moves."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, ctid::text FROM instruments_instrument")
        return dict(cursor.fetchall())


@pytest.mark.django_db
def test_leaves_no_trace_in_the_history() -> None:
    made = instrument("H1")
    events = apps.get_model("instruments", "InstrumentEvent").objects
    before = events.count()
    made.name_en = "Renamed"
    made.save()
    refresh_search([made.pk])
    assert events.count() == before + 1


@pytest.mark.django_db
def test_refreshing_nothing_asks_nothing(django_assert_num_queries: pytest.FixtureDef) -> None:
    with django_assert_num_queries(0):
        refresh_search([])
