"""Compares linkwright with in-toto-golang where functionaries are known by X.509 certificates (ITE-7).

    interop_go.py LINKWRIGHT IN_TOTO_GO

Runs in the venv that `scripts/interop` makes, by `scripts/interop --go`. Each tool makes layouts and
links that both verify; what was changed, and what the constraint does not allow, both refuse. Every check
prints a line; the exit status is 0 when all passed.

in-toto-golang drops the certificate from the signatures of DSSE links, so that it can neither make nor
verify these: they are checked among our own alone. Layouts it has in both envelopes.
"""

import base64
import datetime
import json
import sys
import tempfile
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization as ser
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import NameOID

from peers import check, must, run, total

OURS, THEIRS = (Path(word).resolve() for word in sys.argv[1:3])
URI = "spiffe://example.com/write"
KINDS = {
    "ed25519": ed25519.Ed25519PrivateKey.generate,
    "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "rsa": lambda: rsa.generate_private_key(65537, 2048),
}
WRAPPERS = ("metablock", "dsse")


# --- certificates ----------------------------------------------------------


class Holder:
    """A key and a certificate of it, issued by another or by itself."""

    def __init__(self, folder, name, key, issuer=None, authority=True):
        self.key, self.subject = key, x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.path, self.cert = Path(folder, name + ".pem"), Path(folder, name + ".cert.pem")
        signer = issuer or self
        now = datetime.datetime.now(datetime.timezone.utc)
        usage = dict.fromkeys(
            (
                "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
                "crl_sign", "encipher_only", "decipher_only",
            ),
            False,
        )  # fmt: skip
        builder = (
            x509.CertificateBuilder(signer.subject, self.subject, key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=1))
            .add_extension(x509.BasicConstraints(authority, None), True)
            .add_extension(
                x509.KeyUsage(digital_signature=not authority, key_cert_sign=authority, **usage),
                True,
            )
        )
        if not authority:
            names = [x509.UniformResourceIdentifier(URI)]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), False)
        is_ed25519 = isinstance(signer.key, ed25519.Ed25519PrivateKey)
        certificate = builder.sign(signer.key, None if is_ed25519 else hashes.SHA256())
        self.cert.write_bytes(certificate.public_bytes(ser.Encoding.PEM))
        self.path.write_bytes(
            key.private_bytes(ser.Encoding.PEM, ser.PrivateFormat.PKCS8, ser.NoEncryption())
        )
        self.pub = Path(folder, name + ".pub")
        self.pub.write_bytes(
            key.public_key().public_bytes(ser.Encoding.PEM, ser.PublicFormat.SubjectPublicKeyInfo)
        )

    def object(self):
        """The object of a layout, in the words of in-toto-golang."""
        text = must(THEIRS, "key", "layout", self.cert, cwd=self.path.parent).stdout
        return json.loads("{%s}" % text.strip().rstrip(","))


# --- metadata --------------------------------------------------------------


def layout(root, intermediate, uri=URI, roots=("*",)):
    return {
        "_type": "layout",
        "expires": "2099-12-31T23:59:59Z",
        "readme": "",
        "keys": {},
        "rootcas": root.object(),
        "intermediatecas": intermediate.object(),
        "inspect": [],
        "steps": [
            {
                "_type": "step",
                "name": "write",
                "threshold": 1,
                "pubkeys": [],
                "expected_command": [],
                "expected_materials": [["DISALLOW", "*"]],
                "expected_products": [["CREATE", "a.txt"], ["DISALLOW", "*"]],
                "cert_constraints": [
                    {
                        "common_name": "*",
                        "dns_names": ["*"],
                        "emails": ["*"],
                        "organizations": ["*"],
                        "roots": list(roots),
                        "uris": [uri],
                    }
                ],
            }
        ],
    }


