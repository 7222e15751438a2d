"""Read a library of unit conversions: which dimensions it converts, and whether units can be added."""

from __future__ import annotations

from collections.abc import Sequence

from smaker.agents.offline.reader.draft import Draft
from smaker.agents.offline.reader.language.phrases import at_phrase, low
from smaker.agents.offline.reader.language.tokens import Token
from smaker.agents.offline.reader.language.words import FLUFF, verb, word_set

_DIMENSIONS = {
    "temperature": "temperature temperatures celsius fahrenheit kelvin centigrade rankine",
    "length": """length lengths distance distances meter meters metre metres kilometer kilometers kilometre
        kilometres mile miles foot feet inch inches yard yards centimeter centimeters centimetre centimetres""",
    "mass": "mass masses weight weights gram grams kilogram kilograms pound pounds ounce ounces",
    "volume": "volume volumes litre litres liter liters gallon gallons pint pints cup cups millilitres milliliters",
    "area": "area areas acre acres hectare hectares",
    "time": "time times duration durations hour hours minute minutes seconds",
    "speed": "speed speeds velocity velocities knots mph",
    "pressure": "pressure pressures pascal pascals bar psi",
    "energy": "energy energies joule joules calorie calories kilocalories",
    "power": "power watt watts kilowatt kilowatts horsepower",
    "data": "data storage byte bytes kilobyte kilobytes megabytes gigabytes bits",
    "angle": "angle angles degree degrees radian radians",
    "force": "force forces newton newtons",
    "frequency": "frequency frequencies hertz",
}
_BY_WORD = {word: topic for topic, words in _DIMENSIONS.items() for word in words.split()}
_CONVERTS = word_set("convert converts converting converted conversion conversions converter converters")
_UNITS = word_set("unit units measure measures measurement measurements")
_REGISTRY = word_set(
    "registry registries register registers registered registering extensible extended extendable pluggable custom"
)
_AROUND = word_set(
    "own callers caller users user developers values value size sizes between different metric imperial "
    "various their add adding added defining define defined library package module quantities quantity "
    "new other further additional common default built-in builtin function functions physical e.g eg "
    "lookup"
)


def reads_conversions(tokens: Sequence[Token]) -> bool:
    """Whether the prompt speaks of converting units or measures."""
    words = {token.low for token in tokens}
    return bool(words & _CONVERTS) and bool(words & (_BY_WORD.keys() | _UNITS))


def read_topics(draft: Draft, tokens: Sequence[Token]) -> None:
    """Find the dimensions in the order they are named; the words that say so are counted as understood."""
    for index, token in enumerate(tokens):
        topic = _BY_WORD.get(token.low)
        if topic is not None and not (token.low in {"data", "time"} and at_phrase(tokens, index, "data types") > 0):
            if topic not in draft.topics:
                draft.topics.append(topic)
            draft.used.add(token.at)
        elif token.low in _REGISTRY:
            draft.registry = True
            draft.used.add(token.at)
        elif (
            token.low in _CONVERTS
            or token.low in _UNITS
            or token.low in _AROUND
            or token.low in FLUFF
            or verb(token.low) in {"build", "make", "create", "write", "develop", "implement", "add", "define"}
        ):
            draft.used.add(token.at)
    added = any(
        low(tokens, index) in {"new", "own", "custom", "further", "additional", "add", "define", "register"}
        and low(tokens, index + 1) in _UNITS
        for index in range(len(tokens))
    )
    draft.registry = draft.registry or added
