"""The support matrix: what each dialect reads and says, and how it is reached, out of the profiles."""

from collections.abc import Iterator, Sequence
from typing import get_args

from adapters.canonical import Intent, JobState
from adapters.contract import Profile

BEGIN, END = "<!-- matrix: written by `make matrix` -->", "<!-- end of matrix -->"
INTENTS = tuple(kind.__name__ for kind in get_args(Intent))
READS, SAYS = "reads", "says"

Row = tuple[str, ...]


def rows(profiles: Sequence[Profile], yes: str = "yes", no: str = "-") -> Iterator[Row]:
    """One row for each intent and each state, one column for each dialect."""
    for intent in INTENTS:
        yield f"{READS} {intent}", *(yes if intent in profile.intents else no for profile in profiles)
    for state in JobState:
        yield f"{SAYS} {state.value}", *(yes if profile.states[state] else no for profile in profiles)


def facts(profile: Profile) -> Iterator[str]:
    """What else there is to know of a dialect, a line each."""
    theirs = f"authenticate by {' or '.join(profile.inbound_auth)}" if profile.inbound_auth else "never call"
    yield f"{profile.title} ({profile.maturity}): {', '.join(profile.media_types)}"
    yield f"they {theirs}, we authenticate by {' or '.join(profile.outbound_auth)}"
    yield profile.spec_url


def columns(profiles: Sequence[Profile], width: int) -> Iterator[list[Profile]]:
    """As many dialects at a time as fit beside each other, with two blanks between them."""
    first = max(len(label) for label, *_ in rows(()))
    part: list[Profile] = []
    for profile in profiles:
        if part and first + sum(len(one.name) + 2 for one in (*part, profile)) > width:
            yield part
            part = []
        part.append(profile)
    yield part


def markdown(profiles: Sequence[Profile]) -> str:
    """Both tables, as they stand in README.md."""
    about = [
        (
            f"[{profile.name}](adapters/{profile.name}/README.md)",
            profile.title,
            ", ".join(profile.media_types),
            " or ".join(profile.inbound_auth),
            " or ".join(profile.outbound_auth),
            profile.maturity,
            f"[there]({profile.spec_url})" if "://" in profile.spec_url else "here",
        )
        for profile in profiles
    ]
    head = ("dialect", "what it is", "media types", "they authenticate by", "we by", "maturity", "specified")
    matrix = _table(("", *(profile.name for profile in profiles)), list(rows(profiles, "●", "")))
    return f"{_table(head, about)}\n{matrix}"


def _table(head: Row, body: Sequence[Row]) -> str:
    lines = (head, ("---",) * len(head), *body)
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def placed(document: str, matrix: str) -> str:
    """The document with this matrix between its markers. Raises `ValueError` where it has none."""
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not end:
        raise ValueError(f"there are no markers {BEGIN} and {END}")
    return f"{before}{begin}\n\n{matrix}\n{end}{after}"
