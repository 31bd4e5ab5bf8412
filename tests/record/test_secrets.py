"""A private key is in its file alone: not in what a command says, logs or writes, whatever is wrong with it."""

import os

import pytest
from leaks import Secret, body_of, spoiled

LOUD = ("--verbose",)


@pytest.fixture
def signed(varve, tmp_path):
    """A lake with a table, the file of a key beside it, and the key."""
    varve.ok("create", "t", "--schema", "k bigint not null, v string", "--key", "k")
    varve.upsert("t", "k,v\n1,a\n2,b\n")
    key = tmp_path / "audit.key"
    varve.ok(*LOUD, "keygen", key)
    return varve, key, Secret(key.read_text())


def commands(varve, key, folder):
    """All that take a key; and those that take a file for which a key may be mistaken."""
    head = varve.ok("seal", "t").split('"head":"')[1][:64]
    signature = "A" * 86 + "=="
    return {
        "seal": ("seal", "--key", key),
        "seal --json": ("seal", "t", "--json", "--key", key),
        "export": ("export", "--key", key, "-o", folder / "x"),
        "verify": ("verify", "t", "--head", head, "--signature", signature, "--public-key", key),
        "verify --json": ("verify", "t", "--json", "--head", head, "--signature", signature,
                          "--public-key", key),
        "keygen": ("keygen", key),
        "export --seals": ("export", "--seals", key, "-o", folder / "y"),
        "config": ("--config", key, "tables")}


def check(secret, varve, words, **options):
    """Exit status of a run of which nothing holds the key."""
    done = varve.run(*LOUD, *words, **options)
    secret.check(f"stdout of {words}", done.stdout)
    secret.check(f"stderr of {words}", done.stderr)
    assert done.stdout + done.stderr
    return done.returncode


def test_a_key_is_found_however_it_is_spelled(signed):
    _, key, secret = signed
    body = body_of(key.read_text())
    for said in (secret.pem, body[30:50], f"x{body[25:37]}", secret.pem.replace("\n", "\\n")):
        with pytest.raises(AssertionError, match="holds a part"):
            secret.check("it", said)
    secret.check("it", body[:22] + "MC4CAQAwBQYDK2VwBCIEI")  # what all keys begin with


def test_what_signs_tells_nothing_of_its_key(signed, tmp_path):
    varve, key, secret = signed
    for name, words in commands(varve, key, tmp_path).items():
        status = check(secret, varve, words)
        assert (status == 0) == (name in ("seal", "seal --json", "export")), name
    varve.ok(*LOUD, "update", "t", "--set", "v = 'c'", "--where", "k = 1", "--message", "signed")
    assert (tmp_path / "x/key.pub").exists()
    assert secret.check_folder(tmp_path, but=[str(key)]) > 10


@pytest.mark.parametrize("how", spoiled(f"-----BEGIN PRIVATE KEY-----\n{'AbCd' * 16}\n-----END PRIVATE KEY-----\n"))
def test_what_is_wrong_with_a_key_is_told_without_it(signed, tmp_path, how):
    varve, key, secret = signed
    bad = tmp_path / "bad.key"
    with open(os.open(bad, os.O_CREAT | os.O_WRONLY, 0o600), "wb") as file:
        file.write(spoiled(secret.pem)[how].encode())
    for name, words in commands(varve, bad, tmp_path).items():
        assert check(secret, varve, words) != 0, name
    assert secret.check_folder(tmp_path, but=[str(key), str(bad)]) >= 4


def test_how_a_key_is_kept_is_told_without_it(signed, tmp_path):
    varve, key, secret = signed
    for rights in (0o644, 0o640, 0o604):
        key.chmod(rights)
        for words in (("seal", "--key", key), ("export", "--key", key, "-o", tmp_path / "x")):
            assert check(secret, varve, words) == 2, words
    key.chmod(0)
    if os.geteuid() != 0:
        assert check(secret, varve, ("seal", "--key", key)) == 8
    key.chmod(0o600)
    for path in (tmp_path, tmp_path / "none", f"{key}/below"):
        assert check(secret, varve, ("seal", "--key", path)) != 0


def test_a_key_given_for_the_name_of_its_file_is_not_said(signed, tmp_path):
    """As by --key "$(cat audit.key)": an error is kept in logs that others read."""
    varve, key, secret = signed
    text = secret.pem.strip()
    for given in (text, text.replace("\n", " "), "\n" + text, secret.pem * 8):
        for name, words in commands(varve, given, tmp_path).items():
            if name == "keygen":  # which makes a file of the name that it is given, whatever that is
                continue
            status = check(secret, varve, words)
            assert status == 2 or (status and name.startswith(("export --seals", "config"))), name
    for given in (text, text.split("\n", 1)[1]):
        for words in (("seal", "t", given), ("seal", given), ("export", given, "-o", tmp_path / "z"),
                      ("verify", "t", f"--head={given}"), (f"--lake={given}", "tables"), ("seal", "t", f"--key={given}"),
                      ("--", given)):
            assert check(secret, varve, words), words
    assert secret.check_folder(tmp_path, but=[str(key)]) >= 4
