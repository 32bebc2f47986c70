"""Hashes of other systems: what they published verifies, wrong passwords do not, bombs and stumps are refused."""

import hashlib
import json
from typing import Any

import bcrypt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from idp.domain.json import Json
from idp.factors.foreign_hashes.firebase import read_project
from idp.factors.foreign_hashes.formats import derive, read
from idp.factors.foreign_hashes.recipe import Recipe, Unverifiable
from tests.factors.foreign_hashes.hashes import (
    FIREBASE,
    FIREBASE_HASH,
    TEXTS,
    b64,
    keycloak,
    keycloak_argon2,
)

ARGON2 = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
SHA512 = (
    "$6$rounds={}$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1"
)
SCRYPT = "$scrypt$ln={},r={},p={}$TmFDbA$" + "A" * 43
DJANGO = "pbkdf2_sha256${}$seasalt$CWWFdHOWwPnki7HvkcqN9iA2T3KLW1cf2uZ5kvArtVY="


def fits(written: Json, password: str) -> bool:
    foreign = read(written, project=FIREBASE)
    return derive(foreign.recipe, password.encode()) == foreign.digest


@pytest.mark.parametrize(("written", "password"), TEXTS, ids=[text[:24] for text, _ in TEXTS])
def test_a_published_hash_fits_its_password_and_no_other(written: str, password: str) -> None:
    assert not fits(written, "x" + password)
    assert fits(written, password)


@pytest.mark.parametrize("algorithm", ["pbkdf2", "pbkdf2-sha256", "pbkdf2-sha512"])
@pytest.mark.parametrize("bits", [160, 256, 512])
@pytest.mark.parametrize("flat", [False, True])
def test_keycloaks_pbkdf2_fits_whatever_its_length(algorithm: str, bits: int, flat: bool) -> None:
    written = keycloak("tulips in the rain", algorithm=algorithm, bits=bits, flat=flat)

    assert not fits(written, "tulips in the sun")
    assert fits(written, "tulips in the rain")


def test_keycloaks_argon2_fits() -> None:
    assert not fits(keycloak_argon2(), "Password")
    assert fits(keycloak_argon2(), "password")


def test_firebases_sample_account_fits_and_the_signer_key_is_not_kept() -> None:
    foreign = read(FIREBASE_HASH, project=FIREBASE)

    assert not fits(FIREBASE_HASH, "user2password")
    assert fits(FIREBASE_HASH, "user1password")
    assert FIREBASE.signer_key not in (foreign.digest, foreign.recipe.salt)


def test_djangos_bcrypt_hashes_the_hexadecimal_digest() -> None:
    """As Django's BCryptSHA256PasswordHasher does, so that more than 72 bytes count."""
    password = "x" * 100
    made = bcrypt.hashpw(hashlib.sha256(password.encode()).hexdigest().encode(), bcrypt.gensalt(4)).decode()

    assert not fits(f"bcrypt_sha256${made}", "x" * 101)
    assert fits(f"bcrypt_sha256${made}", password)


def test_slack_bits_of_a_bcrypt_salt_do_not_matter() -> None:
    """Some writers fill the last character of the salt with bits that bcrypt never reads."""
    assert fits("$2a$05$CCCCCCCCCCCCCCCCCCCCC/E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U")


@pytest.mark.parametrize(
    "written",
    [
        "$2b$15$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$2b$31$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        ARGON2.replace("m=65536", "m=131073"),
        ARGON2.replace("m=65536", "m=4194304"),
        ARGON2.replace("t=2", "t=17"),
        ARGON2.replace("m=65536,t=2", "m=131072,t=5"),
        ARGON2.replace("p=1", "p=17"),
        SCRYPT.format(18, 8, 1),
        SCRYPT.format(30, 1, 1),
        SCRYPT.format(17, 8, 5),
        SCRYPT.format(2, 65, 1),
        SCRYPT.format(2, 1, 65),
        DJANGO.format(2_000_001),
        DJANGO.format(9_999_999_999),
        SHA512.format(700_001),
        SHA512.format(999_999_999),
        keycloak_argon2(memory="131073"),
        keycloak_argon2(parallelism="17"),
        keycloak("x", flat=True) | {"hashIterations": 2_000_001},
        keycloak("x", flat=True) | {"hashIterations": 10**400},
    ],
    ids=str,
)
def test_a_bomb_is_refused_with_its_number(written: Json) -> None:
    with pytest.raises(Unverifiable, match=" is not within "):
        read(written)


