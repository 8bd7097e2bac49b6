"""XML from outside: a hardened parser, and a node that finds its children by local name and knows where it stands."""

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from lxml import etree

from adapters import values
from adapters.errors import MalformedMessage, Problem
from adapters.reading import Problems

T = TypeVar("T")

# What partners write in. UTF-7 and its like are left out: they hide characters from whoever looks at the bytes.
ENCODINGS = frozenset(
    {"utf-8", "utf-16", "utf-16le", "utf-16be", "us-ascii", "iso-8859-1", "iso-8859-15", "windows-1252"}
)


def parse(body: bytes) -> etree._Element:
    """The root of `body` (security.md I2-I5): no DOCTYPE, entity, processing instruction, file or network.

    The document's own declaration or byte order mark says the encoding. Nests at most 256 levels (libxml2's limit).
    Raises `MalformedMessage` with one problem, which never repeats what was sent.
    """
    try:
        root = etree.fromstring(body, _parser())
    except (etree.XMLSyntaxError, ValueError) as error:
        line, column = getattr(error, "position", (1, 1))
        raise _malformed("not_xml", f"This is not XML: it breaks at line {line}, column {column}.") from None
    about: Any = root.getroottree().docinfo
    if about.doctype or about.internalDTD is not None:
        raise _malformed("doctype", "A document type declaration is not taken.")
    # Comments are gone, so that whatever stands beside the root is a processing instruction.
    if root.getprevious() is not None or root.getnext() is not None or next(root.iter(etree.PI), None) is not None:
        raise _malformed("processing_instruction", "A processing instruction is not taken.")
    if (about.encoding or "UTF-8").lower() not in ENCODINGS:
        raise _malformed("encoding", "Send UTF-8, UTF-16, ISO-8859-1, ISO-8859-15 or Windows-1252.")
    return root


def _parser() -> etree.XMLParser:
    # A parser keeps state while it parses, and adapters are shared by threads: one each time. It costs 2 µs.
    return etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, recover=False, remove_comments=True
    )


def _malformed(code: str, detail: str) -> MalformedMessage:
    return MalformedMessage([Problem(pointer="", code=code, detail=detail)])


def local_name(element: etree._Element) -> str:
    """The name without its namespace: partners use prefixes, a namespace on every element, or none at all."""
    return str(element.tag).rpartition("}")[2]


class Node:
    """An element, with its place in the document and the problems that are collected on the way."""

    __slots__ = ("_element", "_inner", "_parent", "_step", "problems")

    def __init__(self, element: etree._Element, problems: Problems, parent: "Node | None", step: str) -> None:
        self._element = element
        self._inner: dict[str, list[etree._Element]] | None = None
        self._parent = parent
        self._step = step
        self.problems = problems

    @property
    def pointer(self) -> str:
        """For example `//ORDER_ITEM[2]/PRODUCT_ID`."""
        return f"{self._parent.pointer}/{self._step}" if self._parent else self._step

    @property
    def value(self) -> str:
        return (self._element.text or "").strip()

    def attribute(self, name: str) -> str | None:
        found = self._element.get(name)
        return None if found is None else str(found)

    def _children(self, name: str) -> list[etree._Element]:
        if self._inner is None:
            self._inner = {}
            for child in self._element:
                self._inner.setdefault(local_name(child), []).append(child)
        return self._inner.get(name, [])

    def all(self, name: str) -> Iterator["Node"]:
        """The children of that name, in order."""
        found = self._children(name)
        for place, child in enumerate(found, 1):
            yield Node(child, self.problems, self, f"{name}[{place}]" if len(found) > 1 else name)

    def first(self, name: str) -> "Node | None":
        return next(self.all(name), None)

    def text(self, name: str, read: Callable[..., T] = values.line, *more: Any) -> T | None:  # type: ignore[assignment]
        """The first child of that name that says something, through `read(text, *more)`; a fault becomes a problem."""
        for child in self.all(name):
            if child.value:
                return self.problems.take(child.pointer, read, child.value, *more)
        return None

    def needed(self, name: str, read: Callable[..., T] = values.line, *more: Any) -> T | None:  # type: ignore[assignment]
        """As `text`, and a problem when there is none."""
        if not any(child.value for child in self.all(name)):
            self.missing(name)
            return None
        return self.text(name, read, *more)

    def missing(self, name: str) -> None:
        self.problems.add(f"{self.pointer}/{name}", "missing", "This is missing.")


def anchored(element: etree._Element, problems: Problems, place: int | None = None) -> Node:
    """A node whose pointer starts anew, as `//ORDER_ITEM[2]`: short enough to be read out on the phone."""
    index = f"[{place}]" if place else ""
    return Node(element, problems, None, f"//{local_name(element)}{index}")
