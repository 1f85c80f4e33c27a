"""Authorisation keys, kept on disk: a client's session file outlives a restart of the server."""

import json
import secrets
from dataclasses import asdict, dataclass
from hashlib import sha1
from pathlib import Path
from typing import Any


@dataclass
class AuthKey:
    """One client's key, who logged in with it, and the salt it must use now."""

    key: bytes
    salt: int
    user_id: int | None = None
    initialised: bool = False  # has called invokeWithLayer(initConnection(...))

    def __post_init__(self) -> None:
        self.id = key_id(self.key)


def key_id(key: bytes) -> bytes:
    return sha1(key).digest()[-8:]


class AuthKeys:
    def __init__(self, directory: Path) -> None:
        self._path = directory / "auth_keys.json"
        self._keys: dict[bytes, AuthKey] = {}
        if self._path.exists():
            for item in json.loads(self._path.read_text()):
                self._keep(AuthKey(**(item | {"key": bytes.fromhex(item["key"])})))

    def get(self, identifier: bytes) -> AuthKey | None:
        return self._keys.get(identifier)

    def add(self, key: bytes, salt: int) -> AuthKey:
        auth = AuthKey(key, salt)
        self._keep(auth)
        self.save()
        return auth

    def forget_all(self) -> None:
        self._keys.clear()
        self.save()

    def rotate_salts(self) -> None:
        for auth in self._keys.values():
            auth.salt = secrets.randbits(63)
        self.save()

    def save(self) -> None:
        items: list[dict[str, Any]] = [
            asdict(auth) | {"key": auth.key.hex()} for auth in self._keys.values()
        ]
        new = self._path.with_suffix(".new")
        new.touch(mode=0o600)
        new.write_text(json.dumps(items))
        new.replace(self._path)

    def _keep(self, auth: AuthKey) -> None:
        self._keys[auth.id] = auth
