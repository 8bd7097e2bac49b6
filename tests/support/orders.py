"""Orders as a web shop writes them."""

from datetime import datetime, timedelta
from typing import Any


def json_order(number: str, now: datetime, **over: Any) -> dict[str, Any]:
    """A valid order for a visit in a week, of one line."""
    day = (now + timedelta(days=7)).date().isoformat()
    order: dict[str, Any] = {
        "partner_order_id": number,
        "ordered_at": now.isoformat(),
        "bill_to": "partner",
        "customer": {
            "given_name": "Erika",
            "family_name": "Beispiel",
            "email": "erika@example.ch",
            "phone": "079 123 45 67",
            "language": "de",
        },
        "service_address": {
            "street": "Musterweg",
            "house_number": "7",
            "postcode": "8004",
            "city": "Zürich",
            "country": "CH",
        },
        "lines": [
            {
                "line_id": "10",
                "sku": "SVC-TV-WALL-65",
                "quantity": 1,
                "price": {"amount": "149.00", "currency": "CHF", "tax_included": True},
                "requested_windows": [{"start": f"{day}T08:00:00+01:00", "end": f"{day}T12:00:00+01:00"}],
            }
        ],
        "notes": "Hauseingang im Hof",
    }
    return {**order, **over}
