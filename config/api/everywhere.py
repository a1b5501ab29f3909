"""What any operation may answer, said once for the OpenAPI document."""

from typing import Any

UNSAFE = ("post", "put", "patch", "delete")


def add_answers(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Adds to each operation what is answered before its view is asked.

    401: a token that is wrong or has run out, also where none is needed. To what writes, 403: a
    browser's session without its CSRF token, and 411: a body that does not say its length.
    """
    for methods in result["paths"].values():
        for method, operation in methods.items():
            answers = operation["responses"]
            answers.setdefault("401", _problem("not_signed_in"))
            if method in UNSAFE:
                answers.setdefault("411", _problem("length_required"))
                if operation.get("security"):
                    answers.setdefault("403", _problem("not_allowed"))
            operation["responses"] = dict(sorted(answers.items()))
    return result


def close_exact(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Says of the bodies that refuse unknown fields that they do (`ExactSerializer`)."""
    for schema in result["components"]["schemas"].values():
        if schema.pop("x-exact", False):
            schema["additionalProperties"] = False
    return result


def _problem(description: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        "description": description,
        "content": {"application/problem+json": {"schema": schema}},
    }
