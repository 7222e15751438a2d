"""What a user is told when something cannot be done, and the exit code that goes with it."""


class UserError(Exception):
    """One sentence for the user; the program ends with ``exit_code``."""

    exit_code = 1


class InvalidInputError(UserError):
    """A value, option or file is not what it should be."""

    exit_code = 2


class RefusedError(UserError):
    """The input is fine, but the records do not allow it."""
