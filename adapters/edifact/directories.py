"""D.96A and D.01B, as far as we read them: the order of segments in a message, and the elements of a segment.

A message is written as in the directories' segment tables: `DTM35` may come 35 times, `!` must come, brackets are a
segment group, begun by its first segment. An element is written as its format (`an35`, `n15`, `an3!`), a composite in
brackets. The UN/ECE's own tables are compared with these in the tests.
"""

_ALLOWANCE = "(ALC! ALI5 DTM5 (QTY! RNG) (PCD! RNG) (MOA! RNG)2 (RTE! RNG) (TAX! MOA)5)"
_TRANSPORT = "(TDT! (LOC! DTM5)10)10 (TOD! LOC2)5"
_SCHEDULE = "(SCC! FTX5 RFF5 (QTY! DTM5)10)"
_EQUIPMENT = "(EQD! HAN5 MEA5 FTX5)10"
_STAGES = "(STG! (QTY! MOA)3)10"
_CONTACTS = "(DOC! DTM5)5 (CTA! COM5)5"
_AMOUNTS = "(CUX! PCD5 DTM5)5"

# --- D.96A -------------------------------------------------------------------------------------------------------

_96A_HEAD = "UNH! BGM! DTM35! PAI ALI5 IMD FTX99 (RFF! DTM5)10"
_96A_BODY = f"""
    (NAD! LOC25 FII5 (RFF! DTM5)10 {_CONTACTS})99 (TAX! MOA LOC5)5 {_AMOUNTS} (PAT! DTM5 PCD MOA)10 {_TRANSPORT}
    (PAC! MEA5 (PCI! RFF DTM5 GIN10)5)10 {_EQUIPMENT} {_SCHEDULE}10 (APR! DTM5 RNG)25 {_ALLOWANCE}15
    (RCS! RFF5 DTM5 FTX5)100
"""
_96A_LINE = """
    LIN! PIA25 IMD99 MEA5 QTY10 PCD5 ALI5 DTM35 MOA10 GIN1000 GIR1000 QVR DOC5 PAI FTX99 (CCI! CAV10 MEA10)999
    (PAT! DTM5 PCD MOA)10
"""
_96A_PACKS = "(PAC! MEA5 QTY5 DTM5 (RFF! DTM5) (PCI! RFF DTM5 GIN10)5)10 (LOC! QTY DTM5)9999 (TAX! MOA LOC5)10"
_96A_PARTY = f"(NAD! LOC5 (RFF! DTM5)5 {_CONTACTS})"
_96A_REST = f"{_ALLOWANCE}99 {_TRANSPORT} {_EQUIPMENT} {_SCHEDULE}100 (RCS! RFF5 DTM5 FTX5)100 {_STAGES}"
_96A_FOOT = "UNS! MOA12 CNT10 (ALC! ALI MOA2!)10 UNT!"
_96A_PRICE = "(PRI! CUX APR RNG DTM5)25"

# --- D.01B -------------------------------------------------------------------------------------------------------

_01B_HEAD = "UNH! BGM! DTM35! PAI ALI5 IMD999 FTX99 GIR10 (RFF! DTM5)9999"
_01B_PARTY = f"(NAD! LOC99 FII5 (RFF! DTM5)99 {_CONTACTS})99"
_01B_BODY = f"""
    {_AMOUNTS} (PAT! DTM5 PCD (MOA! GIR9 RJL99)9999)10 {_TRANSPORT} (PAC! MEA5 (PCI! RFF DTM5 GIN10)5)99 {_EQUIPMENT}
    {_SCHEDULE}10 (APR! DTM5 RNG)25 {_ALLOWANCE}99 (RCS! RFF5 DTM5 FTX99999)999
"""
_01B_LINE = """
    LIN! PIA25 IMD99 MEA99 QTY99 PCD5 ALI5 DTM35 MOA10 GIS99 GIN1000 GIR1000 QVR DOC99 PAI MTD99 FTX99
    (CCI! CAV10 MEA10)999 (PAT! DTM5 PCD (MOA! GIR9)9999)10
"""
_01B_PACKS = "(PAC! MEA5 QTY5 DTM5 (RFF! DTM5) (PCI! RFF DTM5 GIN10)5)99"
_01B_REST = f"""
    (TAX! MOA LOC5)10 (NAD! LOC5 FII5 (RFF! DTM5)99 {_CONTACTS})999 {_ALLOWANCE}99 {_TRANSPORT} {_EQUIPMENT}
    {_SCHEDULE}100 (RCS! RFF5 DTM5 FTX99999)999 {_STAGES}
"""
_DANGER = "(DGS! FTX5 (CTA! COM5)99)999"

