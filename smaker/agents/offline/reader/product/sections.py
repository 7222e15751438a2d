"""Read a static site: its sections in order, the switch between periods of prices, and its forms."""

from __future__ import annotations

from collections.abc import Sequence

from smaker.agents.offline.reader.draft import Draft
from smaker.agents.offline.reader.language.phrases import PhraseTable, low, noun_phrase
from smaker.agents.offline.reader.language.tokens import Item, Token
from smaker.agents.offline.reader.language.words import DETERMINERS, FLUFF, NEGATIONS, number, word_set
from smaker.agents.offline.reader.product.scope import find_unsupported
from smaker.agents.offline.reader.rules.reading import strip_adjectives

# Section -> the words that name it; the first profile's sections. Longer phrases are tried first.
_SECTIONS = {
    "hero": "hero section; hero banner; hero image; hero; headline; header; banner; intro; introduction; tagline",
    "features": "feature list; feature grid; features; benefits; advantages; selling points; why us",
    "pricing": """pricing table; pricing plans; pricing page; pricing cards; price list; price table; pricing; prices;
        plans; price plans; tariffs""",
    "testimonials": """testimonials; testimonial; customer quotes; quotes; reviews; customer reviews; customer voices;
        voices""",
    "gallery": """image gallery; photo gallery; menu gallery; gallery; photos; pictures; images; portfolio; projects;
        work samples; my work; works; showcase; case studies""",
    "about": "about us; about me; about section; about; biography; bio; our story; history; mission",
    "team": "team members; team; staff; teachers; trainers; instructors; doctors; people behind; founders; coaches",
    "contact": """contact form; contact us form; contact us; contact section; contact page; contact details; contact;
        get in touch; inquiry form; enquiry form; message form""",
    "newsletter": """
        newsletter signup form; newsletter sign up form; newsletter signup; newsletter sign up; newsletter
        form; newsletter subscription; newsletter; mailing list; email signup; email sign up; waitlist form;
        waitlist; waiting list""",
    "faq": "frequently asked questions; faq section; faqs; faq; questions and answers; common questions; q&a",
    "services": "services offered; services; our services; what we do; what i do; courses; classes",
    "steps": "how it works; steps; process",
    "cta": "call to action; call-to-action; cta; download button; buy button",
    "footer": "footer",
}
_TABLE = PhraseTable(
    (" ".join(phrase.split()), topic) for topic, text in _SECTIONS.items() for phrase in text.split(";")
)
_WORDS = frozenset(word for text in _SECTIONS.values() for word in text.replace(";", " ").split())
_PERIODS = word_set("monthly yearly annual annually month year annual/monthly")
_SWITCH = word_set("switch switches switched switching toggle toggles toggled toggling")
_AROUND = word_set(
    "section sections table form forms button buttons page pages block blocks card cards grid area part "
    "parts link links nav navigation navbar bar large big bold short friendly sticky our my us me some "
    "image images text list lists billing prices price plans plan tier tiers pricing between top bottom "
    "end beginning start introduces introducing showing shows show displays display describes describing "
    "explains explaining tells where visitors visitor people customers customer can could fill send write "
    "subscribe sign up signup email address name message subject fields field validated checked "
    "validation responsive accessible mobile first second third static html css javascript js landing "
    "website site business company startup product homepage one-page layout design style styles colours "
    "colors by per of it has have having build create make write design please"
)
_NOT_A_PAGE = word_set("( login signup sign log users accounts register dashboard")
_KEPT_SECTIONS = frozenset({"hero", "footer"})


def read_sections(draft: Draft, tokens: Sequence[Token]) -> None:
    """Find sections, toggles and forms; what asks for something no blueprint has goes to the draft's unsupported."""
    _read_subject(draft, tokens)
    index = 0
    while index < len(tokens):
        token = tokens[index]
        if token.at in draft.used:
            index += 1
            continue
        after = _section_at(draft, tokens, index)
        if after > index:
            index = after
            continue
        said = next(
            (place for place in range(index + 2, index + 5) if low(tokens, place) in {"say", "said", "think"}), 0
        )
        if token.low == "what" and said:
            draft.sections += ["testimonials"] if "testimonials" not in draft.sections else []
            draft.used.update(word.at for word in tokens[index : said + 1])
            index = said + 1
            continue
        if token.low in _SWITCH or (token.low in _PERIODS and _near_periods(tokens, index)):
            _toggle(draft, tokens, index)
        elif token.low in _AROUND or token.low in FLUFF or number(token.low) is not None:
            draft.used.add(token.at)
        index += 1
    _reject_unsupported(draft, tokens)
    if draft.toggles and "pricing" not in draft.sections:
        draft.sections.append("pricing")
    for topic in ("contact", "newsletter"):
        if topic in draft.sections and topic not in draft.forms:
            draft.forms.append(topic)


