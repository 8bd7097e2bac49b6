"""XML from outside: a hardened parser, and a node that finds its children by local name and knows where it stands."""

from collections.abc import Callable
from typing import Any, TypeVar

from lxml import etree

from adapters.errors import MalformedMessage, Problem
from adapters.reading import Problems, Unfit

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
    tag = str(element.tag)
    return tag[tag.find("}") + 1 :]


class Node:
    """An element, with its place in the document and the problems that are collected on the way.

    `pointer` is for example `//ORDER_ITEM[2]/PRODUCT_ID`: a node without a parent is found anywhere. A dialect may
    point otherwise by a node of its own at the top; under an empty pointer the step stands alone. `place` counts from
    1 among its namesakes, 0 where it has none.
    """

    __slots__ = ("_names", "_nodes", "_said", "element", "pointer", "problems")

    def __init__(
        self, element: etree._Element, problems: Problems, parent: "Node | None" = None, name: str = "", place: int = 0
    ) -> None:
        step = name or local_name(element)
        if place:
            step = f"{step}[{place}]"
        above = parent.pointer if parent else "/"
        # In words, since a node that knew its parent would be garbage in a circle, and keep the whole document.
        self.pointer: str = f"{above}/{step}" if above else step
        self.element = element
        self.problems = problems
        self._names: list[str] = []
        self._said: dict[str, str] | None = None
        self._nodes: dict[str, list[Node]] = {}

    @property
    def value(self) -> str:
        return (self.element.text or "").strip()

    def attribute(self, name: str) -> str | None:
        found = self.element.get(name)
        return None if found is None else str(found)

    def _index(self) -> dict[str, str]:
        """What the first child of each name says that says something; on the way, the names of all.

        No element is kept: what is never asked for, and that is most of a document, then costs next to nothing.
        """
        names: list[str] = []
        said: dict[str, str] = {}
        for child in self.element:
            name = child.tag
            if "}" in name:
                name = name.rpartition("}")[2]
            names.append(name)
            if (text := child.text) and (text := text.strip()):
                said.setdefault(name, text)
        self._names, self._said = names, said
        return said

    @property
    def names(self) -> list[str]:
        """The names of the children, in order."""
        if self._said is None:
            self._index()
        return self._names

    def all(self, name: str) -> list["Node"]:
        """The children of that name, in order: the same nodes every time, which know their own children by then."""
        nodes = self._nodes.get(name)
        if nodes is None:
            nodes = self._nodes[name] = self._made(name)
        return nodes

    def _made(self, name: str) -> list["Node"]:
        if self._said is None:
            self._index()
        names = self._names
        count = names.count(name)
        if count < 2:
            return [Node(self.element[names.index(name)], self.problems, self, name)] if count else []
        found = [self.element[place] for place, known in enumerate(names) if known == name]
        return [Node(child, self.problems, self, name, place) for place, child in enumerate(found, 1)]

    def first(self, name: str) -> "Node | None":
        found = self.all(name)
        return found[0] if found else None

    def child(self, name: str) -> "Node":
        """The first child of that name, or an empty one in its place: what is needed of it is then missing."""
        return self.first(name) or Node(etree.Element(name), self.problems, self, name)

    def says(self, name: str) -> bool:
        """Whether a child of that name is there and not empty."""
        return name in (self._index() if self._said is None else self._said)

    def raw(self, name: str) -> str | None:
        """What the first child of that name says that says something, as it is written but for outer blanks."""
        return (self._index() if self._said is None else self._said).get(name)

    def text(self, name: str, read: Callable[..., T], *more: Any) -> T | None:
        """The first child of that name that says something, through `read(text, *more)`; a fault becomes a problem."""
        said = (self._index() if self._said is None else self._said).get(name)
        if said is None:
            return None
        try:
            return read(said, *more)
        except Unfit as unfit:
            place = next(node for node in self.all(name) if node.value)
            self.problems.add(place.pointer, unfit.code, unfit.detail)
            return None

    def needed(self, name: str, read: Callable[..., T], *more: Any) -> T | None:
        """As `text`, and a problem when there is none."""
        if not self.says(name):
            self.problems.add(f"{self.pointer}/{name}", "missing", "This is missing.")
        return self.text(name, read, *more)
