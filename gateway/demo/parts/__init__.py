"""The partners of the old platform, each played as it really speaks."""

from collections.abc import Mapping

from gateway.demo.parts.mailed import BOSCH, BRACK, INTERDISCOUNT, LUMIMART
from gateway.demo.parts.part import Part

PARTS: Mapping[str, Part] = {part.slug: part for part in (BRACK, INTERDISCOUNT, LUMIMART, BOSCH)}
