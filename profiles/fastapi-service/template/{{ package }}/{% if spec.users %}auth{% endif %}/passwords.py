"""Password hashes: scrypt with the cost that OWASP advises, and a salt of its own for each."""

import base64
import hashlib
import hmac
import secrets

COST, BLOCK_SIZE, PARALLEL = 2**14, 8, 5


def hash_password(password: str) -> str:
    """Return "scrypt$cost$block$parallel$salt$key", all that `verify_password` needs."""
    salt = secrets.token_bytes(16)
    key = _derive(password, salt, COST, BLOCK_SIZE, PARALLEL)
    return "$".join(["scrypt", str(COST), str(BLOCK_SIZE), str(PARALLEL), _text(salt), _text(key)])


def verify_password(password: str, hashed: str) -> bool:
    """Whether ``password`` is the one that was hashed; takes as long whether it is or not."""
    _, cost, block_size, parallel, salt, key = hashed.split("$")
    derived = _derive(password, base64.b64decode(salt), int(cost), int(block_size), int(parallel))
    return hmac.compare_digest(derived, base64.b64decode(key))


def _derive(password: str, salt: bytes, cost: int, block_size: int, parallel: int) -> bytes:
    return hashlib.scrypt(
        password.encode(), salt=salt, n=cost, r=block_size, p=parallel, maxmem=256 * cost * block_size, dklen=32
    )


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
