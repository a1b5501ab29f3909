"""`python -m config.translations check | update`: the catalogue of Simplified Chinese.

Django's `makemessages` finds the texts in a copy of the sources (it needs GNU gettext); reading,
merging and compiling is done with polib, so that the compiled file can be made anywhere.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import polib

ROOT = Path(__file__).resolve().parents[1]
LANGUAGE = "zh_Hans"
CATALOGUE = ROOT / "locale" / LANGUAGE / "LC_MESSAGES" / "django.po"
SOURCES = ("config", "billing", "bookings", "instruments", "institutions", "kernel", "demo")
SHOWN = 25
Key = tuple[str | None, str, str]


def found_in_sources(root: Path = ROOT) -> polib.POFile:
    """Every text that the sources mark for translation, untranslated."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        for name in SOURCES:
            if (root / name).exists():
                shutil.copytree(root / name, copy / name, ignore=shutil.ignore_patterns("*.pyc"))
        (copy / "locale").mkdir()
        done = subprocess.run(
            [
                *(sys.executable, "-m", "django", "makemessages", "--locale", LANGUAGE),
                *("--no-wrap", "--add-location", "file", "--extension", "py,html,txt,md"),
            ],
            cwd=copy,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise SystemExit(f"makemessages failed:\n{done.stdout}{done.stderr}")
        made = copy / "locale" / LANGUAGE / "LC_MESSAGES" / "django.po"
        return polib.pofile(str(made)) if made.exists() else polib.POFile()


def key(entry: polib.POEntry) -> Key:
    return (entry.msgctxt, entry.msgid, entry.msgid_plural or "")


def problems(catalogue: polib.POFile, found: polib.POFile | None, compiled: Path) -> list[str]:
    """What is stale, one line for each; nothing when all is well."""
    told: list[str] = []
    current = {key(entry): entry for entry in catalogue if not entry.obsolete}
    if found is not None:
        wanted = {key(entry) for entry in found}
        told += [f"not in the catalogue: {k[1]!r}" for k in sorted(wanted - set(current), key=str)]
        told += [f"no longer used: {k[1]!r}" for k in sorted(set(current) - wanted, key=str)]
    told += [f"obsolete: {entry.msgid!r}" for entry in catalogue.obsolete_entries()]
    told += [f"fuzzy: {entry.msgid!r}" for entry in catalogue.fuzzy_entries()]
    told += [f"not translated: {entry.msgid!r}" for entry in catalogue.untranslated_entries()]
    if not compiled.exists() or _texts(polib.mofile(str(compiled))) != _texts(catalogue):
        told.append(f"not compiled as it stands: {compiled.name}")
    return told


def _texts(catalogue: polib.POFile | polib.MOFile) -> dict[Key, object]:
    entries = catalogue if isinstance(catalogue, polib.MOFile) else catalogue.translated_entries()
    return {key(e): e.msgstr_plural or e.msgstr for e in entries if not e.obsolete}


def merge(catalogue: polib.POFile, found: polib.POFile) -> None:
    """Take in new texts, drop those no longer used, keep every translation."""
    known = {key(entry): entry for entry in catalogue if not entry.obsolete}
    merged = []
    for entry in found:
        old = known.get(key(entry))
        if old is not None:
            entry.msgstr, entry.msgstr_plural = old.msgstr, old.msgstr_plural
            entry.tcomment = old.tcomment
            if old.fuzzy:
                entry.flags.append("fuzzy")
        merged.append(entry)
    catalogue[:] = sorted(merged, key=lambda entry: (entry.occurrences, entry.msgid))


def check() -> int:
    have_gettext = shutil.which("xgettext") is not None
    told = problems(_catalogue(), found_in_sources() if have_gettext else None, _compiled())
    for line in told[:SHOWN]:
        print(f"{CATALOGUE.relative_to(ROOT)}: {line}")
    if len(told) > SHOWN:
        print(f"… and {len(told) - SHOWN} more")
    if not have_gettext:
        print("GNU gettext is not installed: the texts of the sources were not compared.")
    if told:
        print("To repair: python -m config.translations update, then translate what is empty.")
    return 1 if told else 0


def update() -> int:
    catalogue = _catalogue()
    if shutil.which("xgettext"):
        merge(catalogue, found_in_sources())
    else:
        print("GNU gettext is not installed: only compiled, nothing taken in from the sources.")
    catalogue.save(str(CATALOGUE))
    catalogue.save_as_mofile(str(_compiled()))
    empty = catalogue.untranslated_entries()
    print(f"{len(catalogue)} texts, {len(empty)} without translation")
    for entry in empty:
        print(f"  {entry.msgid!r}")
    return 0


def _compiled() -> Path:
    return CATALOGUE.with_suffix(".mo")


def _catalogue() -> polib.POFile:
    if CATALOGUE.exists():
        return polib.pofile(str(CATALOGUE), wrapwidth=100)
    CATALOGUE.parent.mkdir(parents=True, exist_ok=True)
    made = polib.POFile(wrapwidth=100)
    made.metadata = {
        "Project-Id-Version": "Yitong",
        "Language": LANGUAGE,
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
        "Plural-Forms": "nplurals=1; plural=0;",
    }
    return made


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m config.translations", description=__doc__)
    parser.add_argument("command", choices=["check", "update"])
    sys.exit(check() if parser.parse_args().command == "check" else update())
