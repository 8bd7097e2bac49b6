"""How the demo is set: chapters, who says what to whom, timelines. 100 columns; colour where the terminal has it."""

import textwrap
from collections.abc import Callable
from dataclasses import dataclass

import click

WIDTH = 100
INDENT = "    "
TIMELINE = "{:>4}   {:<15}{:<15}{:<26}{:>8}     {}"


@dataclass(frozen=True, slots=True)
class Page:
    """`write` takes one line, with colours in it."""

    write: Callable[[str], None]

    def title(self, text: str, below: str) -> None:
        self.write("")
        self.write(click.style(text, bold=True))
        self.write(click.style(below, dim=True))

    def chapter(self, number: int, text: str) -> None:
        self.write("")
        self.write(click.style(f"{number}   {text}", fg="cyan", bold=True))

    def say(self, text: str) -> None:
        for line in textwrap.wrap(text, WIDTH - len(INDENT)):
            self.write(INDENT + line)

    def said(self, who: str, whom: str, what: str, answer: str = "") -> None:
        """One message from one party to another, and what became of it."""
        self.write(f"{INDENT}{who:<8}→  {whom:<10}{what:<46}{answer}".rstrip())

    def passed(self, who: str, whom: str, what: str, answer: str) -> None:
        """One request as it went over the wire."""
        self.write(click.style(f"{INDENT}{f'{who} → {whom}':<25}{what:<49} {answer}".rstrip(), bold=True))

    def quote(self, text: str) -> None:
        """Words as they went over the wire."""
        for line in text.splitlines():
            self.write(INDENT + "  " + click.style(line, dim=True))

    def timeline(self, title: str, partner: str) -> None:
        self.write("")
        self.write(INDENT + click.style(title, bold=True))
        head = TIMELINE.format("#", "state", "said by", f"webhook to {partner}", "after", "signature")
        self.write(INDENT + click.style(head, dim=True))

    def step(self, sequence: int, state: str, actor: str, event: str, seconds: float) -> None:
        colour = {"completed": "green", "failed": "red"}.get(state)
        line = TIMELINE.format(sequence, state, actor, event, f"{seconds * 1000:.0f} ms", "good")
        self.write(INDENT + (click.style(line, fg=colour) if colour else line))

    def fault(self, pointer: str, detail: str) -> None:
        self.write(INDENT + f"  {pointer:<36}{detail}")

    def good(self, text: str) -> None:
        self.write("")
        self.write(click.style(text, fg="green", bold=True))


def folded(text: str, width: int = WIDTH - 6) -> str:
    """A long string in lines of this width; nothing is left out, nothing is added but the line breaks."""
    return "\n".join(text[at : at + width] for at in range(0, len(text), width))
