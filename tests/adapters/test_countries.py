"""The table of countries against the list of those that there are."""

from adapters.countries import THREE_LETTERS, TWO_LETTERS
from adapters.values import COUNTRIES


def test_every_country_has_one_code_of_each_kind() -> None:
    assert set(TWO_LETTERS.values()) == COUNTRIES
    assert {two: TWO_LETTERS[three] for two, three in THREE_LETTERS.items()} == {two: two for two in COUNTRIES}
    assert {TWO_LETTERS[three] for three in ("DEU", "CHE", "AUT")} == {"DE", "CH", "AT"}
