"""Deploy targets: where finished software runs so that its user can reach it."""
