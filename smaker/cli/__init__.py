"""The command line: verbs over a `Control`. The body of a verb imports what it needs, so that every start is quick."""
