"""What the records are: their fields, and how they are read and written."""
