"""The embedded default: a planner that reads prompts by rules, and a coder and a tester that render blueprints.

They need no model and no network, build what their blueprints know, and refuse, with the reason, what they do not.
"""
