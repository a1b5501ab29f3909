"""Files come as multipart forms, and only where an endpoint says so."""

from collections.abc import Mapping
from typing import IO, Any

from django.core.exceptions import RequestDataTooBig
from rest_framework.parsers import MultiPartParser

# Uploads, in bytes; the form around the file may add a little.
LARGEST_UPLOAD = 50_000_000
_FORM = 100_000


class UploadParser(MultiPartParser):
    """Raises RequestDataTooBig (413) before it reads what is larger than any upload may be."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        request = (parser_context or {})["request"]
        if int(request.META.get("CONTENT_LENGTH") or 0) > LARGEST_UPLOAD + _FORM:
            raise RequestDataTooBig
        return super().parse(stream, media_type, parser_context)
