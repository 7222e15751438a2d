"""The sandbox room: commands of generated projects run confined, by bubblewrap where it works.

``choose.choose_sandbox`` picks an implementation of ``core.ports.Sandbox``; nothing heavy is imported from here.
"""
