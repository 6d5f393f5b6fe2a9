"""Compares linkwright with in-toto 3.1.0, the reference implementation.

    interop.py LINKWRIGHT

Runs in the venv that `scripts/interop` makes. Both programs are used as their users use them, by
their commands; the reference's library is used to write its layouts and as a second opinion on
key ids and canonical JSON. Every check prints a line; the exit status is 0 when all passed.

The last part runs the conformance cases of `../shared/conformance`, where that folder exists.
"""

import base64
import contextlib
import copy
import hashlib
import itertools
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

from cryptography.hazmat.primitives import serialization as ser
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from in_toto.models._signer import load_public_key_from_file
from in_toto.models.layout import Layout
from in_toto.models.metadata import Envelope, Metablock
from securesystemslib.formats import encode_canonical
from securesystemslib.signer import CryptoSigner

from peers import COUNTS, check, describe, must, run, total

REPOSITORY = Path(__file__).resolve().parent.parent
CONFORMANCE = REPOSITORY.parent / "shared" / "conformance"
# They come with a later release. Take an area out as soon as it passes: a check asks for it.
AREAS_TO_COME = ()

LINKWRIGHT = Path(sys.argv[1]).resolve()
REFERENCE = Path(sys.executable).parent
REFERENCE_NAMES = (
    "in-toto-run", "in-toto-record", "in-toto-sign", "in-toto-verify", "in-toto-mock",
    "in-toto-match-products",
)  # fmt: skip
KINDS = ("ed25519", "ecdsa", "rsa")
OUR_TYPES = {"ed25519": "ed25519", "ecdsa": "ecdsa-p256", "rsa": "rsa-3072"}
WRAPPERS = ("metablock", "dsse")
PASSWORD = "open sesame"


# --- checks ----------------------------------------------------------------


@contextlib.contextmanager
def group(title):
    """A group of checks; what goes wrong on the way to one fails, and the next group is tried."""
    print("\n== %s" % title, flush=True)
    before = sum(COUNTS.values())
    try:
        yield
    except Exception:
        check("%s: could not go on" % title, False, traceback.format_exc())
    if sum(COUNTS.values()) == before:
        check("%s: made no check" % title, False)


class Ours:
    """Our commands, under our names."""

    name = "ours"

    @staticmethod
    def words(tool):
        return [LINKWRIGHT, tool[len("in-toto-") :]]


class Theirs:
    """The reference's commands."""

    name = "theirs"

    @staticmethod
    def words(tool):
        return [REFERENCE / tool]


class Renamed:
    """Our binary under the reference's names."""

    folder = None

    @classmethod
    def words(cls, tool):
        return [cls.folder / tool]


BOTH = (Ours, Theirs)


# --- keys ------------------------------------------------------------------


class Key:
    """A private key file and its public half beside it."""

    def __init__(self, path):
        self.path = Path(path)
        self.pub = Path(str(path) + ".pub")
        self.object = load_public_key_from_file(str(self.pub))
        self.keyid = self.object["keyid"]

    def signer(self):
        private = ser.load_pem_private_key(self.path.read_bytes(), None)
        return CryptoSigner(private)


def their_key(folder, name, private):
    """A key as made by others, in the commonest forms: PKCS#8, and SPKI."""
    path = Path(folder, name)
    path.write_bytes(
        private.private_bytes(ser.Encoding.PEM, ser.PrivateFormat.PKCS8, ser.NoEncryption())
    )
    Path(folder, name + ".pub").write_bytes(
        private.public_key().public_bytes(
            ser.Encoding.PEM, ser.PublicFormat.SubjectPublicKeyInfo
        )
    )
    return Key(path)


def our_key(folder, name, kind):
    must(LINKWRIGHT, "key", "generate", "--type", kind, Path(folder, name), cwd=folder)
    return Key(Path(folder, name))


def legacy_keyid(key):
    """The key id as in-toto up to 2 and in-toto-golang made it: one scheme for every curve."""
    scheme = "ecdsa-sha2-nistp256" if key["keytype"] == "ecdsa" else key["scheme"]
    value = {
        "keyid_hash_algorithms": ["sha256", "sha512"],
        "keytype": key["keytype"],
        "keyval": {"public": key["keyval"]["public"].rstrip("\n")},
        "scheme": scheme,
    }
    return hashlib.sha256(encode_canonical(value).encode()).hexdigest()


# --- metadata --------------------------------------------------------------


def payload_of(path):
    """What a metadata file says, whatever its envelope."""
    document = json.loads(Path(path).read_bytes())
    if "payload" in document:
        return json.loads(base64.b64decode(document["payload"]))
    return document["signed"]


def signatures_of(path):
    document = json.loads(Path(path).read_bytes())
    return [(s["keyid"], s["sig"]) for s in document["signatures"]]


def tamper(path, change):
    """Changes what a metadata file says and leaves its signatures as they are."""
    document = json.loads(Path(path).read_bytes())
    payload = payload_of(path)
    change(payload)
    if "payload" in document:
        document["payload"] = base64.b64encode(json.dumps(payload).encode()).decode()
    else:
        document["signed"] = payload
    Path(path).write_text(json.dumps(document))


