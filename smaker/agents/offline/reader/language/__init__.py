"""The prompt as text: cleaned, split into words, groups, lines and clauses; noun phrases, ranges and word forms."""
