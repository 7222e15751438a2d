"""Types of fields from their names ("due date", "unit price", "is done") and from type words ("integer", "yes/no")."""

from __future__ import annotations

from dataclasses import dataclass

from smaker.agents.offline.reader.draft import FieldDraft
from smaker.agents.offline.reader.language.words import is_plural, singular, word_set
from smaker.core.spec import FieldType

# What a person may write for a type, as the last words of a field or inside its parentheses.
TYPE_WORDS: dict[str, FieldType] = {
    "string": FieldType.TEXT,
    "str": FieldType.TEXT,
    "varchar": FieldType.TEXT,
    "long text": FieldType.LONG_TEXT,
    "multiline": FieldType.LONG_TEXT,
    "multiline text": FieldType.LONG_TEXT,
    "markdown": FieldType.LONG_TEXT,
    "free text": FieldType.LONG_TEXT,
    "integer": FieldType.INTEGER,
    "int": FieldType.INTEGER,
    "whole number": FieldType.INTEGER,
    "float": FieldType.NUMBER,
    "double": FieldType.NUMBER,
    "real number": FieldType.NUMBER,
    "decimal number": FieldType.NUMBER,
    "numeric": FieldType.NUMBER,
    "decimal": FieldType.NUMBER,
    "money": FieldType.MONEY,
    "currency": FieldType.MONEY,
    "boolean": FieldType.BOOLEAN,
    "bool": FieldType.BOOLEAN,
    "yes no": FieldType.BOOLEAN,
    "true false": FieldType.BOOLEAN,
    "flag": FieldType.BOOLEAN,
    "checkbox": FieldType.BOOLEAN,
    "date": FieldType.DATE,
    "day": FieldType.DATE,
    "datetime": FieldType.DATETIME,
    "date time": FieldType.DATETIME,
    "date and time": FieldType.DATETIME,
    "timestamp": FieldType.DATETIME,
    "email": FieldType.EMAIL,
    "url": FieldType.URL,
    "link": FieldType.URL,
    "tags": FieldType.TAGS,
    "list of tags": FieldType.TAGS,
    "text": FieldType.TEXT,
    "number": FieldType.NUMBER,
}