@pytest.mark.parametrize(
    "written",
    [
        SCRYPT.format(17, 8, 4), ARGON2.replace("m=65536,t=2", "m=131072,t=4"), DJANGO.format(2_000_000),
        SHA512.format(700_000), "$2b$14$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
    ],
)  # fmt: skip
def test_what_reaches_a_ceiling_is_taken(written: str) -> None:
    assert read(written)


@pytest.mark.parametrize(
    "written",
    [
        "", "x", "5f4dcc3b5aa765d61d8327deb882cf99", "{SSHA}8eweop0v7TNF+DE00ZsXByaL8bwiPC37", "plain text",
        "$1$oKnN0HHt$Aul2g/J4edgga3WE/03cN/", "$7$DU..../....2Q9obwLhin8qvQl6sisAO/$s",
        "$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOe",
        "$2b$03$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
        "$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW\n",
        "bcrypt_sha256$x", ARGON2.replace("v=19", "v=16"), ARGON2.replace("$v=19", ""), ARGON2.replace("id", "d"),
        ARGON2.replace("p=1", "p=1,keyid=x"), ARGON2.replace("c29tZXNhbHQ", "c29tZQ"), ARGON2[:-30], ARGON2 + "$x",
        ARGON2.replace("m=65536", "m=7"), ARGON2.replace("m=65536", "m=065536"), ARGON2.replace("p=1", "p=0"),
        "scrypt$16383$seasalt$8$1$" + "A" * 43, "scrypt$1$seasalt$8$1$" + "A" * 43, "scrypt$16384$seasalt$8$1$AAAA",
        SCRYPT.format(0, 8, 1), SCRYPT.format(10, 8, 0), SCRYPT.format(10, "8x", 1),
        DJANGO.format(0), DJANGO.format("1e6"), DJANGO.format("-1"), DJANGO.format(1).replace("seasalt", ""),
        "pbkdf2_sha256$1000$seasalt$QQ==", "pbkdf2_sha256$1000$seasalt$!!!!", "pbkdf2_md5$1000$seasalt$" + "A" * 43,
        SHA512.format(999), SHA512.format("05000"), SHA512.format(5000)[:-1],
        "$5$salt:string$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5", "$2" + "a" * 5000,
    ],
    ids=lambda text: text[:40],
)  # fmt: skip
def test_what_cannot_be_verified_is_refused_when_it_is_read(written: str) -> None:
    with pytest.raises(Unverifiable):
        read(written)


@pytest.mark.parametrize(
    "written",
    [
        None, 7, [], {}, {"algorithm": "pbkdf2"}, {"passwordHash": "AAAA", "salt": "AAAA"},
        keycloak("x", flat=True) | {"hashIterations": "1000"}, keycloak("x", flat=True) | {"hashIterations": True},
        keycloak("x", flat=True) | {"algorithm": "pbkdf2-md5"}, keycloak("x", flat=True) | {"algorithm": 1},
        keycloak("x", flat=True) | {"value": "AAAA"}, keycloak("x", flat=True) | {"salt": ""},
        keycloak("x", flat=True) | {"secret": "more"}, keycloak("x") | {"type": "otp"},
        keycloak("x") | {"secretData": "{"}, keycloak("x") | {"secretData": 1}, keycloak("x") | {"salt": "AAAA"},
        keycloak("x") | {"secretData": '{"value":"AAAA","value":"AAAA","salt":"AAAA"}'},
        keycloak_argon2(version="1.0"), keycloak_argon2(type="d"), keycloak_argon2(memory="x"),
        keycloak("x", flat=True) | {"algorithm": "argon2"},
        {"algorithm": "argon2", "hashIterations": 2, "salt": "AAAA", "value": "AAAA"},
    ],
)  # fmt: skip
def test_members_that_are_no_hash_are_refused(written: Json) -> None:
    with pytest.raises(Unverifiable):
        read(written)


