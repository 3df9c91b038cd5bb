"""The machine-readable reports of the tools, read as what an extraction from their logs must find."""

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import dataclass

ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
ROOT = "/home/user/project/"


@dataclass(frozen=True)
class Expected:
    """A failing test (`test`) or a diagnostic; what is empty or 0 is not checked."""

    test: str = ""
    path: str = ""
    line: int = 0
    code: str = ""
    message: str = ""
    severity: str = "error"


def read(form: str, report: str) -> list[Expected]:
    return FORMATS[form](report)


def first_line(text: str) -> str:
    return next((line.strip() for line in ESCAPES.sub("", text).splitlines() if line.strip()), "")


def bare(path: str) -> str:
    return path.removeprefix(ROOT)


def cases(report: str) -> list[ET.Element]:
    documents = [part for part in re.split(r"<\?xml[^>]*\?>", report) if part.strip()]
    return [case for document in documents for case in ET.fromstring(document).iter("testcase")]


def junit(report: str) -> list[Expected]:
    found: list[Expected] = []
    for case in cases(report):
        broken = next((child for child in case if child.tag in ("failure", "error")), None)
        if broken is not None:
            name, owner = case.get("name", ""), case.get("classname", "")
            message = first_line(broken.get("message") or "")
            message = (
                ""
                if message.startswith(("failed on", "collection failure", "test failure")) or message.isdigit()
                else message
            )
            found.append(Expected(test=f"{owner}.{name}".strip("."), message=message))
    return found


def junit_node(report: str) -> list[Expected]:
    return [
        Expected(test=case.get("name", ""), message=first_line(broken.get("message", "")))
        for case in cases(report)
        if (broken := case.find("failure")) is not None
    ]


def junit_maven(report: str) -> list[Expected]:
    found: list[Expected] = []
    for case in cases(report):
        broken = next((child for child in case if child.tag in ("failure", "error")), None)
        if broken is not None:
            owner, name = case.get("classname", ""), case.get("name", "").removesuffix("()")
            place = re.search(rf"{owner}\.{name}\({owner}\.java:(\d+)\)", broken.text or "")
            own = re.search(r"^\tat (?!org\.|java)[\w.]+\((\w+\.java):(\d+)\)", broken.text or "", re.MULTILINE)
            assert place
            assert own
            found.append(
                Expected(f"{owner}.{name}", own[1], int(own[2]), message=first_line(broken.get("message", "")))
            )
    return found


def junit_gradle(report: str) -> list[Expected]:
    """As gradle prints by default: the kind of the exception, and the line of the test itself."""
    found: list[Expected] = []
    for case in cases(report):
        if (broken := case.find("failure")) is not None:
            owner, name = case.get("classname", ""), case.get("name", "")
            place = re.search(rf"{owner}\.{name}\(({owner}\.java):(\d+)\)", broken.text or "")
            assert place
            found.append(Expected(f"{owner}.{name}", place[1], int(place[2]), message=broken.get("type", "")))
    return found


def unittest(report: str) -> list[Expected]:
    return [Expected(test=re.sub(r"(.+) \((.+)\)", r"\2.\1", id)) for id in json.loads(report)["failing"]]


def jest(report: str) -> list[Expected]:
    found: list[Expected] = []
    for suite in json.loads(report)["testResults"]:
        failed = [one for one in suite["assertionResults"] if one["status"] == "failed"]
        found += [
            Expected(
                test=" ".join([*one["ancestorTitles"], one["title"]]),
                message=first_line(one["failureMessages"][0]).replace("Error: STACK_TRACE_ERROR", ""),
            )
            for one in failed
        ]
        if suite["status"] == "failed" and not failed:
            found.append(Expected(test=bare(suite["name"])))
    return found