# Nouns that are dates, numbers, … wherever they end a field's name.
_HEADS: dict[FieldType, frozenset[str]] = {
    FieldType.MONEY: word_set(
        "price amount cost fee fare salary wage budget balance revenue total subtotal payment rent bill tax "
        "deposit income spending expense discount donation tip charge earnings profit turnover fine premium "
        "toll bid bonus penalty refund allowance debt limit"
    ),
    FieldType.INTEGER: word_set(
        "quantity qty count year age stock score level rank capacity duration floor vintage mileage "
        "population edition season streak inventory headcount odometer bpm"
    ),
    FieldType.NUMBER: word_set(
        "weight height distance temperature latitude longitude percentage percent length width depth speed "
        "volume hours humidity pressure ratio value area voltage current power energy consumption lat lon lng dose "
        "dosage elevation altitude pace rainfall ph diameter radius angle gpa kilometers kilometres miles km "
        "kg"
    ),
    FieldType.DATE: word_set("date birthday birthdate dob deadline due expiry expiration anniversary"),
    FieldType.DATETIME: word_set("datetime timestamp time moment starts ends start end"),
    FieldType.EMAIL: word_set("email mail"),
    FieldType.URL: word_set("url link website homepage webpage site uri photo image avatar picture logo"),
    FieldType.LONG_TEXT: word_set(
        "note description body content text bio biography summary comment instruction ingredient step message "
        "details remark review feedback abstract lyrics diagnosis symptom synopsis directions transcript "
        "essay explanation observation memo caption paragraph story answer prescription treatment "
        "requirements agenda"
    ),
    FieldType.BOOLEAN: word_set(
        "done active available public private favourite favorite paid read sold hidden sent urgent billable "
        "visible present absent vegan vegetarian open flag bought won complete mandatory online spicy overdue "
        "lost found unread anonymous remote taken recurring broken closed organic refundable"
    ),
    FieldType.TAGS: word_set("tags labels keywords hashtags categories genres topics skills languages allergens"),
}
_BY_HEAD = {head: kind for kind, heads in _HEADS.items() for head in heads}
# Nouns that are a number in the plural: "pages", "seats".
_COUNTED = word_set(
    "pages seats points minutes seconds days weeks months years reps sets servings portions calories "
    "copies floors bottles pieces people likes votes views guests players passengers participants "
    "attendees beds bedrooms bathrooms rooms words lines laps goals attempts credits marks kcal"
)
# Plural nouns that are lists of short words rather than another kind of record.
_LISTS = _HEADS[FieldType.TAGS]
# Whole names, or last two words, that their last word alone would mistake.
_EXCEPTIONS: dict[str, FieldType] = {
    "phone number": FieldType.TEXT,
    "email address": FieldType.EMAIL,
    "mail address": FieldType.EMAIL,
    "web address": FieldType.URL,
    "ip address": FieldType.TEXT,
    "hourly rate": FieldType.MONEY,
    "daily rate": FieldType.MONEY,
    "exchange rate": FieldType.NUMBER,
    "interest rate": FieldType.NUMBER,
    "tax rate": FieldType.NUMBER,
    "heart rate": FieldType.INTEGER,
    "rate": FieldType.NUMBER,
    "blood pressure": FieldType.TEXT,
    "blood type": FieldType.TEXT,
    "prep time": FieldType.INTEGER,
    "preparation time": FieldType.INTEGER,
    "cooking time": FieldType.INTEGER,
    "cook time": FieldType.INTEGER,
    "running time": FieldType.INTEGER,
    "playing time": FieldType.INTEGER,
    "play time": FieldType.INTEGER,
    "travel time": FieldType.INTEGER,
    "waiting time": FieldType.INTEGER,
    "lead time": FieldType.INTEGER,
    "full text": FieldType.LONG_TEXT,
    "alt text": FieldType.TEXT,
    "opening hours": FieldType.TEXT,
    "time zone": FieldType.TEXT,
    "start year": FieldType.INTEGER,
    "end year": FieldType.INTEGER,
    "joined": FieldType.DATE,
    "purchased": FieldType.DATE,
    "born": FieldType.DATE,
    "died": FieldType.DATE,
    "hired": FieldType.DATE,
    "acquired": FieldType.DATE,
    "founded": FieldType.DATE,
    "planted": FieldType.DATE,
    "expires": FieldType.DATE,
    "started": FieldType.DATE,
    "released": FieldType.DATE,
    "last seen": FieldType.DATE,
    "last watered": FieldType.DATE,
    "date added": FieldType.DATE,
    "skill level": FieldType.TEXT,
    "education level": FieldType.TEXT,
    "difficulty level": FieldType.TEXT,
    "reading level": FieldType.TEXT,
    "size": FieldType.TEXT,
    "party size": FieldType.INTEGER,
    "batch size": FieldType.INTEGER,
    "shoe size": FieldType.NUMBER,
}
# Before a plural they make it a number: "max students".
COUNTING = word_set("max maximum min minimum num total number")
_PERIODS = word_set("request leave vacation holiday booking reservation absence rental period stay trip absence")
# Plurals of which one record has a few: a list of words.
SEVERAL = word_set(
    "actor author artist singer director writer composer editor participant attendee member guest player ingredient "
    "allergen material colour color platform instrument hobby interest award feature technology tool country city "
    "nickname alias symptom medication vaccine sponsor contributor owner teacher speaker"
)
_WORTH = word_set("deal contract asset opportunity investment policy account gift quote")
_NOT_PARTICIPLES = word_set("breed seed speed feed need bed weed red deed shed sled reed hundred kindred sacred")
_DATE_TAILS = frozenset({"on", "since", "until"})
_DATE_ADVERBS = frozenset({"last", "next", "first"})
OPTIONAL_HEADS = word_set(
    "note description comment remark bio biography tag label keyword hashtag memo caption observation"
)
_RATINGS = frozenset({"rating", "star", "stars"})
DEFAULT_CHOICES: dict[str, tuple[str, ...]] = {
    "status": ("open", "done"),
    "state": ("open", "done"),
    "priority": ("low", "medium", "high"),
}
# Nouns that are followed by their values: "type income or expense".
CHOICE_NAMES = word_set(
    "type status state priority kind level category size frequency severity stage mode gender role "
    "difficulty visibility method fuel colour color currency format condition phase importance urgency "
    "outcome result"
)
_DISCRETE_UNITS = word_set("second minute day week month year sec min mins secs point page kcal mb kb byte")
_CONTINUOUS_UNITS = word_set(
    "hour km kilometre kilometer mile metre meter m cm mm kg kilo kilogram gram g lb pound oz litre liter "
    "l ml degree celsius fahrenheit percent inch foot ft kilometers hrs h"
)
_MONEY_UNITS = word_set("euro eur dollar usd gbp chf sterling yen cent buck")


@dataclass(frozen=True, slots=True)
class Guess:
    """A type taken from a name; ``asks`` says what to ask where the name leaves a choice open."""

    type: FieldType
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    asks: str = ""


def unit_type(word: str) -> FieldType | None:
    """The type of a number given in the unit ``word`` ("kg", "minutes", "euros"), or None if it is no unit."""
    base = singular(word)
    if word in _MONEY_UNITS or base in _MONEY_UNITS:
        return FieldType.MONEY
    if word in _DISCRETE_UNITS or base in _DISCRETE_UNITS:
        return FieldType.INTEGER
    if word in _CONTINUOUS_UNITS or base in _CONTINUOUS_UNITS:
        return FieldType.NUMBER
    return None


def is_list_word(word: str) -> bool:
    """Whether a plural is a list of short words ("tags", "genres")."""
    return word in _LISTS


def looks_like_field(words: tuple[str, ...]) -> bool:
    """Whether a noun phrase is known as a field rather than as a kind of record."""
    last = words[-1]
    if last in {"name", "title", "code", "label", "sku", "isbn", "phone", "address", "status", "priority"}:
        return True
    return _head(last, strict=True) is not None or " ".join(words[-2:]) in _EXCEPTIONS or last in _RATINGS


