"""The web agent: tries finished software with pages in a real browser, before its user does."""