def go(report: str) -> list[Expected]:
    events = [json.loads(line) for line in report.splitlines()]
    found: list[Expected] = []
    for event in events:
        if event["Action"] != "fail" or "Test" not in event:
            continue
        key = (event["Package"], event["Test"])
        said = (one["Output"] for one in events if one.get("Output") and (one["Package"], one.get("Test")) == key)
        place = next((match for line in said if (match := re.fullmatch(r"\s+(\w+\.go):(\d+): (.*)\n", line))), None)
        where = (place[1], int(place[2]), "", place[3]) if place else ()
        found.append(Expected(".".join(key), *where))
    return found


def cargo_test(report: str) -> list[Expected]:
    found: list[Expected] = []
    for event in (json.loads(line) for line in report.splitlines() if line.startswith("{")):
        if event["type"] == "test" and event["event"] == "failed":
            said = event.get("stdout") or event.get("message") or ""
            place = re.search(r"panicked at (\S+?):(\d+):\d+:\n(.*)", said)
            where = (place[1], int(place[2]), "", place[3]) if place else ("", 0, "", "")
            found.append(Expected(event["name"], *where))
    return found


def mypy(report: str) -> list[Expected]:
    rows = [json.loads(line) for line in report.splitlines() if line.startswith("{")]
    return [
        Expected("", bare(row["file"]), row["line"], row["code"] or "", row["message"])
        for row in rows
        if row["severity"] == "error"
    ]


def pyright(report: str) -> list[Expected]:
    rows = json.loads(report)["generalDiagnostics"]
    return [
        Expected("", bare(row["file"]), line + 1, row.get("rule", ""), first_line(row["message"]), row["severity"])
        for row in rows
        for line in [row["range"]["start"]["line"]]
    ]


def ruff(report: str) -> list[Expected]:
    rows = json.loads(report)
    return [
        Expected("", bare(row["filename"]), row["location"]["row"], row["code"] or "", row["message"]) for row in rows
    ]


def eslint(report: str) -> list[Expected]:
    levels = {1: "warning", 2: "error"}
    return [
        Expected("", bare(file["filePath"]), row["line"], row["ruleId"] or "", row["message"], levels[row["severity"]])
        for file in json.loads(report)
        for row in file["messages"]
    ]


def tsc(report: str) -> list[Expected]:
    rows = json.loads(report)
    syntax = [row for row in rows if re.fullmatch(r"TS1\d{3}", row["code"])]  # tsc itself stops at these
    rows = syntax or rows
    return [Expected("", row["path"], row["line"], row["code"], first_line(row["message"])) for row in rows]


def cargo(report: str) -> list[Expected]:
    found: list[Expected] = []
    for row in (json.loads(line) for line in report.splitlines() if line.startswith("{")):
        if row["reason"] != "compiler-message":
            continue
        said = row["message"]
        span = next((span for span in said["spans"] if span["is_primary"]), None)
        if span and said["level"] in ("error", "warning"):
            code = (said["code"] or {"code": ""})["code"]
            code = code if re.fullmatch(r"E\d{4}", code) else ""
            found.append(Expected("", span["file_name"], span["line_start"], code, said["message"], said["level"]))
    return found


def gcc(report: str) -> list[Expected]:
    line = next(line for line in report.splitlines() if line.startswith("["))
    return [
        Expected("", at["file"], at["line"], "", row["message"], "warning" if row["kind"] == "warning" else "error")
        for row in json.loads(line)
        if row["kind"] != "note"
        for at in [row["locations"][0]["caret"]]
    ]


FORMATS: dict[str, Callable[[str], list[Expected]]] = {
    "junit-pytest": junit, "junit-node": junit_node, "junit-maven": junit_maven,
    "junit-gradle": junit_gradle, "unittest": unittest, "jest": jest,
    "go": go, "cargo-test": cargo_test, "mypy": mypy, "pyright": pyright, "ruff": ruff, "eslint": eslint, "tsc": tsc,
    "cargo": cargo, "gcc": gcc,
}  # fmt: skip