def layout_payload(functionaries):
    """Two steps by the two functionaries, and an inspection of the product."""
    first, second = functionaries
    return {
        "_type": "layout",
        "expires": "2099-12-31T23:59:59Z",
        "readme": "",
        "keys": {k.keyid: k.object for k in functionaries},
        "steps": [
            {
                "_type": "step",
                "name": "write",
                "threshold": 1,
                "pubkeys": [first.keyid],
                "expected_command": ["sh", "-c", "echo text >a.txt"],
                "expected_materials": [["DISALLOW", "*"]],
                "expected_products": [["CREATE", "a.txt"], ["DISALLOW", "*"]],
            },
            {
                "_type": "step",
                "name": "pack",
                "threshold": 1,
                "pubkeys": [second.keyid],
                "expected_command": ["sh", "-c", "cat a.txt a.txt >b.txt"],
                "expected_materials": [
                    ["MATCH", "*", "WITH", "PRODUCTS", "FROM", "write"],
                    ["DISALLOW", "*"],
                ],
                "expected_products": [["REQUIRE", "b.txt"], ["ALLOW", "b.txt"], ["DISALLOW", "*"]],
            },
        ],
        "inspect": [
            {
                "_type": "inspection",
                "name": "compare",
                "run": ["test", "-s", "b.txt"],
                "expected_materials": [
                    ["MATCH", "b.txt", "WITH", "PRODUCTS", "FROM", "pack"],
                    ["DISALLOW", "*"],
                ],
                "expected_products": [],
            }
        ],
    }


def write_layout(maker, path, payload, wrapper, owner):
    """Writes and signs a layout: theirs by the reference's library, ours by hand and `sign`."""
    if maker is Theirs:
        layout = Layout.read(copy.deepcopy(payload))
        if wrapper == "dsse":
            metadata = Envelope.from_signable(layout)
        else:
            metadata = Metablock(signed=layout)
        metadata.create_signature(owner.signer())
        metadata.dump(str(path))
        return
    if wrapper == "dsse":
        document = {
            "payload": base64.b64encode(json.dumps(payload).encode()).decode(),
            "payloadType": "application/vnd.in-toto+json",
            "signatures": [],
        }
    else:
        document = {"signed": payload, "signatures": []}
    path.write_text(json.dumps(document))
    must(LINKWRIGHT, "sign", path, "--signing-key", owner.path, cwd=path.parent)


