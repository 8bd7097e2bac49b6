"""A message as a grammar: which segments may follow which, in what groups, and of what elements each is made.

The position says what a segment means: a NAD before the lines is the whole order's, one after a LIN is that line's.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

from adapters.edifact.directories import MESSAGES, SEGMENTS
from adapters.edifact.faults import Error, Faults
from adapters.edifact.syntax import Characters, Segment

# --- the tables, compiled ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Rule:
    """A segment, or a group where it has `inner` rules; `tag` is then its first segment's. `places`: where in `inner`
    a tag stands, mostly once; `must`: those of `inner` that have to be there."""

    tag: str
    limit: int
    required: bool
    inner: tuple["Rule", ...] = ()
    places: dict[str, tuple[int, ...]] = field(default_factory=dict)
    must: tuple[int, ...] = ()


_TOKEN = re.compile(r"\(|\)(?P<many>[0-9]*)(?P<must>!?)|(?P<tag>[A-Z]{3})(?P<limit>[0-9]*)(?P<needed>!?)")


@cache
def rule_of(release: str, kind: str) -> Rule:
    """The grammar of a message. Raises `KeyError` for one that no directory here has."""
    levels: list[list[Rule]] = [[]]
    for token in _TOKEN.finditer(MESSAGES[release][kind]):
        if token[0] == "(":
            levels.append([])
        elif tag := token["tag"]:
            levels[-1].append(Rule(tag, int(token["limit"] or 1), bool(token["needed"])))
        else:
            inner = levels.pop()
            levels[-1].append(_group(inner, int(token["many"] or 1), bool(token["must"])))
    return _group(levels[0], 1, True)


def _group(inner: list[Rule], limit: int, required: bool) -> Rule:
    places: dict[str, tuple[int, ...]] = {}
    for place, rule in enumerate(inner):
        places[rule.tag] = (*places.get(rule.tag, ()), place)
    # Without UNT the message is cut off, and the envelope says so.
    must = tuple(place for place, rule in enumerate(inner) if rule.required and rule.tag != "UNT")
    return Rule(inner[0].tag, limit, required, tuple(inner), places, must)


@dataclass(frozen=True, slots=True)
class Form:
    """An element: whether it must be there, and for each component whether it must, is a number, how long it may be."""

    required: bool
    parts: tuple[tuple[bool, bool, int], ...]


_FORM = re.compile(r"\((?P<parts>[^)]*)\)(?P<must>!?)|(?P<part>[a-z]+[0-9]+!?)")
_PART = re.compile(r"(an|a|n)([0-9]+)(!?)")


@cache
def forms_of(release: str) -> dict[str, tuple[Form, ...]]:
    return {tag: tuple(map(_form, _FORM.finditer(text))) for tag, text in SEGMENTS[release].items()}


def _form(found: re.Match[str]) -> Form:
    must = found["must"] if found["parts"] is not None else found["part"][-1]
    parts = _PART.findall(found["parts"] or found[0])
    return Form(must == "!", tuple((bool(needed), kind == "n", int(size)) for kind, size, needed in parts))


@cache
def sound(release: str, characters: Characters) -> dict[str, re.Pattern[str]]:
    """For each segment a pattern of it as it should be written, where nothing in it is released."""
    return {tag: re.compile(_pattern(tag, forms, characters)) for tag, forms in forms_of(release).items()}


def _pattern(tag: str, forms: tuple[Form, ...], characters: Characters) -> str:
    separator, joint = re.escape(characters.element), re.escape(characters.component)
    one = f"[^{separator}{joint}]"
    number = f"-?[0-9]{{1,%d}}(?:{re.escape(characters.decimal)}[0-9]+)?"

    def part(required: bool, numeric: bool, size: int) -> str:
        written = number % size if numeric else f"{one}{{1,{size}}}"
        return written if required else f"(?:{written})?"

    def element(form: Form) -> str:
        whole = _tailed([part(*one) for one in form.parts], joint, [one[0] for one in form.parts])
        return whole if form.required else f"(?:{whole})?"

    return tag + separator + _tailed(list(map(element, forms)), separator, [form.required for form in forms])


def _tailed(written: list[str], separator: str, required: list[bool]) -> str:
    """One after the other; those at the end may be left out, down to the last one that must be there."""
    whole = ""
    for place in range(len(written) - 1, -1, -1):
        whole = written[place] + whole
        if place:
            whole = separator + whole
            whole = whole if any(required[place:]) else f"(?:{whole})?"
    return whole


# --- a message, taken apart --------------------------------------------------------------------------------------

_TAG = re.compile("[A-Z]{3}")
_PLACES = frozenset({"LIN", "NAD"})
_QUALIFIED = frozenset({"DTM", "NAD", "RFF"})
_CODE = re.compile("[0-9A-Z]{1,6}")


class Branch:
    """A group as it stands in a message: its segments by tag, and the groups in it by the tag of their first."""

    __slots__ = ("groups", "pointer", "segments", "trigger")

    def __init__(self, trigger: Segment, outer: str = "") -> None:
        # `LIN+3/` and `NAD+DP/` say where; other groups are known by their segments.
        self.pointer = f"{outer}{self.name(trigger)}/" if trigger.tag in _PLACES else outer
        self.trigger = trigger
        self.segments: dict[str, list[Segment]] = {trigger.tag: [trigger]}
        self.groups: dict[str, list[Branch]] = {}

    def inner(self, trigger: Segment) -> "Branch":
        """A new group in here."""
        branch = Branch(trigger, self.pointer)
        self.groups.setdefault(trigger.tag, []).append(branch)
        return branch

    def all(self, tag: str) -> list[Segment]:
        return self.segments.get(tag, [])

    def each(self, tag: str) -> list["Branch"]:
        return self.groups.get(tag, [])

    def first(self, tag: str, *qualifiers: str) -> Segment | None:
        """The first segment of that tag, with the first of `qualifiers` that there is."""
        found = self.segments.get(tag)
        if not found or not qualifiers:
            return found[0] if found else None
        for code in qualifiers:
            for segment in found:
                if segment.get(1) == code:
                    return segment
        return None

    @staticmethod
    def name(segment: Segment) -> str:
        """`LIN+3`, `DTM+2`, `QTY`: the tag, with the number or the qualifier that tells it from its namesakes."""
        told = segment.get(1)
        if segment.tag == "LIN":
            return f"LIN+{told}" if _CODE.fullmatch(told) else f"LIN[{segment.number}]"
        return f"{segment.tag}+{told}" if segment.tag in _QUALIFIED and _CODE.fullmatch(told) else segment.tag

    def pointers(self) -> Iterator[tuple[Segment, str]]:
        """Every segment in here, with its pointer."""
        for segments in self.segments.values():
            yield from ((segment, self.place(segment)) for segment in segments)
        for groups in self.groups.values():
            for group in groups:
                yield from group.pointers()

    def place(self, segment: Segment) -> str:
        if segment is self.trigger and segment.tag in _PLACES:
            return self.pointer.removesuffix("/")
        return self.pointer + self.name(segment)


class _Level:
    """How far one group has come: at which of its rules, and how often that has been met."""

    __slots__ = ("at", "branch", "count", "rule")

    def __init__(self, rule: Rule, branch: Branch) -> None:
        self.rule = rule
        self.branch = branch
        self.at = 0
        self.count = 1

    def place(self, tag: str) -> int:
        """The rule that takes a segment of that tag next; the same one again as often as its limit allows. Or -1."""
        at = self.at
        for place in self.rule.places.get(tag, ()):
            if place > at or (place == at and self.count < self.rule.inner[place].limit):
                return place
        return -1


_END = 1000  # after any rule of a group


def match(segments: list[Segment], rule: Rule, faults: Faults) -> Branch:
    """The tree of a message. A segment that has no place in it is a fault, and then left out."""
    root = Branch(segments[0])
    levels = [_Level(rule, root)]
    for segment in segments[1:]:
        tag = segment.tag
        for depth in range(len(levels) - 1, -1, -1):
            place = levels[depth].place(tag)
            if place >= 0:
                break
        else:
            _misplaced(segment, levels, faults)
            continue
        while len(levels) > depth + 1:
            _missing(levels.pop(), _END, faults)
        level = levels[depth]
        if place > level.at + 1:
            _missing(level, place, faults)
        level.count = level.count + 1 if place == level.at else 1
        level.at = place
        taken = level.rule.inner[place]
        if taken.inner:
            levels.append(_Level(taken, level.branch.inner(segment)))
        else:
            level.branch.segments.setdefault(tag, []).append(segment)
    while levels:
        _missing(levels.pop(), _END, faults)
    return root


def _missing(level: _Level, until: int, faults: Faults) -> None:
    """What must stand between here and `until`, and does not."""
    for place in level.rule.must:
        if level.at < place < until:
            branch = level.branch
            pointer = branch.pointer + level.rule.inner[place].tag
            faults.broken(Error.MISSING, pointer, "missing", "This is missing.", (branch.trigger, 0, 0))


def _misplaced(segment: Segment, levels: list[_Level], faults: Faults) -> None:
    branch = levels[-1].branch
    at = (segment, 0, 0)
    if not _TAG.fullmatch(segment.tag):
        detail = "A segment begins with three capital letters."
        faults.broken(Error.INVALID_VALUE, f"{branch.pointer}segment[{segment.number}]", "bad_tag", detail, at)
        return
    here = [(level, p) for level in levels for p in level.rule.places.get(segment.tag, ()) if p == level.at]
    if here:
        level, place = here[0]
        rule = level.rule.inner[place]
        error = Error.TOO_MANY_GROUPS if rule.inner else Error.TOO_MANY_SEGMENTS
        faults.broken(error, branch.place(segment), "too_many", f"This may come {rule.limit} times here.", at)
    else:
        detail = "The message has no such segment in this place."
        faults.broken(Error.NOT_HERE, branch.place(segment), "not_here", detail, at)


# --- the elements of a segment -----------------------------------------------------------------------------------


def check(root: Branch, segments: list[Segment], release: str, characters: Characters, faults: Faults) -> None:
    """Every element of the segments we read: there where it must be, of its type, and not too long."""
    patterns = sound(release, characters)
    doubtful = [
        segment
        for segment in segments
        if (pattern := patterns.get(segment.tag)) and not (segment.text and pattern.fullmatch(segment.text))
    ]
    wrong = {segment: list(_wrong(segment, forms_of(release)[segment.tag], characters.decimal)) for segment in doubtful}
    if any(wrong.values()):
        pointers = dict(root.pointers())
        for segment, told in wrong.items():
            for error, code, detail, element, component in told:
                pointer = pointers.get(segment, segment.tag)
                faults.broken(error, pointer, code, detail, (segment, element, component))


_Wrong = tuple[Error, str, str, int, int]


def _wrong(segment: Segment, forms: tuple[Form, ...], decimal_mark: str) -> Iterator[_Wrong]:
    number = number_of(decimal_mark)
    elements = segment.elements
    for element, form in enumerate(forms, 1):
        values = elements[element - 1] if element <= len(elements) else None
        if not values or not any(values):
            if form.required:
                yield Error.MISSING, "missing", "An element that must be there is missing.", element, 0
        else:
            yield from _wrong_parts(values, form, element, number)
    if len(elements) > len(forms) and any(any(values) for values in elements[len(forms) :]):
        detail = f"This segment has {len(forms)} elements."
        yield Error.TOO_MANY_CONSTITUENTS, "too_many_elements", detail, len(forms) + 1, 0


def _wrong_parts(values: list[str], form: Form, element: int, number: re.Pattern[str]) -> Iterator[_Wrong]:
    parts = form.parts
    for component, (required, numeric, size) in enumerate(parts, 1):
        value = values[component - 1] if component <= len(values) else ""
        if not value:
            if required:
                yield Error.MISSING, "missing", "A component that must be there is missing.", element, component
        elif numeric and not number.fullmatch(value):
            error = Error.DECIMAL_NOTATION if _DECIMAL.fullmatch(value) else Error.INVALID_TYPE
            yield error, "not_a_number", "This is no number with the decimal mark of this file.", element, component
        elif len(value) > size and not (numeric and len(value.strip("-.,")) <= size):
            yield Error.TOO_LONG, "too_long", f"This may have {size} characters.", element, component
    if len(values) > len(parts) and any(values[len(parts) :]):
        detail = f"This element has {len(parts)} components."
        yield Error.TOO_MANY_CONSTITUENTS, "too_many_components", detail, element, len(parts) + 1


_DECIMAL = re.compile(r"-?[0-9]*[.,]?[0-9]+")


@cache
def number_of(decimal_mark: str) -> re.Pattern[str]:
    """A number: digits before the mark and, where it stands, behind it."""
    return re.compile(rf"-?[0-9]+(?:{re.escape(decimal_mark)}[0-9]+)?")
