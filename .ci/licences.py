"""Checks what the dependency tree brings, from Cargo's own metadata: licences, bans and sources as in
`.deny.toml`, and the floors below which known faults of this stack lie. Takes the metadata on standard input:

    cargo metadata --locked --format-version 1 | python3 .ci/licences.py
"""

import json
import re
import sys
from pathlib import Path

try:
    import tomllib
except ModuleNotFoundError:  # before Python 3.11
    import tomli as tomllib

ROOT = Path(__file__).resolve().parent.parent
REGISTRY = "registry+https://github.com/rust-lang/crates.io-index"
# Advisory databases know little of this stack: these versions were measured (spec/threats.md).
FLOORS = {"libp2p": "0.57.1", "libp2p-gossipsub": "0.50.1", "yamux": "0.13.10", "quinn-proto": "0.11.15", "ed25519-dalek": "2.2.0"}


def version(text):
    return tuple(int(part) for part in re.match(r"\d+\.\d+\.\d+", text).group(0).split("."))


def allowed(expression, licences):
    """Whether a licence expression can be met with these licences alone. AND binds before OR."""
    tokens = re.findall(r"\(|\)|[^\s()]+", expression.replace("/", " OR "))

    def either():
        held = both()
        while tokens and tokens[0] == "OR":
            tokens.pop(0)
            held = both() or held
        return held

    def both():
        held = one()
        while tokens and tokens[0] == "AND":
            tokens.pop(0)
            held = one() and held
        return held

    def one():
        word = tokens.pop(0)
        if word == "(":
            held = either()
            tokens.pop(0)
            return held
        if tokens and tokens[0] == "WITH":
            word += " WITH " + tokens[1]
            del tokens[:2]
        return word in licences

    return either()


def findings(metadata, rules):
    licences = set(rules["licenses"]["allow"])
    banned = {entry["crate"] for entry in rules["bans"]["deny"]}
    for package in metadata["packages"]:
        name, source = f"{package['name']} {package['version']}", package["source"]
        if source not in (None, REGISTRY):
            yield f"{name} comes from {source}, not from crates.io"
        if not package["license"]:
            yield f"{name} names no licence"
        elif not allowed(package["license"], licences):
            yield f"{name} is under {package['license']}, which .deny.toml does not allow"
        if package["name"] in banned:
            yield f"{name} is banned in .deny.toml"
        for dependency in package["dependencies"] if source is None else ():
            if dependency["req"] == "*" and dependency.get("path") is None:
                yield f"{name} takes any version of {dependency['name']}"
    for crate, floor in FLOORS.items():
        versions = [version(p["version"]) for p in metadata["packages"] if p["name"] == crate]
        if not versions or min(versions) < version(floor):
            yield f"{crate} must be at least {floor}, is {versions or 'absent'}"


def self_test():
    licences = {"MIT", "Apache-2.0"}
    for expression, held in [
        ("MIT", True), ("GPL-3.0", False), ("MIT OR GPL-3.0", True), ("MIT AND GPL-3.0", False), ("MIT/GPL-3.0", True),
        ("(MIT OR GPL-3.0) AND Apache-2.0", True), ("Apache-2.0 WITH LLVM-exception", False), ("GPL-3.0 OR MIT AND GPL-2.0", False),
    ]:
        assert allowed(expression, licences) == held, expression
    package = {"name": "openssl-sys", "version": "1.0.0", "license": "GPL-3.0", "source": "git+https://example.org", "dependencies": []}
    rules = {"licenses": {"allow": ["MIT"]}, "bans": {"deny": [{"crate": "openssl-sys"}]}}
    found = list(findings({"packages": [package, {**package, "name": "libp2p", "version": "0.56.0"}]}, rules))
    for words in ("not from crates.io", "does not allow", "is banned", "libp2p must be at least 0.57.1"):
        assert any(words in finding for finding in found), words


def main():
    self_test()
    metadata = json.load(sys.stdin)
    found = list(findings(metadata, tomllib.loads((ROOT / ".deny.toml").read_text())))
    print("\n".join(found) or f"licences, sources, bans and floors hold over {len(metadata['packages'])} packages")
    sys.exit(bool(found))


main()
