"""Agents whose work is done by language models: one loop, a prompt each, and checks that no words get past."""
