"""The official OpenAPI documents as a judge of requests, answers and webhooks.

The documents are OpenAPI 3.1, so their schemas are JSON Schema 2020-12. Three things are added:

- a `discriminator` picks the concrete schema (JSON Schema alone ignores it, and would let a message
  body of any shape pass);
- a property that no schema names is a fault, although JSON Schema lets it pass: a misspelt property
  is exactly what these checks are for;
- `entityId` of an association may be null, as its description says and its type does not.

Every `validate_*` raises `NotAsDocumented` (an AssertionError) that lists all faults. `path` may be
a template or a real path.
"""

import json
import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

Schema = dict[str, Any]

_REPOSITORY = Path(__file__).resolve().parents[2]
CONTRACTS = Path(os.environ.get("CONTRACTS_DIR", _REPOSITORY.parent / "shared/contracts"))

ABSENT = not (CONTRACTS / "openapi").is_dir()
WHY_ABSENT = "the official API documents are not here; CONTRACTS_DIR names their folder"


class NotAsDocumented(AssertionError):
    """What was given is not what the official document says."""


def validate_request_body(product: str, path: str, method: str, body: Any) -> None:
    """A JSON request body, unknown properties included in the faults."""
    operation = _operation(product, path, method)
    if "requestBody" not in operation:
        _judge(f"{method} {path}", [] if body is None else ["no request body is documented"])
        return
    _validate(f"{method} {path}", product, _json_schema(product, operation["requestBody"]), body)


def validate_query(product: str, path: str, method: str, params: dict[str, Any]) -> None:
    """Query parameters: names, presence and values; lists may be comma-separated."""
    parameters = [
        _resolve(product, each) for each in _operation(product, path, method)["parameters"]
    ]
    known = {each["name"]: each for each in parameters if each["in"] == "query"}
    faults = [f"{name}: no such query parameter" for name in params if name not in known]
    for name, parameter in known.items():
        if name in params:
            value = _parsed(product, parameter["schema"], params[name])
            faults += [f"{name}: {x}" for x in _faults(product, parameter["schema"], value)]
        elif parameter.get("required"):
            faults.append(f"{name}: is required")
    _judge(f"{method} {path}", faults)


def validate_response(product: str, path: str, method: str, status: int, body: Any) -> None:
    """An answer: a documented status, and the body it is documented with (None when without)."""
    responses = _operation(product, path, method)["responses"]
    what = f"{method} {path} -> {status}"
    if str(status) not in responses:
        _judge(what, [f"documented are {', '.join(responses)}"])
    response = _resolve(product, responses[str(status)])
    if "schema" in next(iter(response.get("content", {}).values()), {}):
        _validate(what, product, _json_schema(product, response), body)
    else:
        _judge(what, [] if body in (None, "", b"") else ["no body is documented"])


def validate_webhook(product: str, name: str, body: Any) -> None:
    """A webhook's body; `name` as in the document's `webhooks`."""
    webhook = _document(product)["webhooks"][name]["post"]
    _validate(name, product, _json_schema(product, webhook["requestBody"]), body)


def validate_component(product: str, name: str, body: Any) -> None:
    """A body against a schema by its name, for what a document describes but attaches nowhere."""
    schemas = _document(product)["components"]["schemas"]
    key = next(each for each in schemas if each.split(".")[-1] == name)
    _validate(name, product, schemas[key], body)


def request_examples(product: str, path: str, method: str) -> list[Any]:
    """The request bodies that the document itself gives as examples."""
    body = _resolve(product, _operation(product, path, method)["requestBody"])
    return [each["value"] for each in body["content"]["application/json"]["examples"].values()]


def unknown_properties(product: str, schema: Schema, instance: Any, at: str = "") -> Iterator[str]:
    """Where the instance has a property that its schema does not name."""
    if isinstance(instance, list):
        items = _keyword(product, schema, instance, "items")
        for index, item in enumerate(instance):
            for each in items[:1]:
                yield from unknown_properties(product, each, item, f"{at}[{index}]")
    if isinstance(instance, dict):
        yield from _unknown_in_object(product, schema, instance, at)


def _unknown_in_object(product: str, schema: Schema, instance: Any, at: str) -> Iterator[str]:
    parts = list(_parts(product, schema, instance))
    named = {key: value for part in parts for key, value in part.get("properties", {}).items()}
    rest = [part["additionalProperties"] for part in parts if "additionalProperties" in part]
    free = not named and not rest and not any("allOf" in part for part in parts)
    for name, value in instance.items():
        where = f"{at}.{name}" if at else name
        if name in named:
            yield from unknown_properties(product, named[name], value, where)
        elif rest and isinstance(rest[0], dict):
            yield from unknown_properties(product, rest[0], value, where)
        elif not rest and not free:
            yield where


def _keyword(product: str, schema: Schema, instance: Any, keyword: str) -> list[Any]:
    return [part[keyword] for part in _parts(product, schema, instance) if keyword in part]


