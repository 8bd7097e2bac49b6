"""The partners of the old platform, each played as it really speaks."""

from collections.abc import Mapping

from gateway.demo.parts.google import Google
from gateway.demo.parts.mailed import BOSCH, BRACK, INTERDISCOUNT, LUMIMART
from gateway.demo.parts.part import Part
from gateway.demo.parts.polled import Amazon, Otto
from gateway.demo.parts.shop import Shop
from gateway.demo.parts.telco import Telco

PARTS: Mapping[str, Part] = {
    part.slug: part for part in (BRACK, INTERDISCOUNT, LUMIMART, BOSCH, Google(), Otto(), Amazon(), Shop(), Telco())
}
