"""English word forms: singular and plural nouns, base forms of verbs, numbers in words, function words."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache


def words_in(text: str) -> list[str]:
    """The words of ``text``, for tables that are easier to read as lines of words."""
    return text.split()


def word_set(text: str) -> frozenset[str]:
    """The words of ``text`` as a set."""
    return frozenset(text.split())


DETERMINERS = word_set(
    "a an the each every all any some many several various multiple few my our their its his her your "
    "this these those other another both such certain own either"
)
PREPOSITIONS = word_set(
    "of in on at by for from to with without into per via through over under between within during about "
    "against among as than upon onto using inside across after before behind below above across"
)
AUXILIARIES = word_set(
    "is are was were be been being am do does did has have had having can could may might must shall "
    "should will would gets get"
)
PRONOUNS = word_set(
    "i we you they he she it them him us me who whom which that what there here themselves itself someone "
    "somebody anyone everybody everyone"
)
CONJUNCTIONS = word_set("and or but plus so then while when where if whether because & also too")
NEGATIONS = word_set("not no never cannot neither nor without none nobody nothing non")
FLUFF = word_set(
    "please simple basic small tiny little nice clean modern good great beautiful elegant robust reliable fast easy "
    "quick friendly lightweight minimal full complete proper new just want wants need needs like able possible "
    "possibility ability support supports supporting allow allows allowing let lets enable enables etc eg ie "
    "well-designed production-ready very really quite basically simply easily quickly hi hey ok okay thanks thank help "
    "helps love kind sorts stuff thing things something anything way ways there's it's that's i'd i'm let's we'd we'll "
    "i'll respective following plain pretty straightforward neat handy useful usable again always include includes "
    "included provide provides providing offer offers feature features functionality used use uses called named based "
    "given current currently different individual existing standard typical usual usually normal common single personal"
)
# Words that carry no request of their own. Negations and conditions are left out on purpose: they change a meaning.
STOP = (DETERMINERS | PREPOSITIONS | AUXILIARIES | PRONOUNS | CONJUNCTIONS | FLUFF) - {
    "without",
    "if",
    "when",
    "whether",
    "after",
    "before",
    "below",
    "above",
    "using",
}
# Words that end a noun phrase.
BREAKS = (
    PREPOSITIONS
    | AUXILIARIES
    | PRONOUNS
    | CONJUNCTIONS
    | NEGATIONS
    | frozenset(
        {
            "only",
            "including",
            "includes",
            "containing",
            "contains",
            "having",
            "consisting",
            "comprising",
            "privately",
            "publicly",
            "separately",
            "together",
        }
    )
) - {"above", "below"}

NUMBERS = {
    word: value
    for value, word in enumerate(
        words_in("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen")
    )
} | {"twenty": 20, "thirty": 30, "fifty": 50, "hundred": 100, "thousand": 1000, "dozen": 12, "single": 1}

IRREGULAR = {
    "people": "person",
    "children": "child",
    "men": "man",
    "women": "woman",
    "mice": "mouse",
    "geese": "goose",
    "feet": "foot",
    "teeth": "tooth",
    "criteria": "criterion",
    "analyses": "analysis",
    "diagnoses": "diagnosis",
    "hypotheses": "hypothesis",
    "theses": "thesis",
    "crises": "crisis",
    "axes": "axis",
    "lives": "life",
    "wives": "wife",
    "knives": "knife",
    "leaves": "leaf",
    "loaves": "loaf",
    "shelves": "shelf",
    "wolves": "wolf",
    "halves": "half",
    "thieves": "thief",
    "quizzes": "quiz",
    "buses": "bus",
    "gases": "gas",
    "movies": "movie",
    "cookies": "cookie",
    "selfies": "selfie",
    "calories": "calorie",
    "pies": "pie",
    "ties": "tie",
    "rookies": "rookie",
    "zombies": "zombie",
    "cafes": "cafe",
    "caches": "cache",
    "headaches": "headache",
    "shoes": "shoe",
    "canoes": "canoe",
    "toes": "toe",
    "curricula": "curriculum",
    "indices": "index",
    "matrices": "matrix",
    "vertices": "vertex",
    "appendices": "appendix",
    "alumni": "alumnus",
    "aliases": "alias",
    "lenses": "lens",
    "campuses": "campus",
    "bonuses": "bonus",
    "viruses": "virus",
    "canvases": "canvas",
    "statuses": "status",
    "atlases": "atlas",
}
PLURALS = {singular: plural for plural, singular in IRREGULAR.items()} | {"axis": "axes"}
# Nouns without a plural of their own, and singulars that end in s.
MASS = word_set(
    "equipment inventory information feedback software furniture luggage advice news series species sheep "
    "fish data media staff attendance homework knowledge traffic weather music money progress hardware "
    "laundry clothing content merchandise research produce wildlife livestock"
)
SINGULAR_S = word_set(
    "status address class business series species news gas lens campus bonus virus corpus canvas alias "
    "bias atlas iris tennis analysis basis process progress access success boss glass grass mass pass "
    "press cross loss dress kiss bus plus minus focus census chess genus bus sms css js os gps always "
    "this its his yes mathematics physics economics athletics progress fitness illness witness wellness "
    "diabetes diagnosis axis crisis thesis iris various previous has was is as us plus vs less unless "
    "across express compass mattress fortress princess"
)

# Base forms of the verbs the rules know. Other forms are derived.
VERBS = words_in(
    "jot track manage store keep record log add create organise organize catalogue catalog save list maintain "
    "handle register collect post write show view see display browse edit update change modify delete "
    "remove read search find look filter sort order group mark archive publish close complete finish "
    "approve reject cancel activate deactivate pin star favourite favorite lock block pause ship pay "
    "return reopen confirm accept resolve enable disable hide verify check tick export import download "
    "upload move transfer count total sum average calculate compute report limit restrict sign log belong "
    "reference link assign attach contain include consist comprise hold need build make develop implement "
    "write design generate provide offer convert switch toggle send email notify remind share borrow lend "
    "reserve book rate review comment attend enrol enroll rent hire place submit leave give schedule plan "
    "visit host own follow like vote subscribe buy purchase sell print scan sync integrate start stop "
    "open set get administer monitor unarchive unpublish capture enter note fetch retrieve output print "
    "drop go exceed fall hold identify recover reset restore deliver release feature watch complete sold "
    "retire suspend ban flag bookmark water summarise summarize plot chart visualise visualize print do run use "
    "want wish relate connect associate refer process operate serve query paginate validate protect "
    "authenticate authorise authorize describe detail"
)
IRREGULAR_VERBS = {
    "kept": "keep",
    "wrote": "write",
    "written": "write",
    "built": "build",
    "made": "make",
    "sent": "send",
    "held": "hold",
    "sold": "sell",
    "bought": "buy",
    "paid": "pay",
    "lent": "lend",
    "found": "find",
    "shown": "show",
    "seen": "see",
    "sought": "seek",
    "went": "go",
    "gone": "go",
    "fell": "fall",
    "fallen": "fall",
    "left": "leave",
    "gave": "give",
    "given": "give",
    "read": "read",
    "hidden": "hide",
    "got": "get",
    "ran": "run",
}


def _forms(base: str) -> set[str]:
    forms = {base, base + "s", base + "ing", base + "ed"}
    if base.endswith(("s", "x", "z", "ch", "sh", "o")):
        forms.add(base + "es")
    if base.endswith("e"):
        forms |= {base[:-1] + "ing", base + "d"}
    if base.endswith("y") and base[-2:-1] not in "aeiou":
        forms |= {base[:-1] + "ies", base[:-1] + "ied"}
    if len(base) >= 3 and base[-1] in "bdglmnprt" and base[-2] in "aeiou" and base[-3] not in "aeiou":
        forms |= {base + base[-1] + "ing", base + base[-1] + "ed"}
    return forms


_BASES: dict[str, str] = {form: base for base in reversed(VERBS) for form in _forms(base)} | IRREGULAR_VERBS


def verb(word: str) -> str:
    """The base form of a verb the rules know ("archived" -> "archive"), or "" for any other word."""
    return _BASES.get(word, "")


@lru_cache(maxsize=4096)
def singular(word: str) -> str:
    """The singular of a lower-case noun; a singular or mass noun is returned as it is."""
    if word in IRREGULAR:
        return IRREGULAR[word]
    if word in MASS or word in SINGULAR_S or len(word) < 4 or not word.endswith("s"):
        return word
    for ending, replacement in (
        ("ies", "y"),
        ("sses", "ss"),
        ("shes", "sh"),
        ("tches", "tch"),
        ("ches", "ch"),
        ("xes", "x"),
        ("zzes", "zz"),
        ("roes", "ro"),
        ("atoes", "ato"),
    ):
        if word.endswith(ending) and len(word) > len(ending) + 1:
            return word[: -len(ending)] + replacement
    if word.endswith(("ss", "us", "is")):
        return word
    return word[:-1]


@lru_cache(maxsize=4096)
def plural(word: str) -> str:
    """The plural of a lower-case singular noun; a mass noun becomes "<noun>_items" so that one and many differ."""
    if word in PLURALS:
        return PLURALS[word]
    if word in MASS:
        return "attendances" if word == "attendance" else f"{word}_items"
    if word.endswith("y") and word[-2:-1] not in "aeiou":
        return word[:-1] + "ies"
    if word.endswith(("s", "x", "z", "ch", "sh")) or word in {"hero", "potato", "tomato", "echo", "veto"}:
        return word + "es"
    return word + "s"


def is_plural(word: str) -> bool:
    """Whether a lower-case noun is a plural."""
    return singular(word) != word


def number(word: str) -> float | None:
    """The value of a number in figures ("1,000", "4.5") or words ("three"), or None."""
    if word in NUMBERS:
        return float(NUMBERS[word])
    try:
        return float(word.replace(",", "")) if word[:1].isdigit() else None
    except ValueError:
        return None


def is_deed(words: Sequence[str], place: int) -> bool:
    """Whether "teachers manage classes" has its verb at ``place``: a base form after a plural."""
    return place > 0 and verb(words[place]) == words[place] and is_plural(words[place - 1])


_PARTICIPLES = {base: form for form, base in IRREGULAR_VERBS.items()} | {"send": "sent", "take": "taken", "win": "won"}


def participle(base: str) -> str:
    """The past participle of a verb: receive -> received, pay -> paid."""
    if base in _PARTICIPLES:
        return _PARTICIPLES[base]
    if base.endswith("e"):
        return base + "d"
    return base[:-1] + "ied" if base.endswith("y") and base[-2:-1] not in "aeiou" else base + "ed"