def infer(field: FieldDraft, entity: str) -> Guess:
    """The type that the name of ``field`` suggests; plain text where it suggests none."""
    words = tuple(field.name.split("_"))
    last = words[-1]
    if field.unit and (by_unit := unit_type(field.unit)) is not None:
        return Guess(by_unit)
    if last in _RATINGS:
        bounded = field.minimum is not None or field.maximum is not None
        ask = (
            ""
            if bounded
            else f"What range does the {' '.join(words)} of a {entity.replace('_', ' ')} have? Taken: 1 to 5."
        )
        return Guess(FieldType.INTEGER, minimum=1, maximum=5, asks=ask) if ask else Guess(FieldType.INTEGER)
    if field.name in {"from", "to"} and entity.rsplit("_", maxsplit=1)[-1] in _PERIODS:
        return Guess(FieldType.DATE)
    if last in DEFAULT_CHOICES and not (field.minimum is not None or field.maximum is not None):
        choices = DEFAULT_CHOICES[last]
        values = ", ".join(choices)
        ask = f"Which values does the {' '.join(words)} of a {entity.replace('_', ' ')} have? Taken: {values}."
        return Guess(FieldType.CHOICE, choices=choices, asks=ask)
    guess = _from_words(words)
    in_unit = unit_type(last) if is_plural(last) or last in {"kg", "km", "cm", "mm", "ml"} else None
    if guess is FieldType.TEXT and in_unit is not None:
        guess = in_unit  # "grams", "litres"
    if last == "value" and entity.rsplit("_", maxsplit=1)[-1] in _WORTH:
        guess = FieldType.MONEY
    if words[0] in COUNTING and len(words) > 1 and guess in {FieldType.TEXT, FieldType.LONG_TEXT}:
        guess = FieldType.INTEGER
    if last == "amount" and entity.rsplit("_", maxsplit=1)[-1] in {
        "ingredient",
        "dose",
        "medication",
        "item",
        "supply",
    }:
        guess = FieldType.NUMBER
    bounded = field.minimum is not None or field.maximum is not None
    if bounded and guess in {FieldType.BOOLEAN, FieldType.TAGS, FieldType.URL, FieldType.EMAIL}:
        guess = FieldType.INTEGER
    if guess is FieldType.TEXT and field.maximum is not None and (field.minimum is not None or field.maximum <= 10):
        guess = FieldType.INTEGER  # "importance 1-5"
    asks = ""
    if guess is FieldType.URL and singular(last) in {"photo", "image", "avatar", "picture", "logo"}:
        asks = f"How is the {' '.join(words)} of a {entity.replace('_', ' ')} kept? Taken: as a link."
    return Guess(guess, asks=asks)


def _from_words(words: tuple[str, ...]) -> FieldType:
    name, first, last = " ".join(words), words[0], words[-1]
    for tail in (name, " ".join(words[-2:])):
        if tail in _EXCEPTIONS:
            return _EXCEPTIONS[tail]
    kind = _from_frame(words, first, last) if len(words) > 1 else None
    if kind is not None:
        return kind
    return FieldType.TAGS if last in _LISTS else _head(last, strict=False) or FieldType.TEXT


def _from_frame(words: tuple[str, ...], first: str, last: str) -> FieldType | None:
    """The type that the small words around a name give: "is …", "… at", "… on", "date of …", "… per week"."""
    if last == "at":
        return FieldType.DATETIME
    if last in _DATE_TAILS or (first in _DATE_ADVERBS and last.endswith("ed")):
        return FieldType.DATE
    if first == "date":
        return FieldType.DATE
    if first in {"is", "has", "was", "can", "are", "needs"}:
        return FieldType.BOOLEAN
    if "of" in words[1:2]:
        return FieldType.DATE if first in {"date", "day"} else FieldType.DATETIME if first in {"time", "hour"} else None
    if "per" in words[1:-1]:
        return _head(words[words.index("per") - 1], strict=False) or FieldType.INTEGER
    return None


def _head(word: str, *, strict: bool) -> FieldType | None:
    """The type of a name that ends in ``word``; ``strict`` leaves out guesses from its ending."""
    if word in _COUNTED:
        return FieldType.INTEGER
    known = _BY_HEAD.get(word) or _BY_HEAD.get(singular(word))
    if known is not None:
        return known
    for ending, kind in (("date", FieldType.DATE), ("price", FieldType.MONEY), ("url", FieldType.URL)):
        if word.endswith(ending) and len(word) > len(ending) and word not in {"update", "candidate", "mandate"}:
            return kind
    return FieldType.BOOLEAN if not strict and is_participle(word) else None


def is_participle(word: str) -> bool:
    """Whether a word reads as the past participle of a regular verb ("vaccinated", "archived")."""
    return len(word) > 4 and word.endswith("ed") and not word.endswith("eed") and word not in _NOT_PARTICIPLES
