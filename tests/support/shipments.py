"""Shipments of ours held against OTTO's own specification."""

from functools import cache
from pathlib import Path
from typing import Any

import jsonschema_rs
import yaml

SPECIFICATION = Path(__file__).parents[3] / "shared" / "partners" / "otto" / "shipment-interface.yml"


@cache
def specification() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(SPECIFICATION.read_text())
    # Their list of required members contradicts their own words ("optional for forwarder deliveries") and examples.
    document["components"]["schemas"]["PositionItem"]["required"].remove("returnTrackingKey")
    return document


def valid(document: dict[str, Any], schema: str, value: Any) -> bool:
    rooted = {"$ref": f"#/components/schemas/{schema}", "components": document["components"]}
    return jsonschema_rs.Draft4Validator(rooted, validate_formats=True).is_valid(value)
