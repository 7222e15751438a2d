"""What the product is: its kind, title and technology, topics and sections, and what no blueprint builds."""
