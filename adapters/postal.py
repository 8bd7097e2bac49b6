"""What stands on an envelope: a street with its number, and a name that may be a person's or a company's."""

import re

# Only what cannot be anything else: "Strasse des 17. Juni 135" and "Hauptstrasse 5-7" stay whole.
_STREET = re.compile(r"([^\W\d][^\d]*?) +([1-9][0-9]{0,3} ?[a-zA-Z]?)")

# A name with one of these words is a company or a place, whatever else it looks like.
_NOT_A_PERSON = """
ag sa s.a. sàrl sarl sagl gmbh mbh ug kg kgaa ohg gbr e.k. ek se co co. & und et inc inc. ltd ltd. llc plc srl
spa verein stiftung genossenschaft association fondation gemeinde stadt kanton schule spital hotel restaurant bank
lager zentrallager logistik logistics logistikzentrum warehouse depot dépôt filiale shop store center centre markt
wareneingang rampe abholstation pickup support service services firma einkauf
"""
NOT_A_PERSON = frozenset(_NOT_A_PERSON.split())

# Small words of a family name: the only ones of a person's name that are written small.
PARTICLES = frozenset(
    {"da", "de", "del", "della", "den", "der", "di", "du", "la", "le", "van", "vom", "von", "zu", "zur"}
)


def split_street(text: str) -> tuple[str, str | None]:
    """Street and house number, where the number can be nothing else; else the text as it is."""
    found = _STREET.fullmatch(text)
    return (found[1], found[2].replace(" ", "")) if found else (text, None)


def split_name(name: str) -> tuple[str, str | None] | None:
    """A private customer's name as family and given name, the family name first, as shops and ERPs write it.

    Of three and four words nobody can tell where one ends: they are the family name. None where it is no person's.
    """
    words = name.split()
    if not 2 <= len(words) <= 4 or not all(_of_a_person(word) for word in words):
        return None
    return (words[0], words[1]) if len(words) == 2 else (name, None)


def _of_a_person(word: str) -> bool:
    if word.casefold() in NOT_A_PERSON or not word.replace("-", "").replace("'", "").replace("’", "").isalpha():
        return False
    return word[0].isupper() or word in PARTICLES