class Chain:
    """A layout, two links and the product, in a folder of their own."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.layout = self.folder / "root.layout"
        self.links = self.folder / "links"
        self.product = self.folder / "work" / "b.txt"

    @classmethod
    def make(cls, folder, makers, wrapper, owner, functionaries):
        """`makers` perform the first step, the second, and write the layout."""
        chain = cls(folder)
        chain.links.mkdir(parents=True)
        chain.product.parent.mkdir()
        payload = layout_payload(functionaries)
        write_layout(makers[2], chain.layout, payload, wrapper, owner)
        for maker, key, step in zip(makers, functionaries, payload["steps"]):
            artifacts = ["-p", "a.txt"]
            if step["name"] == "pack":
                artifacts = ["-m", "a.txt", "-p", "b.txt"]
            must(
                *maker.words("in-toto-run"), "-n", step["name"], "--signing-key", key.path,
                "-d", chain.links, *artifacts, *(["--use-dsse"] if wrapper == "dsse" else []),
                "--", *step["expected_command"], cwd=chain.product.parent,
            )  # fmt: skip
        return chain

    def link(self, step):
        (path,) = self.links.glob(step + ".*.link")
        return path

    def changed(self, name, path, change):
        """A copy of the chain in which one file was changed after it was signed."""
        other = Chain(str(self.folder) + " " + name)
        shutil.copytree(self.folder, other.folder)
        tamper(other.folder / path.relative_to(self.folder), change)
        return other

    def verify(self, tool, *keys):
        """Verifies in a fresh folder that holds the product only, as the layout wants it."""
        with tempfile.TemporaryDirectory(dir=self.folder) as clean:
            shutil.copy(self.product, clean)
            return run(
                *tool.words("in-toto-verify"), "-l", self.layout, "--link-dir", self.links,
                "--verification-keys", *[k.pub for k in keys], cwd=clean,
            )  # fmt: skip


def check_verdicts(name, chain, keys, passes):
    for tool in BOTH:
        done = chain.verify(tool, *keys)
        verdict = "accepted" if passes else "refused"
        good = done.returncode == (0 if passes else 1)
        check("%s: %s by %s" % (name, verdict, tool.name), good, done)


# --- the groups ------------------------------------------------------------


def chains(top, keys):
    """Layouts and links of one are accepted by the other, tampered ones refused by both."""
    owned = {(Ours, k): our_key(top, "our-owner-" + k, t) for k, t in OUR_TYPES.items()}
    owned.update(((Theirs, k), keys[k][0]) for k in KINDS)
    acting = {(Ours, k): our_key(top, "our-hand-" + k, t) for k, t in OUR_TYPES.items()}
    acting.update(((Theirs, k), keys[k][1]) for k in KINDS)

    def change_link(payload):
        payload["products"]["b.txt"]["sha256"] = "0" * 64

    def change_layout(payload):
        payload["steps"][1]["expected_products"] = []

    for kind in KINDS:
        for wrapper in WRAPPERS:
            for makers in (
                (Ours, Ours, Ours),
                (Theirs, Theirs, Theirs),
                (Ours, Theirs, Theirs),
                (Theirs, Ours, Ours),
            ):
                owner = owned[makers[2], kind]
                functionaries = [acting[m, kind] for m in makers[:2]]
                if makers[0] is makers[1]:
                    # One person for all is no chain: the other half comes from the owner.
                    functionaries[1] = owned[makers[1], kind]
                name = "%s, %s, links %s and %s, layout %s" % (
                    (kind, wrapper) + tuple(m.name for m in makers)
                )
                chain = Chain.make(
                    Path(top, name.replace(", ", "-")), makers, wrapper, owner, functionaries
                )
                check_verdicts(name, chain, [owner], True)
                if makers[0] is not makers[1]:
                    continue
                other = chain.changed("link", chain.link("pack"), change_link)
                check_verdicts(name + ", link changed", other, [owner], False)
                other = chain.changed("layout", chain.layout, change_layout)
                check_verdicts(name + ", layout changed", other, [owner], False)


def written_from_links(top, keys):
    """A layout written from links is accepted by both, and holds what one step hands to the next."""

    def change_link(payload):
        payload["products"]["a.txt"]["sha256"] = "0" * 64

    for kind in KINDS:
        owner, other = keys[kind]
        for wrapper in WRAPPERS:
            form = ["--use-dsse"] if wrapper == "dsse" else []
            for maker in BOTH:
                name = "%s, %s, layout from links of %s" % (kind, wrapper, maker.name)
                chain = Chain.make(
                    Path(top, name.replace(", ", "-")), (maker, maker, maker), wrapper, owner,
                    [owner, other],
                )  # fmt: skip
                chain.layout.unlink()
                text = chain.folder / "written.layout.toml"
                must(
                    LINKWRIGHT, "layout", "from-links", chain.links, "-o", text,
                    "--key", owner.pub, other.pub, cwd=top,
                )  # fmt: skip
                must(
                    LINKWRIGHT, "layout", "sign", text, "--signing-key", owner.path,
                    "-o", chain.layout, *form, cwd=top,
                )  # fmt: skip
                check_verdicts(name, chain, [owner], True)
                changed = chain.changed("changed", chain.link("write"), change_link)
                link = changed.link("write")
                must(LINKWRIGHT, "sign", link, "--signing-key", owner.path, "-o", link, cwd=top)
                check_verdicts(name + ", another file handed on", changed, [owner], False)


def appending(top, keys):
    """A second signature is added by the other program than made the first."""
    for wrapper in WRAPPERS:
        for kind, second_kind in zip(KINDS, KINDS[1:] + KINDS[:1]):
            first, second, third = keys[kind][0], keys[second_kind][1], keys[kind][1]
            for maker, adder in ((Ours, Theirs), (Theirs, Ours)):
                name = "%s, signed by %s with %s, appended by %s with %s" % (
                    wrapper, maker.name, kind, adder.name, second_kind,
                )  # fmt: skip
                chain = Chain.make(
                    Path(top, name.replace(", ", "-")), (maker, maker, maker), wrapper, first,
                    [first, second],
                )  # fmt: skip
                must(
                    *adder.words("in-toto-sign"), "-f", chain.layout, "-a", "-k", second.path,
                    cwd=top,
                )  # fmt: skip
                check_verdicts(name, chain, [first, second], True)
                for tool in BOTH:
                    done = run(
                        *tool.words("in-toto-sign"), "-f", chain.layout, "--verify", "-k",
                        first.pub, second.pub, cwd=top,
                    )  # fmt: skip
                    check("%s: both seen by %s" % (name, tool.name), done.returncode == 0, done)
                check_verdicts(name + ", a third key asked for", chain, [first, third], False)


def recording(top, keys):
    """`record` begun by one and ended by the other."""
    for kind in KINDS:
        key = keys[kind][0]
        for wrapper in WRAPPERS:
            links = []
            for starter, stopper in itertools.product(BOTH, BOTH):
                name = "%s, %s, started by %s, stopped by %s" % (
                    kind, wrapper, starter.name, stopper.name,
                )  # fmt: skip
                folder = Path(top, name.replace(", ", "-"))
                folder.mkdir()
                (folder / "in").write_text("in")
                common = ["-n", "by hand", "--signing-key", key.path]
                dsse = ["--use-dsse"] if wrapper == "dsse" else []
                must(
                    *starter.words("in-toto-record"), "start", *common, *dsse, "-m", "in",
                    cwd=folder,
                )  # fmt: skip
                (folder / "out").write_text("out")
                done = run(
                    *stopper.words("in-toto-record"), "stop", *common, *dsse, "-p", "in", "out",
                    cwd=folder,
                )  # fmt: skip
                left = sorted(p.name for p in folder.iterdir())
                link = folder / ("by hand.%s.link" % key.keyid[:8])
                good = done.returncode == 0 and left == sorted(["in", "out", link.name])
                check(name, good, describe(done) + "\nleft: %s" % left)
                if not good:
                    continue
                links.append(payload_of(link))
                for tool in BOTH:
                    seen = run(
                        *tool.words("in-toto-sign"), "-f", link, "--verify", "-k", key.pub,
                        cwd=folder,
                    )  # fmt: skip
                    good = seen.returncode == 0
                    check("%s: signature good for %s" % (name, tool.name), good, seen)
            same = len(links) == 4 and all(link == links[0] for link in links)
            check("%s, %s: all four say the same" % (kind, wrapper), same, repr(links))


def demo_layout(alice, bob, carl):
    """The layout of the reference's demo: clone, change, package, and unpack what was delivered."""

    def step(name, who, command, materials, products):
        return {
            "_type": "step", "name": name, "threshold": 1, "pubkeys": [who.keyid],
            "expected_command": command, "expected_materials": materials,
            "expected_products": products,
        }  # fmt: skip

    match = ["WITH", "PRODUCTS", "FROM"]
    others = [["ALLOW", ".keep"], ["ALLOW", "alice.pub"], ["ALLOW", "root.layout"]]
    return {
        "_type": "layout",
        "expires": "2099-12-31T23:59:59Z",
        "readme": "",
        "keys": {k.keyid: k.object for k in (bob, carl)},
        "steps": [
            step(
                "clone", bob, ["sh", "-c", "mkdir demo-project; echo 'print(0)' >demo-project/foo.py"],
                [], [["CREATE", "demo-project/foo.py"], ["DISALLOW", "*"]],
            ),
            step(
                "update-version", bob, [],
                [["MATCH", "demo-project/*", *match, "clone"], ["DISALLOW", "*"]],
                [["ALLOW", "demo-project/foo.py"], ["DISALLOW", "*"]],
            ),
            step(
                "package", carl,
                ["tar", "--exclude", ".git", "-zcvf", "demo-project.tar.gz", "demo-project"],
                [["MATCH", "demo-project/*", *match, "update-version"], ["DISALLOW", "*"]],
                [["CREATE", "demo-project.tar.gz"], ["DISALLOW", "*"]],
            ),
        ],
        "inspect": [
            {
                "_type": "inspection",
                "name": "untar",
                "run": ["tar", "xzf", "demo-project.tar.gz"],
                "expected_materials": [
                    ["MATCH", "demo-project.tar.gz", *match, "package"], *others, ["DISALLOW", "*"],
                ],
                "expected_products": [
                    ["MATCH", "demo-project/foo.py", *match, "update-version"],
                    ["ALLOW", "demo-project/.git/*"], ["ALLOW", "demo-project.tar.gz"], *others,
                    ["DISALLOW", "*"],
                ],
            }
        ],
    }  # fmt: skip