@pytest.mark.parametrize(
    "changed", [{"passwordHash": b64(bytes(32))}, {"passwordHash": "!"}, {"salt": 1}, {"passwordHash": None}]
)
def test_a_firebase_account_that_does_not_belong_to_the_project_is_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(Unverifiable):
        read(FIREBASE_HASH | changed, project=FIREBASE)


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe("md5", (1,), b""), Recipe("bcrypt", (31,), b"C" * 21 + b"."), Recipe("bcrypt", (), b"C" * 21 + b"."),
        Recipe("bcrypt", (4,), b"short"), Recipe("pbkdf2-sha256", (2**40, 32), b"salt"),
        Recipe("pbkdf2-sha1", (1000, 64), b"salt"), Recipe("scrypt", (2**30, 8, 1, 32), b"salt"),
        Recipe("argon2id", (2**22, 3, 4, 32), b"somesalt"), Recipe("sha512-crypt", (10**9,), b"salt"),
    ],
    ids=str,
)  # fmt: skip
def test_ceilings_hold_before_every_use_too(recipe: Recipe) -> None:
    """Whoever can write to the database must not keep the pool busy with one row."""
    with pytest.raises(Unverifiable):
        derive(recipe, b"password")


@given(st.text(max_size=200) | st.sampled_from([text for text, _ in TEXTS]).flatmap(
    lambda text: st.integers(0, len(text) - 1).flatmap(
        lambda at: st.characters().map(lambda character: text[:at] + character + text[at + 1 :])
    )
))  # fmt: skip
def test_whatever_is_written_is_read_or_refused(written: str) -> None:
    refusal = ""
    try:
        foreign = read(written)
    except Unverifiable as error:
        refusal = str(error)
    else:
        assert len(foreign.digest) >= 16

    assert len(refusal) < 120


CONSOLE = """hash_config {
  algorithm: SCRYPT,
  base64_signer_key: jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA==,
  base64_salt_separator: Bw==,
  rounds: 8,
  mem_cost: 14,
}
"""


@pytest.mark.parametrize("text", [CONSOLE, CONSOLE.replace("\n", "\r\n"), "\n".join(CONSOLE.splitlines()[2:6])])
def test_a_projects_parameters_are_read_as_the_console_shows_them(text: str) -> None:
    assert read_project(text) == FIREBASE


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("SCRYPT", "BCRYPT"), ("rounds: 8,", ""), ("rounds", "turns"), ("rounds: 8", "rounds: 8 9"), ("8,", "65,"),
        ("14", "28"), ("rounds: 8,", "rounds: 8,\nrounds: 8,"), ("Bw==", "B"), ("mem_cost: 14", "mem_cost: x"),
    ],
)  # fmt: skip
def test_parameters_that_cannot_be_verified_with_are_refused(old: str, new: str) -> None:
    assert old in CONSOLE
    with pytest.raises(Unverifiable):
        read_project(CONSOLE.replace(old, new))


def test_a_refusal_says_nothing_of_the_hash() -> None:
    secret = "9wLhin8qvQl6sisAO"
    for written in (f"$2b$05${secret}", f"$argon2id${secret}", f"pbkdf2_sha256${secret}$x$y", f"$6${secret}", secret):
        with pytest.raises(Unverifiable) as refused:
            read(written)
        assert secret not in str(refused.value)


def test_what_is_shown_of_a_hash_hides_salt_and_digest() -> None:
    foreign = read(json.loads(json.dumps(FIREBASE_HASH)), project=FIREBASE)

    assert repr(foreign.digest) not in repr(foreign)
    assert repr(foreign.recipe.salt) not in repr(foreign)
    assert repr(FIREBASE.signer_key) not in repr(FIREBASE)
