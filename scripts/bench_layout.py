"""Writes a layout and two links of many artifacts with the reference's library, to be verified.

    bench_layout.py KEY ARTIFACTS RULES DIR

Each of the two steps has as many materials and products as asked, and lists of that many rules.
"""

import hashlib
import sys
from pathlib import Path

from cryptography.hazmat.primitives.serialization import load_pem_private_key
from in_toto.models.layout import Layout, Step
from in_toto.models.link import Link
from in_toto.models.metadata import Metablock
from securesystemslib.signer import CryptoSigner

ENDINGS = ("js", "ts", "json", "map", "md", "mjs", "c", "h")


def main():
    key, count, rules, folder = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4])
    signer = CryptoSigner(load_pem_private_key(Path(key).read_bytes(), None))
    keyid = signer.public_key.keyid
    artifacts = {}
    for index in range(count):
        part, package = divmod(index // 100, 1000)
        inner = f"node_modules/package-{package:04}/part-{part}"
        name = f"{inner}/file-{index:07}.{ENDINGS[index % 8]}"
        artifacts[name] = {"sha256": hashlib.sha256(name.encode()).hexdigest()}

    layout = Layout()
    layout.set_relative_expiration(months=12)
    layout.keys = {keyid: {**signer.public_key.to_dict(), "keyid": keyid}}
    # One folder of ten, with one ending of eight: rules that look at everything and take a part.
    shards = [f"*/package-0{part}*" for part in range(rules - 2)]
    by_ending = [f"{shard}.{ENDINGS[part % 8]}" for part, shard in enumerate(shards)]
    rest = [["ALLOW", "*"], ["DISALLOW", "*"]]
    matched = [["MATCH", shard, "WITH", "PRODUCTS", "FROM", "build"] for shard in shards]
    materials = {
        "build": [["ALLOW", pattern] for pattern in by_ending] + rest,
        "package": [*matched, ["MATCH", "*", "WITH", "PRODUCTS", "FROM", "build"], rest[1]],
    }
    products = [
        ["ALLOW" if part % 2 else "MODIFY", pattern] for part, pattern in enumerate(by_ending)
    ] + rest
    for name in ("build", "package"):
        step = Step(name=name, expected_materials=materials[name], expected_products=products)
        step.pubkeys = [keyid]
        layout.steps.append(step)
        link = Link(
            name=name, materials=artifacts, products=artifacts, command=["true"],
            byproducts={"return-value": 0, "stderr": "", "stdout": ""},
        )  # fmt: skip
        write(link, signer, folder / f"{name}.{keyid[:8]}.link")
    # Written last: where it is, the rest is complete.
    write(layout, signer, folder / "root.layout")


def write(payload, signer, path):
    metadata = Metablock(signed=payload)
    metadata.create_signature(signer)
    metadata.dump(str(path))


main()
