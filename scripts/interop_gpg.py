"""Compares linkwright with in-toto 3.1.0 where people sign with OpenPGP keys, by the real gpg.

    interop_gpg.py LINKWRIGHT

Runs in the venv that `scripts/interop` makes. The reference signs links and layouts with gpg; both tools
verify them, accept what is sound, and refuse what was changed, what somebody else has signed, and what an expired
key has signed. linkwright verifies such signatures and makes none. Every check prints a line; the exit
status is 0 when all passed.
"""

import copy
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

from in_toto.models.layout import Layout
from in_toto.models.metadata import Metablock
from securesystemslib._gpg.functions import export_pubkey

from peers import check, must, run, total

OURS = Path(sys.argv[1]).resolve()
REFERENCE = Path(sys.executable).parent
# What gpg is asked for: the main key, and a subkey to sign with if there is one.
KINDS = {
    "rsa": ("rsa2048", None),
    "dsa": ("dsa2048", None),
    "ed25519": ("ed25519", None),
    "rsa with an RSA subkey": ("rsa2048", "rsa3072"),
    "ed25519 with a subkey": ("ed25519", "ed25519"),
    "rsa with an ed25519 subkey": ("rsa2048", "ed25519"),
    "dsa with an RSA subkey": ("dsa2048", "rsa2048"),
}

# What the reference cannot do, and what it says then: it leaves ed25519 subkeys out of what it exports,
# and takes the main key for the kind of its subkeys. Should it learn it, a check asks for it.
BEYOND_THE_REFERENCE = {
    "ed25519 with a subkey": "No signature found for key",
    "rsa with an ed25519 subkey": "No signature found for key",
    "dsa with an RSA subkey": "KeyError: 'y'",
}


# --- keys ------------------------------------------------------------------


class Ring:
    """A folder of gpg, perhaps in another time."""

    def __init__(self, folder, time=None):
        # The path of the agent's socket may not be long.
        self.home = Path(folder)
        self.home.mkdir(mode=0o700)
        self.at(time)

    def at(self, time):
        """Lets gpg take this for now."""
        conf = self.home / "gpg.conf"
        conf.write_text("faked-system-time %s\n" % time if time else "")

    def gpg(self, *words):
        return must(
            "gpg", "--homedir", self.home, "--batch", "--yes", "--pinentry-mode", "loopback",
            "--passphrase", "", *words, cwd=self.home,
        ).stdout  # fmt: skip

    def close(self):
        run("gpgconf", "--homedir", self.home, "--kill", "all", cwd=self.home)


class Person:
    """A key of a ring, and its exported public half."""

    def __init__(self, ring, name, kind, expires="never", subkey_expires="never"):
        main, subkey = kind
        self.ring = ring
        ring.gpg("--quick-gen-key", name, main, "sign,cert", expires)
        self.main = self.fingerprints(name)[0]
        if subkey:
            ring.gpg("--quick-add-key", self.main, subkey, "sign", subkey_expires)
        # The last one, as gpg would choose it.
        self.signs_with = self.fingerprints(name)[-1]
        self.export(name)

    def fingerprints(self, name):
        listed = self.ring.gpg("--list-keys", "--with-colons", "=" + name).splitlines()
        return [line.split(":")[9] for line in listed if line.startswith("fpr:")]

    def export(self, name):
        self.exported = self.ring.home / (name.replace(" ", "-") + ".asc")
        self.ring.gpg("--armor", "--export", "-o", self.exported, self.main)
        self.object = export_pubkey(self.main, homedir=str(self.ring.home))
        shown = must(OURS, "key", "show", "--json", self.exported, cwd=self.ring.home)
        self.own_object = json.loads(shown.stdout)

    @property
    def keyid(self):
        return self.object["keyid"]


# --- metadata --------------------------------------------------------------


def payload_for(person):
    # Its subkeys, too, which the reference may leave out.
    return {
        "_type": "layout",
        "expires": "2099-12-31T23:59:59Z",
        "readme": "",
        "keys": {person.keyid: person.own_object},
        "steps": [
            {
                "_type": "step",
                "name": "write",
                "threshold": 1,
                "pubkeys": [person.keyid],
                "expected_command": ["sh", "-c", "echo text >a.txt"],
                "expected_materials": [["DISALLOW", "*"]],
                "expected_products": [["CREATE", "a.txt"], ["DISALLOW", "*"]],
            }
        ],
        "inspect": [],
    }


