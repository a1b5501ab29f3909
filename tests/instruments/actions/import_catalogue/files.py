"""Files that differ a little from the real ones."""

import csv
from datetime import datetime
from pathlib import Path

from instruments.actions.import_catalogue import Report, import_catalogue
from tests.instruments.conftest import DATA, NOW


def counts(report: Report) -> tuple[int, int, int, int]:
    return report.created, report.changed, report.unchanged, report.skipped


def rows_of(name: str) -> list[dict[str, str]]:
    with (DATA / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def write(path: Path, rows: list[dict[str, str]], encoding: str = "utf-8") -> Path:
    with path.open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def instruments(tmp_path: Path, *changes: dict[str, str]) -> Path:
    """A file of the first instruments, one for each dictionary of changed cells."""
    rows = rows_of("instruments")[: len(changes)]
    return write(
        tmp_path / "i.csv", [row | change for row, change in zip(rows, changes, strict=True)]
    )


def take(*files: Path, at: datetime = NOW, **options: bool) -> list[Report]:
    return import_catalogue(files, at=at, **options)  # type: ignore[arg-type]