def _parts(product: str, schema: Schema, instance: Any) -> Iterator[Schema]:
    """All schemas that together speak about the instance."""
    schema = _resolve(product, schema)
    target = _discriminated(schema, instance)
    if target is not None:
        yield from _parts(product, {"$ref": target}, instance)
        return
    yield schema
    for each in schema.get("allOf", []):
        yield from _parts(product, each, instance)
    for each in (*schema.get("oneOf", []), *schema.get("anyOf", [])):
        if not list(_validator(product, each).iter_errors(instance)):
            yield from _parts(product, each, instance)


def _discriminated(schema: Schema, instance: Any) -> str | None:
    """The reference that the discriminator picks for this instance."""
    discriminator = schema.get("discriminator")
    if discriminator is None or not isinstance(instance, dict):
        return None
    value = instance.get(discriminator["propertyName"])
    return discriminator.get("mapping", {}).get(value) if isinstance(value, str) else None


def _check_discriminator(
    validator: Any, _discriminator: Any, instance: Any, schema: Schema
) -> Iterator[ValidationError]:
    target = _discriminated(schema, instance)
    if target is not None:
        yield from validator.descend(instance, {"$ref": target})


_FORMATS = FormatChecker(formats=["date-time", "uuid", "email", "date"])


@_FORMATS.checks("date-time")
def _is_date_time(value: Any) -> bool:
    """RFC 3339, or an offset without a colon: the documents' own examples have both."""
    pattern = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)"
    return not isinstance(value, str) or re.fullmatch(pattern, value) is not None


_Validator = extend(Draft202012Validator, {"discriminator": _check_discriminator})


def _validator(product: str, schema: Schema) -> Any:
    # The document's components ride along, so that "#/components/…" resolves inside the schema.
    whole = {**schema, "components": _document(product)["components"]}
    return _Validator(whole, format_checker=_FORMATS)


def _faults(product: str, schema: Schema, instance: Any) -> list[str]:
    errors = _validator(product, schema).iter_errors(instance)
    faults = [f"{error.json_path}: {_reason(error)}" for error in errors]
    unknown = unknown_properties(product, schema, instance)
    return faults or [f"$.{each}: no such property is documented" for each in unknown]


def _reason(error: ValidationError) -> str:
    """The message, and for a failed choice why no alternative fits."""
    inner = [f"{each.json_path}: {each.message}" for each in error.context or []]
    return "; ".join([error.message, *inner])


def _validate(what: str, product: str, schema: Schema, body: Any) -> None:
    _judge(what, _faults(product, schema, body))


def _judge(what: str, faults: list[str]) -> None:
    if faults:
        raise NotAsDocumented("\n".join([f"{what} is not as documented:", *faults]))


def _parsed(product: str, schema: Schema, value: Any) -> Any:
    """A query value as the type that its schema has."""
    kind = _resolve(product, schema).get("type")
    if kind == "array":
        given = value if isinstance(value, list | tuple) else [value]
        return [each for one in given for each in str(one).split(",")]
    if kind == "integer" and re.fullmatch(r"-?\d+", str(value)):
        return int(value)
    if kind == "boolean" and str(value).lower() in ("true", "false"):
        return str(value).lower() == "true"
    return str(value) if kind == "string" else value


def _json_schema(product: str, holder: Schema) -> Schema:
    return _resolve(product, holder)["content"]["application/json"]["schema"]


def _operation(product: str, path: str, method: str) -> Schema:
    paths = _document(product)["paths"]
    fitting = [each for each in paths if _fits(each, path) and method.lower() in paths[each]]
    if not fitting:
        raise NotAsDocumented(f"{method} {path} is not in the {product} document")
    # A path without variables goes before a template that would also fit.
    operation = paths[min(fitting, key=lambda each: each.count("{"))][method.lower()]
    return {"parameters": [], **operation}


def _fits(template: str, path: str) -> bool:
    parts = re.split(r"\{[^/]*\}", template)
    return template == path or re.fullmatch("[^/]+".join(map(re.escape, parts)), path) is not None


def _resolve(product: str, schema: Schema) -> Schema:
    while "$ref" in schema:
        found: Any = _document(product)
        for step in schema["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        schema = found
    return schema


@cache
def _document(product: str) -> Schema:
    """The document of one product, such as `messages-api`, made fit for the checks above."""
    path = CONTRACTS / "openapi" / f"infobip-{product}.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    schemas = document["components"]["schemas"]
    _break_circles(schemas)
    _let_entity_be_null(schemas)
    return document


def _break_circles(schemas: dict[str, Schema]) -> None:
    """A concrete schema includes its base, whose discriminator leads back to it: cut that."""
    bases = {
        name: each for name, each in schemas.items() if "mapping" in each.get("discriminator", {})
    }
    for name, base in bases.items():
        plain = {key: value for key, value in base.items() if key != "discriminator"}
        for target in base["discriminator"]["mapping"].values():
            concrete = schemas[target.rsplit("/", 1)[1]]
            included = concrete.get("allOf", [])
            concrete["allOf"] = [
                plain if each.get("$ref", "").endswith(f"/{name}") else each for each in included
            ]


def _let_entity_be_null(schemas: dict[str, Schema]) -> None:
    for name, schema in schemas.items():
        if name.endswith(".ResourceAssociationRequest"):
            schema["properties"]["entityId"]["type"] = ["string", "null"]