def is_page(tokens: Sequence[Token]) -> bool:
    """Whether the prompt lists sections of a page, and neither records nor accounts."""
    if _NOT_A_PAGE & {token.low for token in tokens}:
        return False
    named = (_TABLE.at(tokens, index) for index in range(len(tokens)))
    found = {entry[0] for entry in named if entry is not None}
    return len(found - {"services", "steps"}) >= 2


def frame_sections(draft: Draft) -> None:
    """Put a hero first and a footer last, as every page has them, and say so."""
    added = [topic for topic in ("hero", "footer") if topic not in draft.sections]
    middle = [topic for topic in draft.sections if topic not in _KEPT_SECTIONS]
    draft.sections = ["hero", *middle, "footer"]
    if added:
        draft.ask(f"Does the page begin and end in some other way? Taken: with a {' and a '.join(added)}.")


def _section_at(draft: Draft, tokens: Sequence[Token], index: int) -> int:
    found = _TABLE.at(tokens, index)
    if found is None:
        return index
    topic, after = found
    before = low(tokens, index - 1)
    if low(tokens, index) == "about" and before in {"section", "page", "information", "part", "something"}:
        draft.used.add(tokens[index].at)
        return index + 1
    if before in NEGATIONS:
        draft.used.update(token.at for token in tokens[index - 1 : after])
        return after
    of_hero = topic == "cta" and "hero" in draft.sections and low(tokens, index - 2) == "with"
    if topic not in draft.sections and not of_hero:
        draft.sections.append(topic)
    draft.used.update(token.at for token in tokens[index:after])
    return after


def _near_periods(tokens: Sequence[Token], index: int) -> bool:
    return any(low(tokens, near) in _PERIODS for near in range(max(0, index - 3), index + 4) if near != index)


def _toggle(draft: Draft, tokens: Sequence[Token], index: int) -> None:
    """Count the words of a switch between monthly and yearly prices as understood."""
    near = range(max(0, index - 8), min(len(tokens), index + 9))
    if not any(low(tokens, place) in _PERIODS for place in near):
        return
    if "pricing" not in draft.toggles:
        draft.toggles.append("pricing")
    for place in near:
        if low(tokens, place) in _PERIODS | _SWITCH | {"/", "and"}:
            draft.used.add(tokens[place].at)


def _read_subject(draft: Draft, tokens: Sequence[Token]) -> None:
    """Read "for a coffee roastery", whose page it is."""
    items: Sequence[Item] = tokens
    for index, token in enumerate(tokens[:40]):
        if token.low not in {"for", "about", "of"} or token.at in draft.used or draft.title:
            continue
        phrase, after = noun_phrase(items, index + 1)
        if token.low == "about" and (
            low(tokens, index + 1) in {"section", "page", "us", "me"} or low(tokens, index - 1) in {"an", "section"}
        ):
            continue
        if phrase is None or phrase.determiner not in DETERMINERS - {"the", "each", "every"} | {""}:
            continue
        words = strip_adjectives(phrase.words)
        if not any(word in _WORDS for word in words):
            draft.title = words
            draft.used.update(word.at for word in tokens[index:after])


def _reject_unsupported(draft: Draft, tokens: Sequence[Token]) -> None:
    piece: list[Token] = []
    for token in [*tokens, Token(".", ".", "mark")]:
        if token.kind == "mark" or token.low in {"and", "with"}:
            why = find_unsupported(piece)
            if why is not None:
                draft.reject(" ".join(word.text for word in piece), f"no blueprint has {why}")
                draft.used.update(word.at for word in piece)
            piece = []
        elif token.at not in draft.used:
            piece.append(token)
