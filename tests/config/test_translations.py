"""What the translations tool calls stale, and what it keeps when it takes in new texts."""

from pathlib import Path

import polib
import pytest

from config.translations import merge, problems


def catalogue(*entries: polib.POEntry) -> polib.POFile:
    made = polib.POFile()
    made.metadata = {"Content-Type": "text/plain; charset=UTF-8"}
    made.extend(entries)
    return made


def text(msgid: str, msgstr: str = "", **more: object) -> polib.POEntry:
    return polib.POEntry(msgid=msgid, msgstr=msgstr, **more)


@pytest.fixture
def compiled(tmp_path: Path) -> Path:
    return tmp_path / "django.mo"


def test_a_catalogue_that_matches_its_sources_is_not_stale(compiled: Path) -> None:
    kept = catalogue(text("Book", "预约"))
    kept.save_as_mofile(str(compiled))
    assert problems(kept, catalogue(text("Book")), compiled) == []


def test_tells_new_unused_fuzzy_obsolete_and_untranslated_texts(compiled: Path) -> None:
    kept = catalogue(
        text("Book", "预约"),
        text("Cancel"),
        text("Approve", "批准", flags=["fuzzy"]),
        text("Gone", "没了"),
        text("Old", "旧", obsolete=True),
    )
    kept.save_as_mofile(str(compiled))
    found = catalogue(text("Book"), text("Cancel"), text("Approve"), text("New"))

    assert problems(kept, found, compiled) == [
        "not in the catalogue: 'New'",
        "no longer used: 'Gone'",
        "obsolete: 'Old'",
        "fuzzy: 'Approve'",
        "not translated: 'Cancel'",
    ]


def test_the_same_text_in_another_context_is_another_text(compiled: Path) -> None:
    kept = catalogue(text("Order", "订单"))
    kept.save_as_mofile(str(compiled))
    found = catalogue(text("Order"), text("Order", msgctxt="sorting"))
    assert problems(kept, found, compiled) == ["not in the catalogue: 'Order'"]


def test_tells_a_compiled_file_that_is_older_than_its_source(compiled: Path) -> None:
    catalogue(text("Book", "预定")).save_as_mofile(str(compiled))
    kept = catalogue(text("Book", "预约"))
    assert problems(kept, None, compiled) == ["not compiled as it stands: django.mo"]


def test_taking_in_new_texts_keeps_every_translation(compiled: Path) -> None:
    kept = catalogue(text("Book", "预约", tcomment="the verb"), text("Gone", "没了"))

    merge(kept, catalogue(text("Cancel"), text("Book")))

    assert [(e.msgid, e.msgstr, e.tcomment) for e in kept] == [
        ("Book", "预约", "the verb"),
        ("Cancel", "", ""),
    ]