def write_layout(maker, path, payload, wrapper, owner):
    if wrapper == "dsse":
        payload = base64.b64encode(json.dumps(payload).encode()).decode()
        document = {
            "payload": payload,
            "payloadType": "application/vnd.in-toto+json",
            "signatures": [],
        }
    else:
        document = {"signed": payload, "signatures": []}
    path.write_text(json.dumps(document))
    if maker == OURS:
        must(OURS, "sign", path, "-k", owner.path, "--keyid-style", "legacy", cwd=path.parent)
    else:
        must(THEIRS, "sign", "-f", path, "-k", owner.path, "-o", path, cwd=path.parent)


def write_link(maker, folder, who, *more, cert=True):
    folder.mkdir(parents=True)
    command = ["--", "sh", "-c", "echo text >a.txt"]
    key = "--signing-key" if maker == OURS else "--key"
    must(
        maker, "run", "-n", "write", key, who.path, *(["--cert", who.cert] if cert else []),
        "-d", folder, "-p", "a.txt", *more, *command, cwd=folder,
    )  # fmt: skip
    (link,) = folder.glob("write.*.link")
    return link


def verify(tool, path, links, owner, *more):
    """Where nothing lies that an inspection or a glob could meet."""
    with tempfile.TemporaryDirectory() as clean:
        key = "--key" if tool == OURS else "--layout-keys"
        return run(
            tool, "verify", "-l", path, key, owner.pub, "--link-dir", links, *more, cwd=clean
        )


def check_both(name, path, links, owner, passes, *more):
    for tool in (OURS, THEIRS):
        done = verify(tool, path, links, owner, *more)
        verdict = "accepted" if passes else "refused"
        by = "ours" if tool == OURS else "theirs"
        # Something else than a refusal, such as a layout that cannot be read, shows nothing.
        good = done.returncode == (0 if passes else 1)
        check("%s: %s by %s" % (name, verdict, by), good, done.stdout)


# --- the groups ------------------------------------------------------------


def of_kind(top, kind, root, intermediate, owner):
    who = Holder(top, kind, KINDS[kind](), intermediate, authority=False)
    paths = {}
    for maker, by in ((OURS, "ours"), (THEIRS, "theirs")):
        for wrapper in WRAPPERS:
            paths[by, wrapper] = Path(top, "%s-%s-%s.layout" % (kind, by, wrapper))
            payload = layout(root, intermediate)
            write_layout(maker, paths[by, wrapper], payload, wrapper, owner)
    for maker, by in ((OURS, "ours"), (THEIRS, "theirs")):
        link = write_link(maker, Path(top, "links", kind, by), who)
        for (of, wrapper), path in paths.items():
            name = "%s, %s layout of %s, link of %s" % (kind, wrapper, of, by)
            check_both(name, path, link.parent, owner, True)
        document = json.loads(link.read_text())
        document["signed"]["command"] = ["other"]
        link.write_text(json.dumps(document))
        path = paths["theirs", "metablock"]
        check_both("%s, changed link of %s" % (kind, by), path, link.parent, owner, False)


def chains(top, root, other, intermediate, owner):
    who = Holder(top, "chains", KINDS["p256"](), intermediate, authority=False)
    links = write_link(THEIRS, Path(top, "links", "chains", "theirs"), who).parent
    path = Path(top, "chains.layout")
    (root_id,), (other_id,) = root.object(), other.object()
    for name, payload, passes in (
        ("another URI", layout(root, intermediate, URI + "/x"), False),
        ("a URI with an asterisk", layout(root, intermediate, "spiffe://example.com/*"), False),
        ("another root", layout(other, intermediate), False),
        ("the root by its id", layout(root, intermediate, roots=[root_id]), True),
        ("another root by its id", layout(root, intermediate, roots=[other_id]), False),
    ):
        write_layout(THEIRS, path, payload, "metablock", owner)
        check_both(name, path, links, owner, passes)
    payload = dict(layout(root, intermediate), intermediatecas={})
    write_layout(THEIRS, path, payload, "metablock", owner)
    given = ("-i", intermediate.cert)
    check_both("no intermediate", path, links, owner, False)
    check_both("the intermediate given", path, links, owner, True, *given)
    own = Path(top, "links", "chains", "ours")
    own = write_link(OURS, own, who, "--intermediate", intermediate.cert).parent
    check_both("the intermediate in the link, and given", path, own, owner, True, *given)
    done = verify(OURS, path, own, owner)
    check("the intermediate in the link: accepted by ours", done.returncode == 0, done.stdout)


