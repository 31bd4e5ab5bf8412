"""Whether something that was said or written holds a part of a private key, in whatever way it is spelled."""

import base64
import os

SEED_BYTES = 32  # the secret of an Ed25519 key: the end of what its PEM holds


def body_of(pem):
    return "".join(line for line in pem.splitlines() if "-----" not in line)


class Secret:
    """A third of the key is too much: looked for are pieces of it that no chance makes."""

    def __init__(self, pem):
        body = body_of(pem)
        whole = base64.b64decode(body)
        seed = whole[-SEED_BYTES:]
        texts = [(body[-(SEED_BYTES // 3 * 4):], 12), (seed.hex(), 16), (seed.hex().upper(), 16)]
        # In base64 the same bytes look otherwise by where they begin.
        texts += [(base64.b64encode(bytes(skip) + seed).decode()[4:], 12) for skip in range(3)]
        texts += [(text.translate(str.maketrans("+/", "-_")), size) for text, size in texts]
        self.pieces = {text[at:at + size].encode() for text, size in texts
                       for at in range(len(text.rstrip("=")) - size + 1)}
        self.pieces |= {seed[at:at + 8] for at in range(SEED_BYTES - 7)}
        self.pem = pem

    def check(self, what, said):
        """That a text or bytes hold nothing of it."""
        said = said.encode(errors="surrogateescape") if isinstance(said, str) else said
        found = [piece for piece in self.pieces if piece in said]
        assert not found, f"{what} holds a part of the key: {said[:2000]!r}"

    def check_folder(self, folder, but=()):
        """Names and contents; how many files that were."""
        count = 0
        for place, folders, names in os.walk(folder):
            for name in folders + names:
                self.check(place, name)
            for name in names:
                path = os.path.join(place, name)
                if path not in but:
                    count += 1
                    with open(path, "rb") as file:
                        self.check(path, file.read())
        return count


def spoiled(pem):
    """Files that are no key, or not one that is wanted, and hold most of one; by what is wrong with them."""
    lines = pem.splitlines()
    body = body_of(pem)
    return {
        "damaged": pem.replace(body[20:24], "A*!A"),
        "cut": pem[:-40],
        "without_its_end": "\n".join(lines[:-1]),
        "body": body + "\n",
        "public": pem.replace("PRIVATE", "PUBLIC"),
        "of_another_kind": pem.replace("PRIVATE", "RSA PRIVATE"),
        "long": pem * 40,
        "zeros": pem.replace("\n", "\0"),
        "line": pem.replace("\n", " ")}