class Chain:
    """A layout and a link, signed by the reference with gpg."""

    def __init__(self, folder, owner):
        self.folder, self.owner = Path(folder), owner
        self.layout, self.links = self.folder / "root.layout", self.folder / "links"

    @classmethod
    def make(cls, folder, owner, functionary, signer=None):
        """`signer` makes the link, if it is another than the layout asks for."""
        chain, signer = cls(folder, owner), signer or functionary
        chain.links.mkdir(parents=True)
        layout = Layout.read(copy.deepcopy(payload_for(functionary)))
        Metablock(signed=layout).dump(str(chain.layout))
        must(
            REFERENCE / "in-toto-sign", "-f", chain.layout, "-g", owner.signs_with,
            "--gpg-home", owner.ring.home, cwd=chain.folder,
        )  # fmt: skip
        must(
            REFERENCE / "in-toto-run", "-n", "write", "-g", signer.signs_with, "--gpg-home",
            signer.ring.home, "-d", chain.links, "-p", "a.txt", "--", "sh", "-c",
            "echo text >a.txt", cwd=chain.folder,
        )  # fmt: skip
        return chain

    def link(self):
        (path,) = self.links.glob("write.*.link")
        return path

    def changed(self, name, change, link):
        """A copy in which the layout or the link was changed after it was signed."""
        other = Chain(str(self.folder) + " " + name, self.owner)
        shutil.copytree(self.folder, other.folder)
        path = other.link() if link else other.layout
        document = json.loads(path.read_text())
        change(document)
        path.write_text(json.dumps(document))
        return other

    def verify(self, theirs):
        with tempfile.TemporaryDirectory() as clean:
            if theirs:
                return run(
                    REFERENCE / "in-toto-verify", "-l", self.layout, "--link-dir", self.links,
                    "--gpg", self.owner.main, "--gpg-home", self.owner.ring.home, cwd=clean,
                )  # fmt: skip
            return run(
                OURS, "verify", "-l", self.layout, "--link-dir", self.links,
                "--gpg-key", self.owner.exported, cwd=clean,
            )  # fmt: skip


def check_both(name, chain, passes, says="", beyond=""):
    """`says` is in our answer; `beyond` in the reference's, where it cannot do what ours can."""
    done = chain.verify(theirs=False)
    good = done.returncode == (0 if passes else 1) and says in done.stdout
    check("%s: %s by ours" % (name, "accepted" if passes else "refused"), good, done.stdout)
    done = chain.verify(theirs=True)
    passes = passes and not beyond
    good = done.returncode == (0 if passes else 1) and beyond in done.stdout
    verdict = "beyond theirs" if beyond else "%s by theirs" % ("accepted" if passes else "refused")
    check("%s: %s" % (name, verdict), good, done.stdout)


# --- the groups ------------------------------------------------------------


def of_kind(top, ring, kind, stranger):
    owner = Person(ring, "owner " + kind, KINDS[kind])
    functionary = Person(ring, "functionary " + kind, KINDS[kind])
    chain = Chain.make(Path(top, kind), owner, functionary)
    check_both(kind, chain, True, beyond=BEYOND_THE_REFERENCE.get(kind, ""))
    known = copy.deepcopy(functionary.own_object)
    for keyid in set(known.get("subkeys", {})) - set(functionary.object.get("subkeys", {})):
        del known["subkeys"][keyid]
    known, theirs = ({"subkeys": {}, **it} for it in (known, functionary.object))
    check("%s: the key object is theirs" % kind, known == theirs, "%s\n%s" % (known, theirs))
    used = json.loads(chain.link().read_text())["signatures"][0]["keyid"]
    right = used == functionary.signs_with.lower()
    check("%s: the link is signed by the key that was meant" % kind, right, used)

    def command(document):
        document["signed"]["command"] = ["other"]

    def threshold(document):
        document["signed"]["readme"] = "changed"

    def hashed(document):
        # The time of the signature, among what is signed with it.
        headers = document["signatures"][0]["other_headers"]
        document["signatures"][0]["other_headers"] = headers[:-1] + "%x" % (
            int(headers[-1], 16) ^ 1
        )

    check_both(kind + ", changed link", chain.changed("link", command, True), False)
    check_both(kind + ", changed layout", chain.changed("layout", threshold, False), False)
    check_both(kind + ", changed signature", chain.changed("signature", hashed, True), False)
    other = Chain.make(Path(top, kind + " stranger"), owner, functionary, stranger)
    check_both(kind + ", link of a stranger", other, False)
    chain.owner = stranger
    check_both(kind + ", layout of another owner", chain, False)


def expired(top, past, now):
    """Keys that were good in 2020, and what they signed then."""
    gone = Person(past, "gone", ("rsa2048", None), expires="1y")
    lasting = Person(past, "lasting", ("rsa2048", None))
    half = Person(past, "half", ("rsa2048", "rsa2048"), subkey_expires="1y")
    # Their ends are in the past only now.
    chains = {
        "expired functionary": (Chain.make(Path(top, "gone"), lasting, gone), False),
        "expired subkey": (Chain.make(Path(top, "half"), lasting, half), False),
        "expired owner": (Chain.make(Path(top, "owner"), gone, lasting), False),
        "a key that lasts": (Chain.make(Path(top, "lasting"), lasting, lasting), True),
    }
    past.at(now)
    for name, (chain, passes) in chains.items():
        check_both(name, chain, passes, "" if passes else "expired")


def main():
    if not shutil.which("gpg"):
        sys.exit("interop: gpg is missing: on Debian, apt-get install gnupg")
    os.environ.pop("GNUPGHOME", None)
    with tempfile.TemporaryDirectory(prefix="lw-gpg.") as top:
        ring, past = Ring(Path(top, "ring")), Ring(Path(top, "past"), "20200101T000000")
        try:
            stranger = Person(ring, "stranger", ("rsa2048", None))
            for kind in KINDS:
                print("\n== %s" % kind, flush=True)
                of_kind(top, ring, kind, stranger)
            print("\n== Expired keys", flush=True)
            expired(top, past, None)
        finally:
            ring.close()
            past.close()
    return total()


if __name__ == "__main__":
    sys.exit(main())