def dsse_links(top, root, intermediate, owner):
    who = Holder(top, "dsse", KINDS["ed25519"](), intermediate, authority=False)
    links = write_link(OURS, Path(top, "links", "dsse"), who, "--use-dsse").parent
    path = Path(top, "dsse.layout")
    write_layout(OURS, path, layout(root, intermediate), "dsse", owner)
    done = verify(OURS, path, links, owner)
    check("DSSE link of ours: accepted by ours", done.returncode == 0, done.stdout)
    done = verify(THEIRS, path, links, owner)
    dropped = done.returncode == 1 and "empty Certificate" in done.stdout
    check("DSSE link of ours: theirs does not see the certificate", dropped, done.stdout)
    links = write_link(THEIRS, Path(top, "links", "dsse theirs"), who, "--use-dsse").parent
    check_both("DSSE link of theirs, without its certificate", path, links, owner, False)


def plain(top, kind, owner):
    """Functionaries known by their keys alone, in every pair of envelopes."""
    who = Holder(top, "plain-" + kind, KINDS[kind](), authority=False)
    shown = must(OURS, "key", "show", "--json", "--keyid-style", "legacy", who.pub, cwd=top)
    key = json.loads(shown.stdout)
    payload = layout(owner, owner)
    payload["keys"] = {key["keyid"]: key}
    # in-toto-golang writes none where there are none, and its signatures are over what it writes.
    del payload["rootcas"], payload["intermediatecas"]
    (step,) = payload["steps"]
    step["pubkeys"] = [key["keyid"]]
    del step["cert_constraints"]
    for maker, by in ((OURS, "ours"), (THEIRS, "theirs")):
        more = ("--keyid-style", "legacy") if maker == OURS else ()
        for wrapper in WRAPPERS:
            path = Path(top, "plain-%s-%s-%s.layout" % (kind, by, wrapper))
            write_layout(maker, path, payload, wrapper, owner)
            dsse = ("--use-dsse",) if wrapper == "dsse" else ()
            folder = Path(top, "links", "plain", kind, by, wrapper)
            link = write_link(maker, folder, who, *more, *dsse, cert=False)
            name = "%s key, %s of %s" % (kind, wrapper, by)
            check_both(name, path, folder, owner, True)
            document = json.loads(link.read_text())
            if wrapper == "dsse":
                text = base64.b64decode(document["payload"]).replace(b"echo", b"ECHO")
                document["payload"] = base64.b64encode(text).decode()
            else:
                document["signed"]["command"] = ["other"]
            link.write_text(json.dumps(document))
            check_both(name + ", changed link", path, folder, owner, False)


def main():
    with tempfile.TemporaryDirectory(prefix="linkwright-interop-go.") as top:
        root = Holder(top, "root", KINDS["p256"]())
        other = Holder(top, "other", KINDS["p256"]())
        intermediate = Holder(top, "intermediate", KINDS["p384"](), root)
        owner = Holder(top, "owner", KINDS["ed25519"]())
        for kind in KINDS:
            print("\n== %s" % kind, flush=True)
            of_kind(top, kind, root, intermediate, owner)
        print("\n== Chains and constraints", flush=True)
        chains(top, root, other, intermediate, owner)
        print("\n== Functionaries known by keys", flush=True)
        for kind in KINDS:
            plain(top, kind, owner)
        print("\n== DSSE links", flush=True)
        dsse_links(top, root, intermediate, owner)
    return total()


if __name__ == "__main__":
    sys.exit(main())
