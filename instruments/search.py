"""Finding instruments by words: Latin ones by their stems, Chinese ones by one and two characters.

Chinese has no spaces, so a run of characters is indexed as its single characters and its pairs;
质谱 is one lexeme and a lookup in the GIN index. The English stemmer is PostgreSQL's. Chinese
lexemes are written as literals, so that nothing depends on the letters that the database's locale
knows.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable

from django.contrib.postgres.search import SearchQueryField
from django.db import connection
from django.db.models import BooleanField, F, FloatField, Func, Value

from instruments.models import Field, Instrument

# Written and compatibility ideographs, and the zero that years are written with.
_HAN = "〇\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_RUN = re.compile(f"[{_HAN}]+|[^\\W_{_HAN}]+(?:[-.'’/+][^\\W_{_HAN}]+)*")
_IS_HAN = re.compile(f"[{_HAN}]")
_PART = re.compile(r"[-.'’/+]")
# Names that people use for what catalogues call otherwise: 'written' is also found as 'said'.
_ALIASES = {
    "电子显微镜": "电镜",
    "microscope": "microscopy",
    "spectrometer": "spectrometry spectroscopy",
    "diffractometer": "diffraction",
    "chromatograph": "chromatography",
    "tomograph": "tomography",
}
# Translations follow the reader; the index needs both languages at once.
_FIELDS_ZH = defaultdict(
    str,
    {
        Field.MATERIALS.value: "材料",
        Field.BIOMEDICINE.value: "生物医药",
        Field.INTEGRATED_CIRCUITS.value: "集成电路",
        Field.EQUIPMENT.value: "装备制造",
        Field.ENERGY.value: "能源环境",
        Field.INFORMATION.value: "信息技术",
        Field.AI.value: "人工智能",
    },
)
_WEIGHTS = "ABCD"
_BATCH = 1000
_LONGEST_WORD = 60
# A tsvector holds one megabyte; nobody searches for what stands further down a description.
_LONGEST_TEXT = 20_000

_UPDATE = """
    UPDATE instruments_instrument AS instrument SET search = made.vector
    FROM (
        SELECT id, setweight(to_tsvector('english', a), 'A')
                || setweight(to_tsvector('english', b), 'B')
                || setweight(to_tsvector('english', c), 'C')
                || setweight(to_tsvector('english', d), 'D') || han::tsvector AS vector
        FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[])
            AS document(id, a, b, c, d, han)
    ) AS made
    WHERE instrument.id = made.id AND instrument.search IS DISTINCT FROM made.vector
