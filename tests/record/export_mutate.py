"""Mutations of the files of an export: the steps of its index and audit_check.py find each.

    export_mutate.py PROGRAM    every file in every way; prints "N passed, N failed"
"""

import html
import json
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import audit_check  # noqa: E402
import conftest  # noqa: E402
import lakes  # noqa: E402

WAYS = ("flip", "cut", "remove", "add")


def steps_of(folder):
    text = (folder / "index.html").read_text()
    return [html.unescape(step) for step in re.findall(r"<pre>(.*?)</pre>", text, re.S)]


def follow(folder, steps=None):
    """What the steps of the index print, in one shell, as an auditor would type them."""
    script = "\n".join(steps if steps is not None else steps_of(folder))
    done = subprocess.run(["sh", "-c", script], cwd=folder, capture_output=True, text=True,
                          check=False, timeout=60)
    return done.stdout + done.stderr


def build(varve, folder):
    """Tables with histories of every kind, a key, and in `made` an export of all of them; what was
    printed of it."""
    for kind in ("plain", "mixed", "cleaned"):
        lakes.build(varve, kind)
    lakes.create(varve, "marked", "--property", "delta.enableDeletionVectors=true")
    for seed in range(3):
        lakes.put(varve, "marked", seed)
    varve.ok("delete", "marked", "--where", "price < 50")
    varve.ok("keygen", folder / "key")
    (folder / "noted").write_text(varve.ok("seal"))
    for seed in (20, 21):
        lakes.put(varve, "plain", seed)
    return json.loads(varve.ok("export", "-o", folder / "made", "--key", folder / "key", "--seals",
                               folder / "noted", "--json"))


def files_of(made):
    return sorted(path.relative_to(made) for path in made.rglob("*") if path.is_file())


def kind_of(path):
    """Files of one kind are alike to whoever checks them."""
    return str(path) if len(path.parts) == 1 else \
        path.parts[1] if len(path.parts) > 2 else path.name


def alter(chance, path, how):
    data = bytearray(path.read_bytes())
    if how == "remove" or not data:
        path.unlink()
    elif how == "add":
        path.with_name("more").write_bytes(bytes(data))
    elif how == "flip":
        data[chance.randrange(len(data))] ^= 1 << chance.randrange(7)
        path.write_bytes(bytes(data))
    else:
        path.write_bytes(bytes(data[:chance.randrange(len(data))]))


def missed(made, sha256, changes, chance):
    """Yields, for each (path, how), which checks did not find that."""
    steps = steps_of(made)[:4]
    good = follow(made, steps)
    copy = made.with_name("copy")
    for path, how in changes:
        shutil.copytree(made, copy)
        alter(chance, copy / path, how)
        said = []
        if follow(copy, steps) == good:
            said.append("steps")
        # The checker looks at no signature; an added file it finds, whatever lies beside it.
        if (path.name != "SHA256SUMS.sig" or how == "add") and \
                not audit_check.check_export(copy, sha256):
            said.append("checker")
        yield path, how, said
        shutil.rmtree(copy)


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        done = build(conftest.Varve(pathlib.Path(sys.argv[1]).resolve(), folder / "lake"), folder)
        changes = [(path, how) for path in files_of(folder / "made") for how in WAYS]
        counts = [0, 0]
        for path, how, said in missed(folder / "made", done["sha256"], changes, random.Random(1)):
            counts[bool(said)] += 1
            if said:
                print(f"{path}: {how}: not found by {', '.join(said)}")
    print(f"{counts[0]} passed, {counts[1]} failed")
    return 1 if counts[1] else 0


if __name__ == "__main__":
    sys.exit(main())
