"""What is usual where a prompt does not say: the fields of common records, and the records of common products."""

from __future__ import annotations

# What a record has when nothing was said of it: by its last word.
USUAL_FIELDS: dict[str, tuple[str, ...]] = {
    "note": ("title", "body"),
    "memo": ("title", "body"),
    "page": ("title", "body"),
    "post": ("title", "body"),
    "article": ("title", "body"),
    "entry": ("date", "body"),
    "task": ("title", "done"),
    "todo": ("title", "done"),
    "chore": ("title", "done"),
    "comment": ("text",),
    "message": ("text",),
    "review": ("text", "rating"),
    "expense": ("amount", "category", "date", "note"),
    "bookmark": ("url", "title"),
    "link": ("url", "title"),
    "contact": ("name", "email", "phone"),
    "event": ("title", "date", "location"),
    "book": ("title", "author", "year"),
    "movie": ("title", "year"),
    "film": ("title", "year"),
    "song": ("title", "artist"),
    "recipe": ("title", "ingredients", "instructions"),
    "workout": ("date", "exercise", "duration"),
    "invoice": ("number", "amount", "due_date"),
    "product": ("name", "price"),
    "customer": ("name", "email"),
    "user": ("name", "email"),
    "ticket": ("title", "description", "status"),
    "issue": ("title", "description", "status"),
    "appointment": ("title", "starts_at"),
    "booking": ("name", "date"),
    "loan": ("borrower", "due_date"),
    "order": ("customer_name", "total"),
}
# What a product keeps that is named for something else.
_TITLE_RECORDS = {
    "diary": "entry",
    "journal": "entry",
    "blog": "post",
    "address": "contact",
    "library": "book",
    "inventory": "item",
    "shopping": "item",
    "grocery": "item",
    "wish": "item",
    "guestbook": "entry",
    "wiki": "page",
    "calendar": "event",
    "budget": "expense",
    "watchlist": "movie",
    "reading": "book",
    "cookbook": "recipe",
    "shop": "product",
    "store": "product",
    "crm": "customer",
    "spending": "expense",
    "finance": "expense",
    "finances": "expense",
}


def record_of_title(title: tuple[str, ...]) -> tuple[str, ...]:
    """What a product with this title keeps: a diary has entries, a habit tracker habits."""
    return next(((_TITLE_RECORDS[word],) for word in title if word in _TITLE_RECORDS), title)
