"""A private key is in its file alone: not in what the package raises, logs, returns or writes."""

import logging
import os
import subprocess
import traceback

import pytest
import varve
from installed import BUILD
from leaks import Secret, spoiled


@pytest.fixture
def key(tmp_path):
    path = tmp_path / "audit.key"
    subprocess.run([str(BUILD / "varve"), "keygen", str(path)], check=True, capture_output=True)
    return path


@pytest.fixture
def heard(tmp_path):
    """A lake whose log of all levels is kept, and that log."""
    said = []
    with varve.Lake(tmp_path / "lake", create=True, on_log=lambda *event: said.append(event)) as lake:
        lake.create("t", schema="k bigint not null, v string", key="k")
        lake.table("t").upsert([{"k": 1, "v": "a"}])
        yield lake, said


def calls(lake, key, folder):
    head = lake.seal("t")["head"]
    return {"seal": lambda: lake.seal("t", key),
            "seal of a table": lambda: lake.table("t").seal(key),
            "export": lambda: lake.export(folder / "x", key_file=key),
            "verify": lambda: lake.verify("t", head=head, signature="A" * 86 + "==", public_key=key)}


def check_error(secret, error):
    """In no way that an error is shown or kept."""
    told = ["".join(traceback.format_exception(error)), str(error), repr(error), repr(vars(error))]
    told += [repr(getattr(error, name)) for name in dir(error) if not name.startswith("__")]
    for text in told:
        secret.check("an error", text)


def check_all(secret, heard, caplog, tmp_path, but):
    lake, said = heard
    secret.check("the log", repr(said) + caplog.text)
    secret.check("the lake", repr(lake))
    assert secret.check_folder(tmp_path, but=[str(path) for path in but]) >= 4


def test_what_signs_tells_nothing_of_its_key(heard, key, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    secret = Secret(key.read_text())
    for name, call in calls(heard[0], key, tmp_path).items():
        if name == "verify":
            with pytest.raises(varve.UsageError, match="no public") as raised:
                call()
            check_error(secret, raised.value)
        else:
            secret.check(name, repr(call()))
    heard[0].table("t").upsert([{"k": 2, "v": "b"}])
    check_all(secret, heard, caplog, tmp_path, [key])


def test_what_is_wrong_with_a_key_is_told_without_it(heard, key, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    secret = Secret(key.read_text())
    files = [key]
    for how, text in spoiled(secret.pem).items():
        files.append(tmp_path / f"{how}.key")
        with open(os.open(files[-1], os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
    files.append(tmp_path / "open.key")
    files[-1].write_text(secret.pem)
    files[-1].chmod(0o644)
    given = [*files[1:], tmp_path, tmp_path / "none", secret.pem, secret.pem.replace("\n", " ")]
    for bad in given:
        for name, call in calls(heard[0], bad, tmp_path).items():
            with pytest.raises(varve.VarveError) as raised:
                call()
            check_error(secret, raised.value)
    check_all(secret, heard, caplog, tmp_path, files)
