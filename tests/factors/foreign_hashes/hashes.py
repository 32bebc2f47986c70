"""Hashes that others published, each with its password; where they come from stands above each group."""

import base64
import hashlib
import json
from typing import Any

from idp.domain.json import Json
from idp.factors.foreign_hashes.firebase import FirebaseProject


def b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


# The sample project and account of Firebase's own command-line tool for its variant of scrypt.
FIREBASE = FirebaseProject(
    base64.b64decode("jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA=="),
    base64.b64decode("Bw=="), 8, 14,
)  # fmt: skip
FIREBASE_HASH = {
    "passwordHash": "lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==",
    "salt": "42xEC+ixf3L2lw==",
}

_LONGER = "a very much longer text to encrypt.  This one even stretches over morethan one line."
TEXTS: list[tuple[str, str]] = [
    # bcrypt: the self-tests of Openwall's crypt_blowfish; the last password is longer than bcrypt reads.
    ("$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"),
    ("$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK", "U*U*"),
    ("$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a", "U*U*U"),
    (
        "$2a$05$abcdefghijklmnopqrstuu5s2v8.iXieOjg/.AySBTTZIIVFJeBui",
        "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789chars after 72 are ignored",
    ),
    ("$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"),
    ("bcrypt$$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U"),
    # Argon2: the tests of the reference implementation.
    ("$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA", "password"),
    ("$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", "password"),
    ("argon2$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc", "password"),
    # PBKDF2: the tests of Django 1.5, whose algorithm is today's.
    ("pbkdf2_sha256$10000$seasalt$CWWFdHOWwPnki7HvkcqN9iA2T3KLW1cf2uZ5kvArtVY=", "lètmein"),
    ("pbkdf2_sha1$10000$seasalt$oAfF6vgs95ncksAhGXOWf4Okq7o=", "lètmein"),
    # scrypt: Django 4.0 and 5.1.
    (
        "scrypt$16384$seasalt$8$1$Qj3+9PPyRjSJIebHnG81TMjsqtaIGxNQG/aEB/NYafTJ7tibgfYz71m0ldQESkXFRkdVCBhhY8mx7rQw"
        "ite/Pw==",
        "lètmein",
    ),
    (
        "scrypt$16384$seasalt$8$5$ECMIUp+LMxMSK8xB/IVyba+KYGTI7FTnet025q/1f/vBAVnnP3hdYqJuRi+mJn6ji6ze3Fbb7JEFPKGp"
        "uEf5vw==",
        "lètmein",
    ),
    # scrypt: RFC 7914 §12, the second and the third vector.
    (
        "$scrypt$ln=10,r=8,p=16$TmFDbA$" + b64(bytes.fromhex(
            "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"
            "2eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640"
        )).rstrip("="),
        "password",
    ),
    (
        "$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU$" + b64(bytes.fromhex(
            "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
            "d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887"
        )).rstrip("="),
        "pleaseletmein",
    ),
    # SHA-crypt: the specification's own test vectors.
    ("$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5", "Hello world!"),
    ("$5$rounds=10000$saltstringsaltst$3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA", "Hello world!"),
    ("$5$rounds=5000$toolongsaltstrin$Un/5jzAHMgOGZ5.mWJpuVolil07guHPvOW8mGRcvxa5", "This is just a test"),
    ("$5$rounds=1400$anotherlongsalts$Rx.j8H.h8HjEDGomFU8bDkXm3XIUnzyxf12oP84Bnq1", _LONGER),
    (
        "$5$rounds=77777$short$JiO1O3ZpDAxGJeaDIuqCoEFysAe1mZNJRs3pw0KQRd/",
        "we have a short salt string but not a short password",
    ),
    ("$5$rounds=1000$roundstoolow$yfvwcWrQ8l/K0DAWyuPMDNHpIVlTQebY9l/gL972bIC", "the minimum number is still observed"),
    (
        "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJu"
        "esI68u4OTLiBFdcbYEdFCoEOfaS35inz1",
        "Hello world!",
    ),
    (
        "$6$rounds=1400$anotherlongsalts$POfYwTEok97VWcjxIiSOjiykti.o/pQs.wPvMxQ6Fm7I6IoYN3CmLs66x9t0oSwbtEW7o7UmJEi"
        "DwGqd8p4ur1",
        _LONGER,
    ),
    (
        "$6$rounds=77777$short$WuQyW2YR.hBNpjjRhpYD/ifIw05xdfeEyQoMxIXbkvr0gge1a1x3yRULJ5CCaUeOxFmtlcGZelFl5CxtgfiAc0",
        "we have a short salt string but not a short password",
    ),
    (
        "$6$rounds=1000$roundstoolow$kUMsbe306n21p9R.FRkW3IGn.S9NPN0x50YhH1xhLsPuWGsUSklZt58jaTfF4ZEQpyUNGc0dqbpBYYB"
        "aHHrsX.",
        "the minimum number is still observed",
    ),
]  # fmt: skip


def keycloak(password: str, *, algorithm: str = "pbkdf2-sha256", bits: int = 512, flat: bool = False) -> dict[str, Any]:
    """Return a credential as Keycloak's password hash providers make it: PBKDF2 of `bits`, both parts JSON texts."""
    digest, salt = algorithm.partition("-")[2] or "sha1", b"sixteen bytes it"
    value = hashlib.pbkdf2_hmac(digest, password.encode(), salt, 1000, bits // 8)
    secret = {"value": b64(value), "salt": b64(salt), "additionalParameters": {}}
    public = {"hashIterations": 1000, "algorithm": algorithm, "additionalParameters": {}}
    if flat:
        return secret | public
    return {
        "id": "6f1b1c9e-2f3a-4d5b-8c7d-9e0f1a2b3c4d", "type": "password", "createdDate": 1611230538676,
        "secretData": json.dumps(secret), "credentialData": json.dumps(public),
    }  # fmt: skip


def keycloak_argon2(**parameters: str) -> dict[str, Any]:
    """Return the reference implementation's hash of `password` the way Keycloak writes its Argon2 credentials."""
    given = {"hashLength": "32", "memory": "65536", "type": "id", "version": "1.3", "parallelism": "1"} | parameters
    listed: dict[str, Json] = {name: [value] for name, value in given.items()}
    value = "CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc="
    public = {"hashIterations": 2, "algorithm": "argon2", "additionalParameters": listed}
    secret = {"value": value, "salt": b64(b"somesalt"), "additionalParameters": {}}
    return {"type": "password", "secretData": json.dumps(secret), "credentialData": json.dumps(public)}
