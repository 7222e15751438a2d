"""Where builds, events, the ledger and blobs are kept: SQLite in the home folder, Postgres for a team.

`smaker.store.sql.open_store` gives the whole store. `smaker.store.reader.Reader` only reads, starts in milliseconds and
loads no SQL library. Nothing is imported here, so that the second does not pay for the first.
"""
