"""openTRANS' words, and what we call the same thing."""

from collections.abc import Mapping

from adapters.canonical import JobState

OPENTRANS = "http://www.opentrans.org/XMLSchema/2.1"
BMECAT = "http://www.bmecat.org/bmecat/2005"

# Which document says a state. An ORDERRESPONSE supersedes the one before it, so that it is enough for every date and
# for every end before the visit, whoever asked for it; there is no document for what happens on the way.
STATES: Mapping[JobState, str | None] = {
    JobState.RECEIVED: None,
    JobState.REJECTED: "ORDERRESPONSE",
    JobState.ON_HOLD: None,
    JobState.UNSCHEDULED: None,
    JobState.SCHEDULED: "ORDERRESPONSE",
    JobState.OFFERED: None,
    JobState.UNASSIGNABLE: None,
    JobState.ASSIGNED: None,
    JobState.CONFIRMED: None,
    JobState.EN_ROUTE: None,
    JobState.ON_SITE: None,
    JobState.IN_PROGRESS: None,
    JobState.CHANGE_PENDING: None,
    JobState.PAUSED: None,
    JobState.WORK_DONE: None,
    JobState.COMPLETED: "DISPATCHNOTIFICATION",
    JobState.DISPUTED: None,
    JobState.FAILED: None,
    JobState.CANCELLED: "ORDERRESPONSE",
    JobState.HANDED_OVER: None,
}

# A visit in one of these does not count in a line's QUANTITY any more.
GONE = frozenset({JobState.REJECTED, JobState.CANCELLED, JobState.HANDED_OVER})

# One in one of these has nothing ahead; DELIVERY_COMPLETED says so when all of a line have.
ENDED = GONE | {JobState.COMPLETED, JobState.FAILED}

# Documents of the standard, and of Galaxus' extension, that nobody sends to a supplier of services.
NOT_FOR_US = frozenset(
    {
        "CANCELCONFIRMATION",
        "DISPATCHNOTIFICATION",
        "INVOICE",
        "INVOICELIST",
        "ORDERRESPONSE",
        "QUOTATION",
        "RECEIPTACKNOWLEDGEMENT",
        "REMITTANCEADVICE",
        "RETURNREGISTRATION",
        "RFQ",
        "SUPPLIERCANCELNOTIFICATION",
    }
)

ROLES = frozenset(
    {
        "buyer",
        "central_regulator",
        "customer",
        "deliverer",
        "delivery",
        "document_creator",
        "final_delivery",
        "intermediary",
        "invoice_issuer",
        "invoice_recipient",
        "ipp_operator",
        "manufacturer",
        "marketplace",
        "other",
        "payer",
        "remittee",
        "standardization_body",
        "supplier",
        "trustedthirdparty",
    }
)

# The technician rings from the door: a mobile first.
PHONES = ("mobile", "private", "office")

# What the reader reads, or knows to say nothing about a visit. Anything else is ignored and counted.
_KNOWN = """
ORDER ORDER_HEADER CONTROL_INFO STOP_AUTOMATIC_PROCESSING GENERATOR_INFO GENERATION_DATE SOURCING_INFO ORDER_INFO
ORDER_ID ORDER_DATE DELIVERY_DATE DELIVERY_START_DATE DELIVERY_END_DATE LANGUAGE MIME_ROOT PARTIES PARTY PARTY_ID
PARTY_ROLE ADDRESS NAME NAME2 NAME3 DEPARTMENT CONTACT_DETAILS CONTACT_ID CONTACT_NAME FIRST_NAME TITLE
ACADEMIC_TITLE CONTACT_ROLE PHONE FAX EMAILS EMAIL URL STREET ZIP CITY STATE COUNTRY COUNTRY_CODED VAT_ID TAX_NUMBER
CUSTOMER_ORDER_REFERENCE ORDER_PARTIES_REFERENCE BUYER_IDREF SUPPLIER_IDREF INVOICE_RECIPIENT_IDREF
SHIPMENT_PARTIES_REFERENCE DELIVERY_IDREF FINAL_DELIVERY_IDREF DELIVERER_IDREF CURRENCY PAYMENT
PARTIAL_SHIPMENT_ALLOWED REMARKS ORDER_ITEM_LIST ORDER_ITEM LINE_ITEM_ID PRODUCT_ID SUPPLIER_PID INTERNATIONAL_PID
BUYER_PID DESCRIPTION_SHORT DESCRIPTION_LONG QUANTITY ORDER_UNIT PRODUCT_PRICE_FIX PRICE_AMOUNT PRICE_QUANTITY
PRICE_BASE_FIX TAX_DETAILS_FIX TAX TAX_AMOUNT TAX_TYPE PRICE_LINE_AMOUNT ORDER_SUMMARY TOTAL_ITEM_NUM
TOTAL_AMOUNT
"""
KNOWN = frozenset(space + name for name in _KNOWN.split() for space in ("", f"{{{OPENTRANS}}}", f"{{{BMECAT}}}"))
