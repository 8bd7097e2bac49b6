"""Why a file was not taken, for the person who finds it."""

from gateway.errors import CATALOGUE, Problem


def text(name: str, problem: Problem) -> str:
    """What is wrong and where, line by line; nothing of the content."""
    faults = [f"  {fault.pointer or 'document'}: {fault.detail} ({fault.code})" for fault in problem.faults]
    lines = [f"{name} was not taken.", "", f"{CATALOGUE[problem.code][1]}. {problem.detail}", *faults]
    return "\n".join([*lines, "", "Correct it, and lay it into in/ again.", ""])