MESSAGES: dict[str, dict[str, str]] = {
    "96A": {
        "ORDERS": f"""{_96A_HEAD} {_96A_BODY}
            ({_96A_LINE} {_96A_PRICE} (RFF! DTM5)10 {_96A_PACKS} {_96A_PARTY}99 {_96A_REST})200000 {_96A_FOOT}""",
        "ORDCHG": f"""{_96A_HEAD} (AJT! FTX5) {_96A_BODY}
            ({_96A_LINE} (AJT! FTX5) {_96A_PRICE} (RFF! DTM5)999 {_96A_PACKS} {_96A_PARTY}10 {_96A_REST})200000
            {_96A_FOOT}""",
    },
    "01B": {
        "ORDERS": f"""{_01B_HEAD} {_01B_PARTY} (TAX! MOA LOC9)5 {_01B_BODY} {_DANGER}
            ({_01B_LINE} (PRI! CUX APR99 RNG DTM5)25 (RFF! DTM5 GIS99 MOA99)9999 {_01B_PACKS}
            (LOC! QTY PCD DTM5)9999 {_01B_REST} {_DANGER})20000 UNS! MOA99 CNT10 (ALC! ALI MOA2!)10 UNT!""",
        "ORDCHG": f"""{_01B_HEAD} (AJT! FTX5) {_01B_PARTY} (TAX! MOA LOC5)5 {_01B_BODY}
            ({_01B_LINE} (AJT! FTX5) (PRI! CUX APR RNG DTM5)25 (RFF! DTM5)9999 {_01B_PACKS}
            (LOC! QTY DTM5)9999 {_01B_REST})20000 UNS! MOA12 CNT10 (ALC! ALI MOA2!)10 UNT!""",
    },
}

_ARTICLE = "(an35 an3 {0} an3)"
_MONEY = "(an3! an3 an3 n4)"
_BOTH = {
    "COM": "(an512! an3!)!",
    "CTA": "an3 (an17 an35)",
    "CNT": "(an3! n18! an3)!",
    "CUX": f"{_MONEY} {_MONEY} n12 an3",
    "DTM": "(an3! an35 an3)!",
    "PRI": "(an3! n15 an3 an3 n9 an3) an3",
    "UNS": "a1!",
    "UNT": "n6! an14!",
}

# Elements of the segments that we read; of the others, only what holds for all of them is looked at.
SEGMENTS: dict[str, dict[str, str]] = {
    "96A": {
        **_BOTH,
        "BGM": "(an3 an3 an3 an35) an35 an3 an3",
        "DOC": "(an3 an3 an3 an35)! (an35 an3 an35 an3) an3 n2 n2",
        "FTX": "an3! an3 (an3! an3 an3) (an70! an70 an70 an70 an70) an3",
        "IMD": "an3 an3 (an17 an3 an3 an35 an35 an3) an3",
        "LIN": f"n6 an3 {_ARTICLE.format('an3')} (an3 n6) n2 an3",
        "MOA": "(an3! n18 an3 an3 an3)!",
        "NAD": """an3! (an35! an3 an3) (an35! an35 an35 an35 an35) (an35! an35 an35 an35 an35 an3)
            (an35! an35 an35 an35) an35 an9 an9 an3""",
        "PIA": f"an3! {_ARTICLE.format('an3')}! {' '.join([_ARTICLE.format('an3')] * 4)}",
        "QTY": "(an3! n15! an3)!",
        "RFF": "(an3! an35 an6 an35)!",
    },
    "01B": {
        **_BOTH,
        "BGM": "(an3 an17 an3 an35) (an35 an9 an6) an3 an3",
        "COM": "(an512! an3!)! (an512! an3!) (an512! an3!)",
        "DOC": "(an3 an17 an3 an35)! (an35 an3 an70 an3 an9 an6) an3 n2 n2",
        "FTX": "an3! an3 (an17! an17 an3) (an512! an512 an512 an512 an512) an3 an3",
        "IMD": "an3 (an3 an17 an3) (an17 an17 an3 an256 an256 an3) an3",
        "LIN": f"an6 an3 {_ARTICLE.format('an17')} (an3 an6) n2 an3",
        "MOA": "(an3! n35 an3 an3 an3)!",
        "NAD": """an3! (an35! an17 an3) (an35! an35 an35 an35 an35) (an35! an35 an35 an35 an35 an3)
            (an35! an35 an35 an35) an35 (an9 an17 an3 an70) an17 an3""",
        "PIA": f"an3! {_ARTICLE.format('an17')}! {' '.join([_ARTICLE.format('an17')] * 4)}",
        "QTY": "(an3! an35! an3)!",
        "RFF": "(an3! an70 an6 an35 an6)!",
    },
}
