"""What no blueprint builds, by the words that ask for it, and the refusals that follow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence

from smaker.agents.offline.reader.language.phrases import PhraseTable, low
from smaker.agents.offline.reader.language.tokens import Item

NEEDS_MODEL = "A model could write it: smaker config set llm.mode openai (or claude, local), then try again."
REPHRASE = (
    'Name the kind of product and its records with their fields, as in: "A REST API to track books (title, author, '
    'year)". A model reads freer prompts: smaker config set llm.mode openai (or claude, local).'
)
_GAME = "games"
_AI = "machine learning"
_LIVE = "real-time features"
_STREAM = "video and audio streaming"
_SCRAPE = "scraping and searching other sites"
_CLOUD = "infrastructure such as Kubernetes operators"
_DESKTOP = "desktop programs and browser extensions"

# Words that ask for something no blueprint has, wherever they stand outside the name of a field or record.
_ANYWHERE = {
    "payments, such as through Stripe": """
        stripe; paypal; credit card payments; card payments; payment gateway; payment processing; accept
        payments; online payment; online payments; take payments; process payments; checkout; dunning;
        metered usage; subscription billing""",
    _CLOUD: "kubernetes; k8s; terraform; helm chart; ci pipeline; load balancer; device driver; operating system",
    _AI: """machine learning; neural network; neural networks; deep learning; artificial intelligence; llm; gpt;
        chatgpt; openai; language model; ai; recommendation engine; recommends; recommend; recommendations;
        predict; predicts; prediction; predictions; classifier; classifies; classify; image recognition;
        face recognition; sentiment; train a model; embeddings; semantic search; voice recognition; speech;
        natural language""",
    "chat bots": "chatbot; chat bot; chatbots; chat bots; slack bot; discord bot; telegram bot; bot",
    _LIVE: """real time; realtime; real-time; websocket; websockets; live updates; live chat; collaborative
        editing; push updates; multiplayer; webrtc; video call; video calls""",
    _SCRAPE: "scrape; scrapes; scraping; scraper; crawl; crawls; crawler; crawling; search engine; price monitor",
    _STREAM: "video streaming; music streaming; audio streaming; livestream; live streaming; streaming platform",
    "mobile apps (Android, iOS)": """
        android; ios; iphone; ipad; mobile app; mobile application; react native; flutter; app store""",
    "sending messages (emails, SMS, reminders, notifications)": """
        send email; send emails; sends email; sends emails; send an email; send a reminder; send me a
        reminder; send reminders; sends reminders; email reminders; email reminder; email notifications;
        email notification; sms; text message; text messages; whatsapp; notify; notifies; notified;
        notification; notifications; push notification; push notifications; remind; reminds; reminded;
        reminder; reminders; alert me; alerts; by email; via email; confirmation email; confirmation emails""",
    "uploading and processing files and images": """
        upload; uploads; uploading; uploaded; file upload; image upload; resize; resized; thumbnail;
        thumbnails; ocr; image processing; video processing; transcode; transcription""",
    "roles and permissions, such as what only admins may do": """
        only admins; only admin; admin role; admin roles; admins; admin; administrators; administrator;
        roles and permissions; permissions; role based; role-based; access control; moderators; superuser""",
    "connections to other services": """
        google calendar; google maps; google sheets; slack; github integration; integrate with; integrates
        with; integration with; third party; third-party; webhook; webhooks; sync with; synced with; syncs
        with; twilio; mailchimp; salesforce; shopify; zapier; dropbox; aws; s3; weather forecast; stock
        prices; currency rates; exchange rates""",
    "charts, maps and drawings": """
        chart; charts; graph view; graphs; plot; plots; heatmap; map view; on a map; visualise; visualize;
        visualisation; visualization; kanban board; drag and drop; gantt; calendar view; diagram; diagrams""",
    "multi-tenant software": "multi tenant; multi-tenant; multitenant; multitenancy; saas",
    "work that runs by itself at set times": """
        cron; every hour; every minute; every night; every day; scheduled job; scheduled jobs; background
        job; background jobs; recurring job; automatically every""",
    _DESKTOP: """browser extension; chrome extension; firefox extension; desktop app; desktop application; electron;
        gui app; vs code extension; wordpress plugin; plugin for""",
    "login through other services, password recovery and two-factor login": """
        oauth; google login; login with google; log in with google; sign up with google; sign in with
        google; github login; social login; single sign on; single sign-on; sso; ldap; saml; two factor;
        two-factor; 2fa; magic link; magic links; password reset; reset their password; reset passwords;
        forgot password; forgotten password; email verification; verify their email""",
    "encryption, blockchains and cryptography": """
        blockchain; cryptocurrency; crypto wallet; nft; smart contract; end-to-end encryption; end to end
        encryption; encrypt; encrypts; encrypted; decrypt""",
    "other interfaces (GraphQL, gRPC, MQTT)": "graphql; grpc; mqtt; soap; kafka; rabbitmq",
    "undo and audit logs": "undo; audit log; audit trail; version history; change history; revision history",
    "several languages of the user interface": """
        multilingual; multi-language; multi language; translations; internationalization; localization;
        i18n; several languages""",
    "work without a network": "offline mode; offline support; works offline; work offline; progressive web app; pwa",
}
# Words that name the product itself as something no blueprint has.
_PRODUCT = {
    _GAME: """game; games; 2048; tetris; chess; snake; tic-tac-toe; tic tac toe; pong; minesweeper; hangman;
        platformer; puzzle; wordle; solitaire; poker; checkers; blackjack; roguelike; rpg""",
    "parsers and compilers": """
        parser; parsers; parse; parses; parsing; compiler; compile; interpreter; transpiler; lexer;
        tokenizer; linter; formatter; programming language; regex engine; markdown renderer; template
        engine; syntax highlighter""",
    "algorithms and simulations": """
        algorithm; algorithms; solver; simulation; simulator; simulate; quicksort; mergesort; dijkstra;
        fibonacci; prime numbers; matrix; graph library; shortest path; binary tree; hash table; data
        structure; data structures; calculator; optimizer; encoder; compression; ray tracer; numerical;
        statistics library; physics engine""",
    _AI: "model that; neural",
    "programs that do something else than keep records": """
        timer; stopwatch; clock; generator; shortener; downloader; player; viewer; translator; checker;
        validator; minifier; renamer; forecast; weather; clone; converter; benchmark; quiz; screenshot;
        password manager; file manager; backup tool""",
    _STREAM: "streaming; video player; music player; netflix; spotify; youtube",
    _LIVE: "chat app; chat application; messenger; text editor; whiteboard; editor",
    _CLOUD: """operator; database engine; web server; proxy; file system; emulator; virtual machine; container
        runtime; network scanner""",
    _DESKTOP: "desktop; extension; plugin; screensaver; photo editor; image editor",
}


def _phrases(table: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    return ((" ".join(phrase.split()), label) for label, text in table.items() for phrase in text.split(";"))


_WORDS = PhraseTable(_phrases(_ANYWHERE))
_NAMES = PhraseTable(_phrases(_PRODUCT))


def name_unsupported(items: Sequence[Item]) -> str | None:
    """All that no blueprint builds among the words that name a product, joined, or None."""
    found = [_NAMES.at(items, index) for index in range(len(items))]
    found += [_WORDS.at(items, index) for index in range(len(items))]
    return "; ".join(dict.fromkeys(entry[0] for entry in found if entry is not None)) or None


def find_unsupported(items: Sequence[Item], known: Callable[[str], bool] = lambda _: False) -> str | None:
    """What no blueprint builds among the words of ``items``, in plain words, or None.

    A word that is ``known`` as the name of a record asks for nothing.
    """
    for index in range(len(items)):
        found = _WORDS.at(items, index)
        if found is not None and not (found[1] == index + 1 and known(low(items, index))):
            return found[0]
    return None
