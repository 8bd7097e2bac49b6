"""Partners who post documents: Brack in openTRANS, Interdiscount and Lumimart in EDIFACT, Bosch in IDocs."""

from gateway.demo.documents import OPENTRANS_ORDER
from gateway.demo.parts.part import Mailed

_OPENTRANS_CANCEL = """\
<?xml version="1.0" encoding="ISO-8859-1"?>
<CANCELREQUEST version="2.1" xmlns="http://www.opentrans.org/XMLSchema/2.1"
               xmlns:bme="http://www.bmecat.org/bmecat/2005">
  <CANCELREQUEST_HEADER>
    <CANCELREQUEST_INFO>
      <ORDER_ID>{number}</ORDER_ID>
      <CANCELREQUEST_DATE>{now:%Y-%m-%dT%H:%M:%S}</CANCELREQUEST_DATE>
      <PARTIES>
        <PARTY><bme:PARTY_ID type="supplier_specific">S123456</bme:PARTY_ID><PARTY_ROLE>buyer</PARTY_ROLE></PARTY>
        <PARTY><bme:PARTY_ID type="customer_specific">K1234</bme:PARTY_ID><PARTY_ROLE>supplier</PARTY_ROLE></PARTY>
      </PARTIES>
      <ORDER_PARTIES_REFERENCE>
        <bme:BUYER_IDREF type="supplier_specific">S123456</bme:BUYER_IDREF>
        <bme:SUPPLIER_IDREF type="customer_specific">K1234</bme:SUPPLIER_IDREF>
      </ORDER_PARTIES_REFERENCE>
    </CANCELREQUEST_INFO>
  </CANCELREQUEST_HEADER>
</CANCELREQUEST>
"""

_D01B_ORDER = """\
UNA:+.? '
UNB+UNOC:3+7613001000004:14+7640199900007:14+{now:%y%m%d}:{now:%H%M}+{reference}++ORDERS++1++1'
UNH+1+ORDERS:D:01B:UN:EAN010'
BGM+220+{number}+9'
DTM+137:{now:%Y%m%d%H%M}:203'
DTM+2:{day:%Y%m%d}0800{day:%Y%m%d}1200:719'
FTX+DEL+3++Hauseingang im Hof. Bitte 30 Min. vorher anrufen'
NAD+BY+7613001000004::9'
NAD+SU+7640199900007::9'
NAD+DP+++Keller Sandra:c/o Müller & Söhne+Langstrasse 120:3. Stock links+Zürich++8004+CH'
CTA+DL+:Keller Sandra'
COM+?+41791234567:AL'
COM+sandra.keller@example.ch:EM'
CUX+2:CHF:9'
LIN+1++7640199900014:SRV'
PIA+5+SVC-TV-WALL-65:SA'
IMD+F++:::TV-Wandmontage bis 65"'
QTY+21:1:PCE'
PRI+AAA:149.00:::1:PCE'
UNS+S'
CNT+2:1'
UNT+20+1'
UNZ+1+{reference}'
"""

_D01B_CANCEL = """\
UNA:+.? '
UNB+UNOC:3+7613001000004:14+7640199900007:14+{now:%y%m%d}:{now:%H%M}+{reference}++++1++1'
UNH+1+ORDCHG:D:01B:UN:EAN009'
BGM+230+{number}-C1+1'
DTM+137:{now:%Y%m%d%H%M}:203'
RFF+ON:{number}'
NAD+BY+7613001000004::9'
NAD+SU+7640199900007::9'
UNS+S'
CNT+2:0'
UNT+9+1'
UNZ+1+{reference}'
"""

_D96A_ORDER = """\
UNA:+,? '
UNB+UNOC:3+7613002000003:14+7640199900007:14+{now:%y%m%d}:{now:%H%M}+{reference}++++++1'
UNH+1+ORDERS:D:96A:UN:EAN008'
BGM+220+{number}+9'
DTM+137:{now:%Y%m%d}:102'
DTM+64:{day:%Y%m%d}0800:203'
DTM+63:{day:%Y%m%d}1200:203'
FTX+AAI+3++Altbau, Decke 3.20 m'
NAD+SU+7640199900007::9'
NAD+BY+7613002000003::9'
NAD+DP+++Favre Jean-Luc+Rue du Rhône 14:Bât. B+Genève++1204+CH'
CTA+GR+:Favre Jean-Luc'
COM+022 555 01 23:TE'
CUX+2:CHF:9'
LIN+1++7640199900212:EN+1:1'
PIA+5+SVC-NET-SETUP:SA'
IMD+F++:::Routeur ?: câblage compris'
QTY+21:1:PCE'
PRI+AAA:89,25:::1'
UNS+S'
UNT+19+1'
UNZ+1+{reference}'
"""