"""


def words_of(text: str, *, joined: bool = False) -> tuple[list[str], list[str]]:
    """The Latin words and the Chinese runs of a text, lower-cased, full width made half.

    A Latin compound gives its parts: `HF-X` is hf and x, with `joined` hfx as well.
    """
    latin: list[str] = []
    han: list[str] = []
    for run in _RUN.findall(unicodedata.normalize("NFKC", text).lower()):
        if _IS_HAN.match(run):
            han.append(run)
            continue
        parts = _PART.split(run)
        latin += parts
        if joined and len(parts) > 1:
            latin.append("".join(parts))
    return [word[:_LONGEST_WORD] for word in latin], han


def pairs_of(run: str) -> list[str]:
    """The pairs of neighbours of a Chinese run; a single character is itself."""
    return [run[at : at + 2] for at in range(len(run) - 1)] or [run]


def refresh_search(instruments: Iterable[int]) -> None:
    """Writes `Instrument.search` of those with these pks anew, where it differs.

    Two statements for each thousand. Call it in the transaction that changed an instrument or
    a name that it is found by (its institution's, region's or category's).
    """
    wanted = sorted(set(instruments))
    for start in range(0, len(wanted), _BATCH):
        found = Instrument.objects.filter(pk__in=wanted[start : start + _BATCH]).select_related(
            "category__parent", "institution__region__city"
        )
        rows = [(instrument.pk, *_document(instrument)) for instrument in found]
        if rows:
            with connection.cursor() as cursor:
                cursor.execute(_UPDATE, [list(column) for column in zip(*rows, strict=True)])


def _texts(instrument: Instrument) -> tuple[str, str, str, str]:
    """What an instrument is found by, most telling first (weights A to D)."""
    category, region = instrument.category, instrument.institution.region
    classes = [category, category.parent] if category.parent else [category]
    places = [instrument.institution, region, region.city or region]
    around = [f"{named.name_zh} {named.name_en}" for named in (*classes, *places)]
    field = instrument.field.replace("_", " ")
    return (
        f"{instrument.name_zh} {instrument.name_en} {instrument.code}",
        " ".join([instrument.model, instrument.manufacturer, *instrument.techniques]),
        " ".join([*around, instrument.institution.code, field, _FIELDS_ZH[instrument.field]]),
        f"{instrument.description_zh} {instrument.description_en}",
    )


def _document(instrument: Instrument) -> tuple[str, str, str, str, str]:
    """The Latin words of each weight, and all Chinese lexemes as a tsvector literal."""
    latin = []
    positions: dict[str, list[str]] = {}
    position = 0
    for weight, text in zip(_WEIGHTS, _texts(instrument), strict=True):
        text = text[:_LONGEST_TEXT]
        text += "".join(f" {said}" for written, said in _ALIASES.items() if written in text.lower())
        words, runs = words_of(text, joined=True)
        latin.append(" ".join(words))
        for lexeme in (lexeme for run in runs for lexeme in [*run, *pairs_of(run)]):
            position += 1
            positions.setdefault(lexeme, []).append(f"{position}{weight}")
    han = " ".join(f"'{lexeme}':{','.join(at)}" for lexeme, at in positions.items())
    return latin[0], latin[1], latin[2], latin[3], han


class _Query(Func):
    """tsquery values, each in brackets, joined by `&&` or `||`."""

    output_field = SearchQueryField()
    template = "(%(expressions)s)"


class _English(_Query):
    template = "to_tsquery('english', %(expressions)s)"


class _Literal(_Query):
    template = "(%(expressions)s)::tsquery"


class Search:
    """What a person typed, as a condition on `Instrument.search` and as a rank."""

    def __init__(self, text: str) -> None:
        self._latin, self._runs = words_of(text)

    def is_empty(self) -> bool:
        """Whether there is no word in it, so that nothing can be found."""
        return not self._latin and not self._runs

    def matches(self) -> Func:
        """True for instruments that have every word; the last Latin word may be a beginning.

        A Chinese run of one or two characters must be there as it is. Of a longer one every
        character must be there and at least one pair, so that 冷冻电镜 finds 冷冻透射电子显微镜.
        """
        parts = self._english("&")
        for run in self._runs:
            parts.append(_literal("&", [run] if len(run) <= 2 else run))
            if len(run) > 2:
                parts.append(_literal("|", pairs_of(run)))
        query = _Query(*parts, arg_joiner=" && ")
        return Func(
            F("search"),
            query,
            template="(%(expressions)s)",
            arg_joiner=" @@ ",
            output_field=BooleanField(),
        )

    def rank(self) -> Func:
        """How well an instrument fits: by the weight and the number of the words that it has.

        `ts_rank` and not `ts_rank_cd`: the pairs of a Chinese run are alternatives here.
        """
        parts = self._english("|")
        if self._runs:
            parts.append(_literal("|", [pair for run in self._runs for pair in pairs_of(run)]))
        query = _Query(*parts, arg_joiner=" || ")
        return Func(F("search"), query, function="ts_rank", output_field=FloatField())

    def _english(self, operator: str) -> list[Func]:
        if not self._latin:
            return []
        *words, last = self._latin
        words.append(f"{last}:*" if len(last) > 1 else last)
        return [_English(Value(f" {operator} ".join(words)))]


def _literal(operator: str, lexemes: Iterable[str]) -> Func:
    return _Literal(Value(f" {operator} ".join(f"'{lexeme}'" for lexeme in lexemes)))
