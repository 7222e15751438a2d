"""What every part of the service stands on: settings, the database, errors, paging and the types of fields."""
