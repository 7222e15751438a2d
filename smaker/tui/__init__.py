"""The terminal app: screens over `smaker.core.control.Control`, made for watching and steering several builds.

It is handed what it drives (`services`), follows it (`feed`), and shows text of others through one door (`literal`).
"""
