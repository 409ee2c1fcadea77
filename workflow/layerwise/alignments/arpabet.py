"""ARPAbet: the 39 phones of the CMU dictionary, without stress.

The phone set `arpabet` of resources/phones.yaml has the same phones; a test compares them.
"""

VOWELS = ("AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW")

# fmt: off
CONSONANTS = (
    "B", "CH", "D", "DH", "F", "G", "HH", "JH", "K", "L", "M", "N",
    "NG", "P", "R", "S", "SH", "T", "TH", "V", "W", "Y", "Z", "ZH",
)
# fmt: on

PHONES = tuple(sorted(VOWELS + CONSONANTS))