_D96A_CANCEL = """\
UNA:+,? '
UNB+UNOC:3+7613002000003:14+7640199900007:14+{now:%y%m%d}:{now:%H%M}+{reference}++++++1'
UNH+1+ORDCHG:D:96A:UN:EAN008'
BGM+230+{number}-C1+1'
DTM+137:{now:%Y%m%d}:102'
RFF+ON:{number}'
NAD+SU+7640199900007::9'
NAD+BY+7613002000003::9'
UNS+S'
UNT+8+1'
UNZ+1+{reference}'
"""

_IDOC = """\
<?xml version="1.0" encoding="UTF-8"?>
<ORDERS05>
  <IDOC BEGIN="1">
    <EDI_DC40 SEGMENT="1">
      <TABNAM>EDI_DC40</TABNAM><MANDT>100</MANDT><DOCNUM>00000000{reference}</DOCNUM><DIRECT>1</DIRECT>
      <IDOCTYP>ORDERS05</IDOCTYP><MESTYP>MESSAGE</MESTYP>
      <SNDPOR>SAPP01</SNDPOR><SNDPRT>LS</SNDPRT><SNDPRN>BSHP01</SNDPRN>
      <RCVPOR>HTTP</RCVPOR><RCVPRT>LI</RCVPRT><RCVPFC>LF</RCVPFC><RCVPRN>MILA</RCVPRN>
      <CREDAT>{now:%Y%m%d}</CREDAT><CRETIM>{now:%H%M%S}</CRETIM><SERIAL>{now:%Y%m%d}{reference}</SERIAL>
    </EDI_DC40>
    <E1EDK01 SEGMENT="1"><CURCY>CHF</CURCY><BSART>NB</BSART><BELNR>{number}</BELNR></E1EDK01>
    <E1EDK03 SEGMENT="1"><IDDAT>012</IDDAT><DATUM>{now:%Y%m%d}</DATUM></E1EDK03>
    <E1EDKA1 SEGMENT="1"><PARVW>AG</PARVW><PARTN>1000</PARTN></E1EDKA1>
    <E1EDKA1 SEGMENT="1">
      <PARVW>WE</PARVW><NAME1>Keller Sandra</NAME1><STRAS>Langstrasse 120</STRAS><ORT01>Zürich</ORT01>
      <PSTLZ>8004</PSTLZ><LAND1>CH</LAND1><TELF1>+41 79 123 45 67</TELF1><SPRAS_ISO>DE</SPRAS_ISO>
    </E1EDKA1>
    <E1EDP01 SEGMENT="1">
      <POSEX>00010</POSEX><ACTION>ACTIVITY</ACTION><MENGE>QUANTITY</MENGE><MENEE>LE</MENEE>
      <VPREI>149.00</VPREI><PEINH>1</PEINH>
      <E1EDP20 SEGMENT="1"><EDATU>{day:%Y%m%d}</EDATU><EZEIT>080000</EZEIT></E1EDP20>
      <E1EDP19 SEGMENT="1">
        <QUALF>002</QUALF><IDTNR>SVC-TV-WALL-65</IDTNR><KTEXT>TV-Wandmontage</KTEXT>
      </E1EDP19>
    </E1EDP01>
  </IDOC>
</ORDERS05>
"""


def _idoc(message: str, activity: str, quantity: str) -> str:
    return _IDOC.replace("MESSAGE", message).replace("ACTIVITY", activity).replace("QUANTITY", quantity)


BRACK = Mailed(
    "brack", "openTRANS 2.1", "application/xml", "ISO-8859-1", ordering=OPENTRANS_ORDER, cancelling=_OPENTRANS_CANCEL
)
INTERDISCOUNT = Mailed(
    "interdiscount",
    "EDIFACT D.01B, EANCOM",
    "application/edifact",
    "ISO-8859-1",
    ordering=_D01B_ORDER,
    cancelling=_D01B_CANCEL,
)
LUMIMART = Mailed(
    "lumimart",
    "EDIFACT D.96A, EDILEKTRO",
    "application/edifact",
    "ISO-8859-1",
    ordering=_D96A_ORDER,
    cancelling=_D96A_CANCEL,
)
BOSCH = Mailed(
    "bosch",
    "SAP IDoc ORDERS05",
    "text/xml",
    "UTF-8",
    ordering=_idoc("ORDERS", "001", "1.000"),
    cancelling=_idoc("ORDCHG", "003", "0.000"),
)
