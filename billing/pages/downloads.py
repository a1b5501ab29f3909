"""A table as a file."""

import csv
from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from typing import Any

from django.http import FileResponse, StreamingHttpResponse
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class _Echo:
    """A file that gives back what is written to it."""

    def write(self, text: str) -> str:
        return text


def csv_file(
    name: str, header: Sequence[Any], rows: Iterable[Sequence[Any]]
) -> StreamingHttpResponse:
    """Line by line, with the mark by which Excel knows that it is UTF-8."""
    response = StreamingHttpResponse(_lines(header, rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return response


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


def xlsx_file(
    name: str, header: Sequence[Any], rows: Iterable[Sequence[Any]]
) -> StreamingHttpResponse:
    """The same as a spreadsheet: every cell is text, so that no number loses its zeros."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet(name[:31])
    for row in (header, *rows):
        sheet.append(["" if value is None else _plain(sheet, str(value)) for value in row])
    file = BytesIO()
    book.save(file)
    file.seek(0)
    response = FileResponse(file, as_attachment=True, filename=f"{name}.xlsx")
    response["Content-Type"] = XLSX
    return response


def _plain(sheet: Any, text: str) -> WriteOnlyCell:
    """Text, also where it begins as a formula does."""
    cell = WriteOnlyCell(sheet, value=text)
    cell.data_type = "s"
    return cell
