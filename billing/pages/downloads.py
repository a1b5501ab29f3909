"""A table as a file."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from io import BytesIO
from typing import Any

from django.http import FileResponse, StreamingHttpResponse
from django.utils.translation import get_language, override
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell


class _Echo:
    """A file that gives back what is written to it."""

    def write(self, text: str) -> str:
        return text


def csv_file(
    name: str, header: Sequence[Any], rows: Iterable[Sequence[Any]]
) -> StreamingHttpResponse:
    """Line by line, with the mark by which Excel knows that it is UTF-8."""
    lines = _spoken(_lines(header, rows), get_language())
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


def _spoken(lines: Iterator[str], language: str | None) -> Iterator[str]:
    """Each line in the language of the request, which is over when they are sent."""
    while True:
        with override(language):
            line = next(lines, None)
        if line is None:
            return
        yield line


def xlsx_file(name: str, header: Sequence[Any], rows: Iterable[Sequence[Any]]) -> FileResponse:
    """A workbook of one sheet; write-only, so that no more of it is kept than its packed rows."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet()
    sheet.append([_cell(one) for one in header])
    for row in rows:
        sheet.append([_typed(sheet, one) for one in row])
    file = BytesIO()
    book.save(file)
    file.seek(0)
    return FileResponse(file, as_attachment=True, filename=f"{name}.xlsx")


def _typed(sheet: Any, value: Any) -> Any:
    """A number, or text: also what begins as a formula does."""
    if isinstance(value, int | Decimal):
        return value
    cell = WriteOnlyCell(sheet, value="" if value is None else str(value))
    cell.data_type = "s"
    return cell


def _lines(header: Sequence[Any], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield "\ufeff"
    yield writer.writerow([_cell(one) for one in header])
    for row in rows:
        yield writer.writerow([_cell(one) for one in row])


def _cell(value: Any) -> str:
    """Nothing that a spreadsheet would take for a formula."""
    text = "" if value is None else str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
