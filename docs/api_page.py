"""docs/reference/api.md: the OpenAPI document for people who read."""

import json
import urllib.parse
from collections.abc import Iterator, Mapping
from typing import Any

from docs import example
from docs.markdown import code, page, table

Json = dict[str, Any]

_WORDS = """\
The API of the operator-service, as Ocean Providers call it. The service itself shows the same at `/api/v1/docs`, and
answers with the OpenAPI document at `/spec`. [Connect your Provider](../howto/connect-your-provider.md) says how to set
it up, [authentication](authentication.md) what is signed and what that is worth.

## Rules for every call
- **Parameters** are taken from the query string if there is one, as a whole; otherwise from a JSON object in the body,
  with every method. A client that has both loses the body.
- **Answers** are JSON, written as Python's `json.dumps` writes it, with the keys in the order below. Times are seconds
  since 1970 as *texts*; counts and sizes are numbers.
- **Errors** are `{"error": "…"}` with the status of the tables below. Texts that clients in the field know are kept
  word for word; what they mean is in [Connect your Provider](../howto/connect-your-provider.md#what-goes-wrong).
- **503 and 429** ask for patience: the same request may be sent again. Everything else from 400 on stays as it is until
  something is changed.
- **Ids and addresses** are compared without regard to upper and lower case.
- **CORS**: JSON answers and results have `Access-Control-Allow-Origin: *`.
"""
_HEADINGS = {"Status": "The status object", "Environment": "The environment object", "Result": "A result"}


def text(document: Json) -> str:
    """The whole page."""
    tags = [_tag(document, tag["name"], tag["description"]) for tag in document["tags"]]
    schemas = document["components"]["schemas"]
    objects = [f"## {title}\n\n{_fields(schemas[name])}" for name, title in _HEADINGS.items()]
    return page("API", "operator/c2d/service/openapi.py", _WORDS, *tags, *objects, _example())


def _tag(document: Json, tag: str, description: str) -> str:
    sections = [
        _operation(document, method, path, operation)
        for path, operations in document["paths"].items()
        for method, operation in operations.items()
        if operation["tags"] == [tag]
    ]
    return "\n".join([f"## Routes: {tag}\n\n{description}\n", *sections])


def _operation(document: Json, method: str, path: str, operation: Json) -> str:
    about = f"{operation['summary']}. {operation.get('description', '')}".strip()
    parts = [f"### {method.upper()} {path}\n", f"{about}\n"]
    parameters = list(_parameters(document, operation))
    if parameters:
        parts.append(table(("parameter", "type", "", "meaning"), parameters))
    answers = [(status, _shape(said), said["description"]) for status, said in sorted(operation["responses"].items())]
    parts.append(table(("answer", "body", "meaning"), answers))
    return "\n".join(parts)


def _parameters(document: Json, operation: Json) -> Iterator[tuple[str, ...]]:
    """Those of the query and the header, and the fields of a body."""
    for item in operation.get("parameters", ()):
        where = f" Header `{item['name']}`." if item["in"] == "header" else ""
        needed = "required" if item["required"] else _default(item["schema"])
        yield code(item["name"]), _type(item["schema"]), needed, item["description"] + where
    body = operation.get("requestBody")
    if body:
        name = body["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        schema = document["components"]["schemas"][name]
        yield from _rows(schema, {field: "required" for field in schema["required"]})


def _fields(schema: Json) -> str:
    optional = schema["properties"].keys() - set(schema["required"])
    return table(("field", "type", "", "meaning"), _rows(schema, dict.fromkeys(optional, "may be absent")))


def _rows(schema: Json, notes: Mapping[str, str]) -> Iterator[tuple[str, ...]]:
    for name, node in schema["properties"].items():
        yield code(name), _type(node), notes.get(name, ""), node.get("description", "")


def _default(node: Json) -> str:
    return code(node["default"]) if "default" in node else ""


def _type(node: Json) -> str:
    if "$ref" in node:
        return str(node["$ref"].rpartition("/")[2])
    if "oneOf" in node:
        return " or ".join(_type(each) for each in node["oneOf"])
    if "enum" in node:
        return " or ".join(code(json.dumps(value)) for value in node["enum"])
    kind = {"string": "text", "integer": "whole number"}.get(node["type"], node["type"])
    if node["type"] == "array":
        kind = f"list of {_type(node['items'])}"
    return str(kind) + (" or null" if node.get("nullable") else "") + _bounds(node)


def _bounds(node: Json) -> str:
    low, high = node.get("minLength"), node.get("maxLength")
    if low is not None and high is not None:
        return f", {low} to {high} characters"
    low, high = node.get("minimum"), node.get("maximum")
    return f", {low} to {high}" if low is not None and high is not None else ""


def _shape(answer: Json) -> str:
    for kind, content in answer.get("content", {}).items():
        if kind != "application/json" or "schema" not in content:
            return code(kind)
        return _linked(_type(content["schema"]))
    return ""


def _linked(kind: str) -> str:
    """The words of `_type`, with links to the objects of this page."""
    for name, title in _HEADINGS.items():
        kind = kind.replace(name, f"[{name}](#{title.lower().replace(' ', '-')})")
    return kind


def _example() -> str:
    given = {"owner": example.OWNER, "jobId": example.JOB, "nonce": str(example.NONCE)}
    signed = {**given, "providerSignature": example.JOB_SIGNATURE}
    fetched = {**signed, "index": "0"}
    return "\n".join(
        [
            "## Worked example\n",
            f"The Provider with the address `{example.ADDRESS}` starts a job for the consumer `{example.OWNER}`. It "
            f"signs the text `{example.OWNER}{example.NONCE}`, owner and nonce without anything between, and sends "
            "`POST /api/v1/operator/compute`:\n",
            _json(example.START),
            "The answer is a list of one status object:\n",
            _json([example.STARTED]),
            "It asks for news with `GET`. Now the job is in the signed text, between owner and nonce. (A real request "
            "takes a new nonce each time.)\n",
            f"```text\n/api/v1/operator/compute?{urllib.parse.urlencode(signed)}\n```\n",
            "At the end, what can be fetched is in `results`:\n",
            _json([example.FINISHED]),
            "The first of the results, with the same signed text:\n",
            f"```text\n/api/v1/operator/getResult?{urllib.parse.urlencode(fetched)}\n```\n",
            "It comes with `Content-Disposition: attachment;filename=answer.txt`. An environment looks like this:\n",
            _json([example.ENVIRONMENT]),
            "The private key of this example is in `docs/example.py`, so that a client can be tested against these "
            "signatures. Everybody knows it: never admit its address.\n",
        ]
    )


def _json(value: object) -> str:
    return f"```json\n{json.dumps(value, indent=2)}\n```\n"
