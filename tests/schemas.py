"""Checks that lines are what the published schemas say; each line by the part of the schema that its kind names."""

import functools
import json
from collections.abc import Iterable
from pathlib import Path

from jsonschema import Draft202012Validator

FOLDER = Path(__file__).parents[1] / "docs" / "schema"


@functools.cache
def whole(name: str) -> Draft202012Validator:
    schema = json.loads((FOLDER / name).read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


@functools.cache
def of_kind(name: str, title: str) -> Draft202012Validator:
    defs = whole(name).schema["$defs"]
    return Draft202012Validator({"$ref": f"#/$defs/{title}", "$defs": defs})


@functools.cache
def titles(name: str) -> dict[str, str]:
    """The title of each event by its tag."""
    defs = whole(name).schema["$defs"]
    tagged = ((each.get("properties", {}).get("event", {}).get("enum", [""])[0], title) for title, each in defs.items())
    return {tag: title for tag, title in tagged if tag}


def check_record(path: Path) -> None:
    """Assert that every line of a record is of its schema, also large blobs' heads."""
    first, *rest = path.read_text().splitlines()
    check("record.v1.json", "Heading", json.loads(first))
    for line in map(json.loads, rest):
        assert isinstance(line["time"], float | int)
        check("record.v1.json", titles("record.v1.json")[line["what"]["event"]], line["what"])


def check_lines(text: str) -> list[dict[str, object]]:
    """Assert that what `--json` printed is of its schema: `opened` with the version first, a `summary` last."""
    lines = [json.loads(line) for line in text.splitlines()]
    for line in lines:
        check("lines.v1.json", titles("lines.v1.json")[line["event"]], line)
    assert (lines[0]["event"], lines[0].get("format", 1), lines[-1]["event"]) == ("opened", 1, "summary")
    return lines


def check(name: str, title: str, value: object) -> None:
    errors = sorted(of_kind(name, title).iter_errors(value), key=lambda error: error.json_path)
    assert not errors, told(errors)


def told(errors: Iterable[object]) -> str:
    return "\n".join(f"{error.json_path}: {error.message[:300]}" for error in list(errors)[:5])  # type: ignore[attr-defined]
