"""What came of a run, for people and for machines. Pure."""

from collections.abc import Sequence
from typing import Any

from gateway.conformance.checks import CHECKS
from gateway.conformance.service import Result

MARKS = {"passed": "ok", "failed": "FAILED", "not_run": "-"}
WIDTH = max(len(check.name) for check in CHECKS)


def passed(results: Sequence[Result]) -> bool:
    return all(result.status == "passed" for result in results)


def document(results: Sequence[Result]) -> dict[str, Any]:
    return {"passed": passed(results), "checks": [_check(result) for result in results]}


def _check(result: Result) -> dict[str, Any]:
    return {
        "name": result.check.name,
        "title": result.check.title,
        "status": result.status,
        "details": list(result.details),
        "requests": [
            {
                "label": one.shot.label,
                "expected": one.shot.expected,
                "status_code": one.answer.status_code,
                "error": one.answer.error,
                "duration_ms": one.answer.duration_ms,
                "as_expected": one.fault is None,
            }
            for one in result.sent
        ],
    }


def lines(result: Result) -> list[str]:
    """A check as lines of text."""
    head = f"{MARKS[result.status]:<7} {result.check.name:<{WIDTH}}  {result.check.title}"
    return [head, *(f"{'':<8}{detail}" for detail in result.details)]


def summary(results: Sequence[Result]) -> str:
    held = sum(result.status == "passed" for result in results)
    return f"{held} of {len(results)} checks hold."
