"""`POST /inbound/{partner}` with openTRANS and with plain JSON, through the whole application."""

import pytest
from sqlalchemy import select
from tests.support.documents import opentrans_order
from tests.support.orders import json_order

from gateway.intake.tables import InboundMessage

XML = {"Content-Type": "application/xml"}
