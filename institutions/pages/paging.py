"""Lists in pages of a fixed length, with the numbers that the paging bar shows."""

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest

PER_PAGE = 25


def paged(
    request: HttpRequest, rows: Any, *, per_page: int = PER_PAGE, param: str = "page"
) -> dict[str, Any]:
    """`page_obj` and `page_range` for `?page=`, or for `param` where a page has two lists; a
    number that is none gives the nearest page."""
    paginator = Paginator(rows, per_page)
    page = paginator.get_page(request.GET.get(param))
    return {
        "page_param": param,
        "page_obj": page,
        "page_range": paginator.get_elided_page_range(page.number, on_each_side=1, on_ends=1),
    }