def demo(top, keys):
    """The demo as the reference's own tools perform it; everything in one folder at the end."""
    (alice, bob), (carl, _) = keys["rsa"], keys["ed25519"]
    for wrapper in WRAPPERS:
        work, final = Path(top, wrapper + " work"), Path(top, wrapper + " final")
        for folder in (work, final):
            folder.mkdir()
        payload = demo_layout(alice, bob, carl)
        write_layout(Theirs, final / "root.layout", payload, wrapper, alice)
        dsse = ["--use-dsse"] if wrapper == "dsse" else []
        clone, _, package = (step["expected_command"] for step in payload["steps"])
        must(
            *Theirs.words("in-toto-run"), "-n", "clone", "--signing-key", bob.path, *dsse,
            "-p", "demo-project/foo.py", "--", *clone, cwd=work,
        )  # fmt: skip
        record = [*Theirs.words("in-toto-record")]
        more = ["-n", "update-version", "--signing-key", bob.path, *dsse]
        must(*record, "start", *more, "-m", "demo-project/foo.py", cwd=work)
        (work / "demo-project" / "foo.py").write_text("print(1)\n")
        must(*record, "stop", *more, "-p", "demo-project/foo.py", cwd=work)
        must(
            *Theirs.words("in-toto-run"), "-n", "package", "--signing-key", carl.path, *dsse,
            "-m", "demo-project/foo.py", "-p", "demo-project.tar.gz", "--", *package, cwd=work,
        )  # fmt: skip
        for path in [*work.glob("*.link"), work / "demo-project.tar.gz"]:
            shutil.move(path, final)
        (final / ".keep").touch()
        shutil.copy(alice.pub, final / "alice.pub")
        verify_demo(wrapper, final, alice, True)
        # Another product, which a step has not made.
        (work / "demo-project" / "foo.py").write_text("print(2)\n")
        must("tar", "czf", final / "demo-project.tar.gz", "demo-project", cwd=work)
        verify_demo(wrapper + ", another tarball", final, alice, False)


def verify_demo(name, final, alice, passes):
    for tool in BOTH:
        # The reference unpacks where it stands.
        with tempfile.TemporaryDirectory() as top:
            folder = Path(top, "final")
            shutil.copytree(final, folder)
            done = run(
                *tool.words("in-toto-verify"), "-l", "root.layout",
                "--verification-keys", "alice.pub", cwd=folder,
            )  # fmt: skip
            good = done.returncode == (0 if passes else 1)
            verdict = "accepted" if passes else "refused"
            check("demo, %s: %s by %s" % (name, verdict, tool.name), good, done)
            if tool is Ours:
                stays = not (folder / "demo-project").exists()
                check("demo, %s: nothing is left in the folder" % name, stays)


def key_ids(top, keys):
    """Key ids, for keys made by either."""
    kinds = ("ed25519", "ecdsa-p256", "ecdsa-p384", "ecdsa-p521", "rsa-3072", "rsa-4096")
    every = [("made by us, " + kind, our_key(top, "id-" + kind, kind)) for kind in kinds]
    every += [("made by others, " + kind, pair[0]) for kind, pair in keys.items()]
    for name, key in every:
        for file, half in ((key.pub, "public"), (key.path, "private")):
            for style, expected in (("current", key.keyid), ("legacy", legacy_keyid(key.object))):
                done = run(LINKWRIGHT, "key", "id", "--keyid-style", style, file, cwd=top)
                good = done.returncode == 0 and done.stdout.split() == [expected]
                check(
                    "%s, %s half: %s id" % (name, half, style), good,
                    describe(done) + "expected: " + expected,
                )  # fmt: skip
        shown = json.loads(must(LINKWRIGHT, "key", "show", "--json", key.pub, cwd=top).stdout)
        same = all(
            shown[field] == key.object[field] for field in ("keyid", "keytype", "scheme", "keyval")
        )
        check("%s: key object" % name, same, "%s\n%s" % (shown, key.object))


AWKWARD = (
    "foo", "foo bar", "foo!", "foo\tbar", "foo\nbar", 'say "hi"', "it's", "größe", "gro\u0308ße",
    "\u212b", "日本語", "😀", "\uffff", "\x01", "\x7f", "\u2028", " ", "-x", "a/b c/d", "a/b",
    ".hidden", "[x]", "{a,b}", "*", "$HOME", "%s", "a" * 200,
)  # fmt: skip


def write_tree(folder):
    for name in AWKWARD:
        path = Path(folder, name + "/f" if name == "a/b" else name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("content of " + name)


def same_links(top, keys):
    """The same tree gives the same link, byte for byte where it is signed."""
    for wrapper in WRAPPERS:
        for kind in KINDS:
            key = keys[kind][0]
            made = {}
            for tool in BOTH:
                folder = Path(top, "tree-%s-%s-%s" % (wrapper, kind, tool.name))
                write_tree(folder)
                must(
                    *tool.words("in-toto-run"), "-n", "tree", "--signing-key", key.path, "-d",
                    top, "-m", ".", "-p", ".", *(["--use-dsse"] if wrapper == "dsse" else []),
                    "--", "sh", "-c", 'echo "new file" >"new file"', cwd=folder,
                )  # fmt: skip
                link = Path(top, "tree.%s.link" % key.keyid[:8])
                made[tool] = link.rename(Path(top, folder.name + ".link"))
            ours, theirs = (payload_of(made[tool]) for tool in BOTH)
            name = "%s, %s" % (kind, wrapper)
            count = len(theirs["products"])
            check("%s: the whole tree is recorded" % name, count == len(AWKWARD) + 1, str(count))
            check(
                name + ": canonical form", encode_canonical(ours) == encode_canonical(theirs),
                "%s\n%s" % (encode_canonical(ours), encode_canonical(theirs)),
            )  # fmt: skip
            if kind == "ed25519":
                # Nothing in it is random: the same bytes were signed if it is the same.
                mine, other = (signatures_of(made[tool]) for tool in BOTH)
                check(name + ": signature", mine == other, "%s\n%s" % (mine, other))
                same = made[Ours].read_bytes() == made[Theirs].read_bytes()
                check(name + ": the whole file", same, "%s %s" % (made[Ours], made[Theirs]))


def matching(top, keys):
    """`match-products` says the same of each other's links."""
    key = keys["ed25519"][0]
    for maker in BOTH:
        folder = Path(top, "match-" + maker.name)
        (folder / "d").mkdir(parents=True)
        (folder / "a").write_text("a")
        (folder / "d/b").write_text("b")
        must(
            *maker.words("in-toto-run"), "-n", "match", "--signing-key", key.path, "-p", ".", "-x",
            cwd=folder,
        )  # fmt: skip
        (link,) = folder.glob("match.*.link")

        def compare(name, expected, *options, link=link, folder=folder, maker=maker):
            for tool in BOTH:
                done = run(
                    *tool.words("in-toto-match-products"), "-l", link, *options, cwd=folder
                )
                check(
                    "link %s, compared by %s: %s" % (maker.name, tool.name, name),
                    done.returncode == expected, done,
                )  # fmt: skip

        compare("the same", 0)
        compare("the same, named one by one", 0, "-p", "a", "d")
        compare("one left out", 1, "-p", "a")
        compare("one excluded", 1, "-e", "d")
        (folder / "c").write_text("c")
        compare("one too many", 1)
        compare("one too many, excluded", 0, "-e", "c", "*.link")
        compare("another prefix", 1, "--lstrip-paths", "d/", "-e", "c", "*.link")
        (folder / "c").unlink()
        (folder / "a").write_text("changed")
        compare("one changed", 1)
        (folder / "a").unlink()
        compare("one missing", 1)


def command_lines(top, keys):
    """The reference's command lines, given to our binary under the reference's names."""
    Renamed.folder = Path(top, "bin")
    Renamed.folder.mkdir()
    for name in REFERENCE_NAMES:
        (Renamed.folder / name).symlink_to(LINKWRIGHT)
    private = Path(top, "keys")
    private.mkdir()
    key = their_key(private, "key", ed25519.Ed25519PrivateKey.generate())
    second = their_key(private, "second", ec.generate_private_key(ec.SECP256R1()))
    locked_private = ed25519.Ed25519PrivateKey.generate()
    their_key(private, "plain", locked_private)
    lock = ser.BestAvailableEncryption(PASSWORD.encode())
    (private / "locked").write_bytes(
        locked_private.private_bytes(ser.Encoding.PEM, ser.PrivateFormat.PKCS8, lock)
    )
    folders = iter(range(10**6))

    def workplace():
        folder = Path(top, "at-%d" % next(folders))
        (folder / "src/lib").mkdir(parents=True)
        (folder / "meta").mkdir()
        for name in ("a", "b", "c", "src/x.c", "src/x.o", "src/lib/y.c", "src/lib/z.pyc"):
            (folder / name).write_text(name)
        shutil.copytree(private, folder / "keys")
        return folder

    def state(folder):
        """All files with what they say, and with their signatures where those are the same too."""
        found = {}
        for path in sorted(folder.rglob("*")):
            name = str(path.relative_to(folder))
            if path.is_dir() or name.startswith("keys/"):
                continue
            data = path.read_bytes()
            if ".link" in name or name.endswith(".layout"):
                ids = signatures_of(path)
                said = payload_of(path)
                differ = any(i == second.keyid for i, _ in ids)
                # Ours tells with recorded streams what their limit was; the reference has none.
                byproducts = said.get("byproducts", {})
                byproducts.pop("stream-cap", None)
                differ = differ or byproducts.get("stdout") or byproducts.get("stderr")
                found[name] = (said, [i for i, _ in ids] if differ else ids)
            else:
                found[name] = data
        return found

    def compare(*lines, status=0, ours=None):
        """Runs the same lines, which are lists of words, in two places; all has to be the same.

        `status` is the last line's, `ours` that of our binary where it differs on purpose.
        """
        ends = []
        for tool in (Renamed, Theirs):
            folder = workplace()
            for line in lines:
                done = run(*tool.words(line[0]), *line[1:], cwd=folder)
            ends.append((done, state(folder)))
        (mine, left), (other, expected) = ends
        statuses = (mine.returncode, other.returncode)
        good = statuses == (status if ours is None else ours, status) and left == expected
        detail = describe(mine) + "\n" + describe(other)
        if left != expected:
            different = [n for n in {**left, **expected} if left.get(n) != expected.get(n)]
            detail += "\n".join(
                "%s\n  %s\n  %s" % (n, left.get(n), expected.get(n)) for n in different
            )
        check("; ".join(" ".join(line) for line in lines), good, detail)

    start = ["in-toto-run", "-n", "s", "--signing-key", "keys/key"]
    locked = ["in-toto-run", "-n", "s", "--signing-key", "keys/locked"]
    make = ["--", "sh", "-c", "echo new >new; cp a src/new.c"]

    compare([*start, "-m", "a", "b", "-p", "new", *make])
    compare([*start, "-m", ".", "-p", ".", *make])
    compare([*start, "-m", "src", "-p", "src", "new", *make])
    compare([*start, "-m", "./a", "src/../b", "src/", "-p", "file:a", *make])
    compare([*start, "-m", "dir:src", "-p", "dir:src/lib", *make])
    compare([*start, "touch", "new"])
    compare(["in-toto-run", "-m", "a", "b", "-n", "s", "--signing-key", "keys/key", "touch", "new"])
    compare([*start, "--", "echo", "a", "--", "b"])
    compare(["in-toto-run", "--step-name", "s", "--signing-key=keys/key", "--materials", "a",
             "--products", "a", "--", "true"])  # fmt: skip
    compare(["in-toto-run", "--step", "s", "--sign", "keys/key", "--mat", "a", "--prod", "new",
             "--meta", "meta", *make])  # fmt: skip
    compare([*start, "--metadata-directory", "meta", "-m", "a", "--", "true"])
    compare([*start, "-d", "meta", "-m", "a", "--", "true"])
    compare([*start, "-dmeta", "-ma", "--", "true"])
    compare([*start, "-x", "-m", "a", "-p", "b"])
    compare([*start, "--no-command", "-m", "a", "-p", "b"])
    compare([*start, "--no-c", "-p", "b", "--", "false"])
    compare([*start, "-s", "--", "sh", "-c", "echo out; echo err >&2"])
    compare([*start, "--record-streams", "--", "echo", "größe"])
    compare([*start, "--record", "--", "echo", "b"])
    compare([*start, "-xs", "-m", "a"])
    compare([*start, "-m", "src", "--exclude", "*.o", "lib", "--", "true"])
    compare([*start, "-m", "src", "--lstrip-paths", "src/", "--", "true"])
    compare([*start, "-m", "src", "a", "--lstrip-paths", "src/lib/", "src/x", "--", "true"])
    compare([*start, "-m", "src", "--lstrip", "src/", "-p", ".", "--exclude", "keys", "*.link*",
             "meta", "--", "true"])  # fmt: skip
    compare([*start, "--base-path", "src", "-m", "lib", "-p", ".", "--", "touch", "new"])
    compare([*start, "--base", "src", "-m", "x.c", "--", "true"])
    compare([*start, "--use-dsse", "-m", "a", "-p", "b", "--", "true"])
    compare([*start, "--use", "-m", "a", "--", "true"])
    compare([*start, "-m", "src", "--ex", "*.o", "--no"])
    compare([*start, "--run-timeout", "60", "--", "true"])
    compare([*start, "-v", "-m", "a", "--", "true"])
    compare([*start, "-q", "-m", "a", "--", "true"])
    compare([*start, "-m", "a", "-p", "new", "--", "sh", "-c", "touch new; exit 42"], status=42)
    compare([*locked, "-P", PASSWORD, "-m", "a", "--", "true"])
    compare([*locked, "--password", PASSWORD, "-m", "a", "--", "true"])
    compare([*locked, "--password=" + PASSWORD, "-x"])
    compare([*locked, "--pass", PASSWORD, "-x"])
    # `run` leaves the statuses to the command it wraps, and has one for what went wrong before.
    compare([*start[:3], "--", "true"], status=2, ours=125)
    compare([start[0], *start[3:], "--", "true"], status=2, ours=125)
    compare([*start], status=2, ours=125)
    compare([*start, "-v", "-q", "--", "true"], status=2, ours=125)
    compare([*start, "--unknown", "--", "true"], status=2, ours=125)
    compare(["in-toto-run", "--version"])
    compare(["in-toto-run", "--help"])

    record = ["-n", "r", "--signing-key", "keys/key"]
    compare(["in-toto-record", "start", *record, "-m", "a", "src"])
    compare(["in-toto-record", "start", *record, "-m", "a", "src"],
            ["in-toto-record", "stop", *record, "-p", "a", "b"])  # fmt: skip
    compare(["in-toto-record", "start", "--step", "r", "--sign", "keys/key", "--mat", "a"],
            ["in-toto-record", "stop", *record, "--prod", "a", "-d", "meta"])  # fmt: skip
    compare(["in-toto-record", "start", *record, "--use-dsse", "-m", "src", "--lstrip-paths",
             "src/"],
            ["in-toto-record", "stop", *record, "-p", "src", "--exclude", "lib"])  # fmt: skip
    compare(["in-toto-record", "start", *record, "--base-path", "src", "-m", "lib"],
            ["in-toto-record", "stop", *record, "--base-path", "src", "-p", "x.c"])  # fmt: skip
    sealed = ["-n", "r", "--signing-key", "keys/locked", "-P", PASSWORD]
    compare(["in-toto-record", "start", *sealed], ["in-toto-record", "stop", *sealed])
    compare(["in-toto-record", "stop", *record], status=1)
    compare(["in-toto-record"], status=2)

    link = "s.%s.link" % key.keyid[:8]
    linked = [*start, "-m", "a", "--", "true"]
    compare(linked, ["in-toto-sign", "-f", link, "-k", "keys/second"])
    compare(linked, ["in-toto-sign", "--file", link, "--key", "keys/second", "--output", "o.link"])
    compare(linked, ["in-toto-sign", "-f", link, "-k", "keys/key.pub", "--verify"])
    compare(linked, ["in-toto-sign", "--f", link, "--k", "keys/key.pub", "--ver"], status=2)
    compare(linked, ["in-toto-sign", "--f", link, "--k", "keys/key.pub", "--veri"])
    compare(linked, ["in-toto-sign", "-f", link, "-k", "keys/second.pub", "--verify"], status=1)
    compare(linked, ["in-toto-sign", "-f", link, "-k", "keys/second", "-a"], status=2)
    compare(["in-toto-sign", "-f", "absent", "-k", "keys/key"], status=2, ours=1)

    compare(["in-toto-mock", "-n", "m", "--", "sh", "-c", "echo out; touch new"])
    compare(["in-toto-mock", "--name", "m", "--use-dsse", "--", "sh", "-c", "exit 3"])

    compare([*start, "-p", "src", "-x"], ["in-toto-match-products", "-l", link, "-p", "src"])
    compare([*start, "-p", "src", "-x"],
            ["in-toto-match-products", "--link", link, "--paths", "src/lib"], status=1)  # fmt: skip
    compare([*start, "-p", "src", "--lstrip-paths", "src/", "-x"],
            ["in-toto-match-products", "-l", link, "-p", "src", "--lstrip-paths", "src/", "-e",
             "*.pyc"])  # fmt: skip

    # Here the reference keeps only the last of the two, and its users fall into that: ours adds up.
    folder = workplace()
    done = run(
        *Renamed.words("in-toto-run"), *start[1:], "-m", "a", "b", "-m", "c", "-p", "a", "-p", "b",
        "--", "true", cwd=folder,
    )  # fmt: skip
    said = payload_of(folder / link) if done.returncode == 0 else {"materials": {}, "products": {}}
    good = sorted(said["materials"]) == ["a", "b", "c"] and sorted(said["products"]) == ["a", "b"]
    check("in-toto-run -m a b -m c -p a -p b: adds up", good, done)

    owner, other = keys["rsa"][0], keys["ecdsa"][0]
    chain = Chain.make(Path(top, "verified"), (Theirs,) * 3, "metablock", owner, [owner, other])
    must(*Theirs.words("in-toto-sign"), "-f", chain.layout, "-a", "-k", other.path, cwd=top)
    public = [owner.pub, other.pub]
    for options, expected in (
        (["-l", chain.layout, "--verification-keys", *public, "--link-dir", chain.links], 0),
        (["--lay", chain.layout, "--verif", *public, "--link", chain.links], 0),
        (["-l", chain.layout, "--verification-keys", *public, "--link-dir=%s" % chain.links,
          "--inspection-timeout", "20", "-v"], 0),
        (["-q", "-l", chain.layout, "--verification-keys", owner.pub, "--link-dir",
          chain.links], 0),
        (["-l", chain.layout, "--verification-keys", keys["rsa"][1].pub, "--link-dir",
          chain.links], 1),
        (["-l", chain.layout, "--verification-keys", *public], 1),
        (["-l", chain.layout], 2),
        (["--verification-keys", *public], 2),
        (["--version"], 0),
    ):  # fmt: skip
        ends = []
        for tool in (Renamed, Theirs):
            with tempfile.TemporaryDirectory(dir=top) as clean:
                shutil.copy(chain.product, clean)
                ends.append(run(*tool.words("in-toto-verify"), *options, cwd=clean))
        line = " ".join(str(o).replace(str(chain.folder), "") for o in options)
        good = all(done.returncode == expected for done in ends)
        check("in-toto-verify " + line, good, "\n".join(map(describe, ends)))


# --- conformance -----------------------------------------------------------


def python(*words):
    """Runs a Python program of the conformance folder, leaving no trace there."""
    return run(sys.executable, "-B", *words, cwd=REPOSITORY)


def conform(cases):
    """Runs `run.py`; returns what it printed as {case: problem}, and its last line."""
    done = python(
        CONFORMANCE / "run.py", "--tool", "%s verify" % LINKWRIGHT, "--codes", cases
    )
    lines = done.stdout.strip().splitlines()
    if done.returncode not in (0, 1) or not lines or " passed, " not in lines[-1]:
        raise RuntimeError(describe(done))
    problems = dict(line.split(": ", 1) for line in lines[:-1])
    if done.returncode == 0 and problems or done.returncode == 1 and not problems:
        raise RuntimeError(describe(done))
    return problems, lines[-1]


def conformance_cases():
    problems, summary = conform(CONFORMANCE / "cases")
    by_area = {}
    for case, problem in problems.items():
        by_area.setdefault(case.split("/")[0], []).append("%s: %s" % (case, problem))
    for area in sorted(p.name for p in (CONFORMANCE / "cases").iterdir() if p.is_dir()):
        if not any((CONFORMANCE / "cases" / area).glob("**/case.json")):
            continue
        failed = by_area.pop(area, [])
        if area not in AREAS_TO_COME:
            check("area %s" % area, not failed, "\n".join(failed))
            continue
        check(
            "area %s is still to come (%d cases fail)" % (area, len(failed)), failed,
            "all its cases pass: take it out of AREAS_TO_COME",
        )  # fmt: skip
        for line in failed:
            print("    to come: " + line)
    check("no case outside the areas fails", not by_area, repr(by_area))
    print("    of the cases " + summary)


def sees_unused_link(case_dir):
    """Whether we refuse a case only for link files that an inspection must not overlook.

    The reference hides every link file from inspections. Ours hides the links that it looked for
    as evidence, and no others (divergence D of the conformance folder's list). The random cases do
    not quite avoid that: one has it when a link that is not needed was stored under another key's
    name and lies where the inspection runs.
    """
    sys.path.insert(0, str(CONFORMANCE))
    sys.dont_write_bytecode = True
    import run as conformance

    case = conformance.load_case(case_dir)
    with tempfile.TemporaryDirectory() as scratch:
        target = os.path.join(scratch, "case")
        conformance.prepare(case_dir, case, target)
        words = conformance.arguments(case_dir, case, target)
        workdir = os.path.join(target, case["verify"]["workdir"])
        done = subprocess.run(
            [LINKWRIGHT, "verify", *words], cwd=workdir, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
    report = json.loads(done.stdout)
    errors = [
        (item["kind"], finding["code"], finding["message"])
        for item in report["items"] + [dict(report, kind="none")]
        for finding in item["findings"]
        if finding["severity"] == "error"
    ]
    return (
        case["reference"]["python"]["exit"] == 0
        and done.returncode == 1
        and errors
        and all(
            kind == "inspection" and code == "artifact-disallowed" and ".link` is not" in message
            for kind, code, message in errors
        )
    )


def random_cases(top):
    seed = int(os.environ.get("SEED") or secrets.randbelow(10**6))
    count = int(os.environ.get("COUNT") or 300)
    print("    SEED=%d COUNT=%d" % (seed, count), flush=True)
    made = python(
        CONFORMANCE / "gen_random.py", "--out", Path(top, "random"), "--count", count,
        "--seed", seed,
    )  # fmt: skip
    check("%d random cases made" % count, made.returncode == 0, made)
    problems, summary = conform(Path(top, "random"))
    print("    of the cases " + summary)
    for case in list(problems):
        if sees_unused_link(Path(top, "random", "random", case)):
            print("    %s: on purpose: an inspection sees a link that is no evidence" % case)
            del problems[case]
    detail = "\n".join("%s: %s" % problem for problem in problems.items())
    check("no disagreement in %d random cases of seed %d" % (count, seed), not problems, detail)


def main():
    with tempfile.TemporaryDirectory(prefix="linkwright-interop.") as top:
        keys = {
            kind: [their_key(top, "%s-%d" % (kind, n), make()) for n in (1, 2)]
            for kind, make in (
                ("ed25519", ed25519.Ed25519PrivateKey.generate),
                ("ecdsa", lambda: ec.generate_private_key(ec.SECP256R1())),
                ("rsa", lambda: rsa.generate_private_key(65537, 2048)),
                ("p384", lambda: ec.generate_private_key(ec.SECP384R1())),
                ("p521", lambda: ec.generate_private_key(ec.SECP521R1())),
            )
        }
        for title, function in (
            ("Key ids", key_ids),
            ("The same tree gives the same link", same_links),
            ("Layouts and links, both ways", chains),
            ("Layouts written from links", written_from_links),
            ("Signatures appended by the other", appending),
            ("record start and stop", recording),
            ("match-products", matching),
            ("The reference's demo", demo),
            ("The reference's command lines", command_lines),
        ):
            with group(title):
                folder = Path(top, function.__name__)
                folder.mkdir()
                function(folder, keys)
        if CONFORMANCE.is_dir():
            with group("Conformance cases"):
                conformance_cases()
            with group("Random cases"):
                random_cases(top)
        else:
            print("\n(no conformance cases beside the repository)")
    return total()


if __name__ == "__main__":
    sys.exit(main())
