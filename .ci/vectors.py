"""Opens spec/vectors/*.json from the bytes alone, by what spec/ says, sharing no code with the product.

Needs pynacl (Ed25519), blake3 and mnemonic (the BIP-39 word list). Says how many vectors it read, or
stops at the first that does not read as the files say.
"""

import base64
import hashlib
import json
import re
import sys
import unicodedata
from pathlib import Path

import blake3
import mnemonic
import nacl.bindings
import nacl.exceptions

VECTORS = Path(__file__).resolve().parent.parent / "spec" / "vectors"
ENVELOPE_BYTES_MAX, NESTING_MAX, ITEMS_MAX, KIND_BYTES_MAX = 32 * 1024, 8, 8 * 1024, 32
SCOPES = {"post": 1, "catalog": 2, "orders": 4, "community": 8}


class Refused(Exception):
    """Bytes that are not kept, and the class of the reason."""


def refuse_unless(held, reason):
    if not held:
        raise Refused(reason)


# ---- DAG-CBOR as souk uses it (spec/envelope.md) ----------------------------------------------


def check_form(data):
    """One item and nothing after it: definite lengths, no tags, floats or undefined; bounded."""
    at, open_levels, items = 0, [], 0
    while True:
        items += 1
        refuse_unless(items <= ITEMS_MAX, "too_many_items")
        refuse_unless(at < len(data), "cut")
        major, low = data[at] >> 5, data[at] & 31
        refuse_unless(major != 6 and not (major == 7 and low not in (20, 21, 22)) and low < 28, "forbidden")
        width = {24: 1, 25: 2, 26: 4, 27: 8}.get(low, 0)
        refuse_unless(at + 1 + width <= len(data), "cut")
        argument = int.from_bytes(data[at + 1 : at + 1 + width], "big") if width else low
        at += 1 + width
        if major in (2, 3):
            refuse_unless(at + argument <= len(data), "cut")
            at += argument
        if major in (4, 5):
            refuse_unless(len(open_levels) < NESTING_MAX, "too_deep")
            inside = argument * (2 if major == 5 else 1)
            refuse_unless(inside < 2**64, "too_many_items")
            if inside:
                open_levels.append(inside)
                continue
        while open_levels:
            open_levels[-1] -= 1
            if open_levels[-1]:
                break
            open_levels.pop()
        if not open_levels:
            refuse_unless(at == len(data), "trailing")
            return


def decode(data):
    """The value of bytes whose form was checked. Shortest heads, keys sorted, none twice."""
    value, at = item(data, 0)
    assert at == len(data)
    return value


def item(data, at):
    major, low = data[at] >> 5, data[at] & 31
    at += 1
    if major == 7:
        return {20: False, 21: True, 22: None}[low], at
    width = {24: 1, 25: 2, 26: 4, 27: 8}.get(low, 0)
    argument = int.from_bytes(data[at : at + width], "big") if width else low
    at += width
    least = {0: 0, 1: 24, 2: 1 << 8, 4: 1 << 16, 8: 1 << 32}[width]
    refuse_unless(argument >= least, "shape")
    if major == 0:
        return argument, at
    if major == 1:
        return -1 - argument, at
    if major == 2:
        return data[at : at + argument], at + argument
    if major == 3:
        try:
            return data[at : at + argument].decode("utf-8"), at + argument
        except UnicodeDecodeError:
            raise Refused("shape") from None
    if major == 4:
        items = []
        for _ in range(argument):
            one, at = item(data, at)
            items.append(one)
        return items, at
    entries, last = {}, None
    for _ in range(argument):
        key, at = item(data, at)
        refuse_unless(isinstance(key, str), "shape")
        order = (len(key.encode()), key.encode())
        refuse_unless(last is None or last < order, "shape")
        last = order
        entries[key], at = item(data, at)
    return entries, at


def read(data):
    check_form(data)
    return decode(data)


def encode(value):
    if value is None or isinstance(value, bool):
        return {None: b"\xf6", False: b"\xf4", True: b"\xf5"}[value]
    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        return head(3, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(map(encode, value))
    keys = sorted(value, key=lambda key: (len(key.encode()), key.encode()))
    return head(5, len(value)) + b"".join(encode(key) + encode(value[key]) for key in keys)


def head(major, argument):
    for low, width in ((None, 0), (24, 1), (25, 2), (26, 4), (27, 8)):
        if low is None and argument < 24:
            return bytes([major << 5 | argument])
        if low is not None and argument < 1 << 8 * width:
            return bytes([major << 5 | low]) + argument.to_bytes(width, "big")
    raise ValueError(argument)


def as_json(value):
    """A decoded value as the vectors write it."""
    if isinstance(value, bytes):
        return {"hex": value.hex()}
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, int):
        return {"int": str(value)} if abs(value) > 2**53 else value
    if isinstance(value, list):
        return [as_json(one) for one in value]
    return {key: as_json(one) for key, one in value.items()}


# ---- ids and keys (spec/identity.md) ----------------------------------------------------------

LENGTHS = {"author": 32, "device": 32, "order": 32, "tab": 32, "media": 32, "listing": 16, "variant": 8}
CID_HEAD = bytes([0x01, 0x71, 0x1E, 0x20])


def base32(data):
    return base64.b32encode(data).decode().lower().rstrip("=")


def id_text(kind, data):
    return "b" + base32(CID_HEAD + data) if kind == "envelope" else f"{kind}-{base32(data)}"


def id_bytes(kind, text):
    prefix = "b" if kind == "envelope" else kind + "-"
    refuse_unless(text.startswith(prefix), "prefix")
    rest = text[len(prefix) :]
    refuse_unless(re.fullmatch("[a-z2-7]*", rest), "base32")
    try:
        data = base64.b32decode(rest.upper() + "=" * (-len(rest) % 8))
    except ValueError:
        raise Refused("base32") from None
    refuse_unless(base32(data) == rest, "base32")
    if kind == "envelope":
        refuse_unless(data[:4] == CID_HEAD, "prefix")
        data = data[4:]
    refuse_unless(len(data) == LENGTHS.get(kind, 32), "length")
    return data


def hashed(data):
    return blake3.blake3(data).digest()


def derived(context, data, length=32):
    return blake3.blake3(data, derive_key_context=context).digest(length=length)


def public_key(secret):
    return nacl.bindings.crypto_sign_seed_keypair(secret)[0]


def is_weak(key):
    """Of small order: eight times the point is the neutral element. Computed here, by the curve's law."""
    p = 2**255 - 19
    d = -121665 * pow(121666, -1, p) % p
    y = int.from_bytes(key, "little")
    sign, y = y >> 255, (y & (1 << 255) - 1) % p
    square = (y * y - 1) * pow(d * y * y + 1, -1, p) % p
    x = pow(square, (p + 3) // 8, p)
    if (x * x - square) % p:
        x = x * pow(2, (p - 1) // 4, p) % p
    if (x * x - square) % p:
        return True  # no point of the curve at all
    if x % 2 != sign:
        x = -x % p
    for _ in range(3):
        t = d * x * x * y * y % p
        x, y = 2 * x * y * pow(1 + t, -1, p) % p, (y * y + x * x) * pow(1 - t, -1, p) % p
    return (x, y) == (0, 1)


def verify(key, message, signature):
    refuse_unless(not is_weak(key), "weak_key")
    # libsodium refuses weak keys, weak points in signatures and second forms of a signature by itself.
    try:
        nacl.bindings.crypto_sign_open(signature + message, key)
    except nacl.exceptions.BadSignatureError:
        raise Refused("signature") from None


def verify_grant(grant, author, device):
    terms = {"author": author, "device": device, "scopes": grant["scopes"], "epoch": grant["epoch"]}
    if "until" in grant:
        terms["until"] = grant["until"]
    verify(author, b"souk grant v1\0" + encode(terms), grant["sig"])


# ---- forms: what a map may hold ---------------------------------------------------------------


def number(bits):
    return lambda value: isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << bits


def some_bytes(length=None):
    return lambda value: isinstance(value, bytes) and length in (None, len(value))


def text(most):
    def holds(value):
        controls = lambda: any(unicodedata.category(c) == "Cc" and c not in "\n\t" for c in value)
        return isinstance(value, str) and len(value.encode()) <= most and not controls() and unicodedata.is_normalized("NFC", value)

    return holds


def truth(value):
    return isinstance(value, bool)


def some(form, most):
    """A list that is left out when it is empty."""
    return lambda value: isinstance(value, list) and 0 < len(value) <= most and all(map(form, value))


def not_empty(form):
    """A text that is left out when it is empty."""
    return lambda value: form(value) and value != ""


def fields(needed, optional=None):
    """A map with these fields and no others."""
    optional = optional or {}

    def holds(value):
        if not isinstance(value, dict) or not set(needed) <= set(value) <= set(needed) | set(optional):
            return False
        return all({**needed, **optional}[key](one) for key, one in value.items())

    return holds


key32 = some_bytes(32)
name, prose, tag = text(256), text(8 * 1024), text(64)
GRANT = fields(
    {"scopes": lambda value: number(16)(value) and 0 < value < 16, "epoch": number(32), "sig": some_bytes(64)},
    {"until": number(64)},
)
TIME = lambda value: isinstance(value, list) and len(value) == 2 and number(64)(value[0]) and number(32)(value[1])
CHAIN = lambda value: isinstance(value, list) and len(value) == 2 and number(64)(value[0]) and (value[1] is None or key32(value[1]))
CONTENT = fields(
    {"v": number(64), "kind": lambda v: isinstance(v, str) and len(v.encode()) <= KIND_BYTES_MAX, "author": key32, "device": key32, "time": TIME, "body": some_bytes()},
    {"grant": GRANT, "chain": CHAIN},
)

RECEIPT = fields(
    {"merchant": key32, "device": key32, "grant": GRANT, "listing": some_bytes(16), "buyer": key32, "purchase": some_bytes(16), "sig": some_bytes(64)}
)

# Kind: lane, scope, form of the body. `None`: this script knows the canonical form alone (spec/listing.md,
# order.md and settlement.md have the rest).
KINDS = {
    "profile": ("state", "post", fields({"name": name}, {"about": not_empty(prose), "links": some(name, 10)})),
    "follow": ("state", "post", fields({"who": key32, "stands": truth})),
    "post": (
        "log",
        "post",
        fields(
            {"text": prose},
            {
                "tags": some(fields({"shop": key32, "listing": some_bytes(16)}), 20),
                "reply_to": key32,
                "reshare": key32,
                "media": some(key32, 10),
            },
        ),
    ),
    "reaction": ("log", "post", fields({"to": key32, "emoji": text(32)})),
    "vouch": ("log", "post", fields({"subject": key32, "category": tag, "stands": truth}, {"why": not_empty(prose)})),
    "revoke": ("log", "post", fields({"device": key32, "last_seq": number(64)})),
    "shop": ("state", "catalog", None),
    "listing": ("state", "catalog", None),
    "stock": ("state", "catalog", None),
    "review": ("log", "post", fields({"receipt": RECEIPT, "rating": number(8)}, {"text": not_empty(prose)})),
    "order": ("sealed", "orders", None),
    "tab": ("sealed", "orders", None),
}


# What may not be the author: nobody follows, vouches for or trades with themselves.
OTHERS = {"follow": ["who"], "vouch": ["subject"], "order": ["to"], "tab": ["to"]}


def check_receipt(receipt, buyer):
    """The public half of a merchant's receipt (spec/social.md)."""
    refuse_unless(receipt["buyer"] == buyer and receipt["merchant"] != buyer, "rule")
    signed = {key: receipt[key] for key in ("merchant", "device", "listing", "buyer", "purchase")}
    try:
        verify_grant(receipt["grant"], receipt["merchant"], receipt["device"])
        refuse_unless(receipt["grant"]["scopes"] & SCOPES["orders"], "rule")
        verify(receipt["device"], b"souk receipt v1\0" + encode(signed), receipt["sig"])
    except Refused:
        raise Refused("rule") from None


def open_envelope(data):
    """Reads an envelope in the order that spec/envelope.md gives, or says why not."""
    refuse_unless(len(data) <= ENVELOPE_BYTES_MAX, "too_large")
    wire = read(data)
    refuse_unless(isinstance(wire, list) and len(wire) == 2 and some_bytes()(wire[0]) and some_bytes(64)(wire[1]), "shape")
    check_form(wire[0])
    content = version_first(wire[0])
    refuse_unless(CONTENT(content), "shape")
    author, device = content["author"], content["device"]
    if "grant" in content:
        verify_grant(content["grant"], author, device)
    else:
        refuse_unless(author == device, "signature")
    verify(device, b"souk envelope v1\0" + wire[0], wire[1])
    chain, kind = content.get("chain"), content["kind"]
    lane, scope, form = KINDS.get(kind, ("log" if chain else "state", None, None))
    refuse_unless((chain is not None) == (lane == "log"), "chain")
    if chain:
        refuse_unless(chain[0] > 0 and (chain[0] == 1) == (chain[1] is None), "chain")
    refuse_unless(kind in KINDS, "unknown_kind")
    if "grant" in content:
        refuse_unless(content["grant"]["scopes"] & SCOPES[scope], "scope")
        refuse_unless(content["time"][0] <= content["grant"].get("until", content["time"][0]), "expired")
    check_form(content["body"])
    try:
        body = decode(content["body"])
    except Refused:
        raise Refused("body") from None
    refuse_unless(form is None or form(body), "body")
    refuse_unless((kind == "revoke") == (author == device), "rule")
    refuse_unless(author not in [body[field] for field in OTHERS.get(kind, ())], "rule")
    if kind == "review":
        check_receipt(body["receipt"], author)
        refuse_unless(1 <= body["rating"] <= 5, "rule")
    return content, body


def version_first(data):
    """A later version may have another form: only `v` is looked at before it is known."""
    try:
        content = decode(data)
    except Refused:
        content = None
    if isinstance(content, dict) and number(64)(content.get("v")):
        refuse_unless(content["v"] == 1, "unknown_version")
    refuse_unless(content is not None, "shape")
    return content


# ---- the vectors ------------------------------------------------------------------------------


def load(file):
    return json.loads((VECTORS / f"{file}.json").read_text())


def same(what, expected, actual):
    if expected != actual:
        sys.exit(f"{what}: the vectors say {expected!r}, the bytes say {actual!r}")


def refused(what, reason, act):
    try:
        act()
    except Refused as refusal:
        if reason is not None:
            same(what, reason, str(refusal))
        return
    sys.exit(f"{what}: should have been refused")


def check_ids():
    ids = load("ids")
    for one in ids["texts"]:
        same("text", one["text"], id_text(one["type"], bytes.fromhex(one["bytes"])))
        same("bytes", one["bytes"], id_bytes(one["type"], one["text"]).hex())
    for one in ids["no_author"]:
        refused(one, None, lambda: id_bytes("author", one))
    same("envelope id", ids["envelope_id"]["text"], id_text("envelope", hashed(bytes.fromhex(ids["envelope_id"]["bytes"]))))
    for one in ids["listing_ids"]:
        data = id_bytes("author", one["shop"]) + one["handle"].encode()
        same("listing id", one["text"], id_text("listing", derived("souk 2026 listing id v1", data, 16)))
    for one in ids["variant_ids"]:
        data = id_bytes("listing", one["listing"])
        data += b"".join(len(v.encode()).to_bytes(8, "big") + v.encode() for v in one["values"])
        same("variant id", one["text"], id_text("variant", derived("souk 2026 variant id v1", data, 8)))
    for one in ids["tab_ids"]:
        low, high = sorted(id_bytes("author", one[side]) for side in ("one", "other"))
        data = low + high + one["currency"].encode()
        same("tab id", one["text"], id_text("tab", derived("souk 2026 tab id v1", data)))
    return sum(len(some_ids) for some_ids in ids.values())


def root_secret(words):
    seed = hashlib.pbkdf2_hmac("sha512", words.encode(), b"mnemonic", 2048)
    return derived("souk 2026 author root key v1", seed)


def check_phrases():
    phrases, words = load("phrase"), mnemonic.Mnemonic("english")
    for one in phrases["valid"]:
        same("words", one["words"], words.to_mnemonic(bytes.fromhex(one["entropy"])))
        secret = root_secret(one["words"])
        same("root secret", one["root_secret"], secret.hex())
        same("author", one["author"], id_text("author", public_key(secret)))
    for one in phrases["no_phrases"]:
        same(one, False, len(one.split()) == 24 and words.check(one))
    return len(phrases["valid"]) + len(phrases["no_phrases"])


def check_grants():
    grants = load("grants")
    for one in grants["valid"] + grants["invalid"]:
        grant = read(bytes.fromhex(one["hex"]))
        same(one["name"], True, GRANT(grant))
        for field in ("scopes", "epoch", "until"):
            same(one["name"], one[field], grant.get(field))
        check = lambda: verify_grant(grant, id_bytes("author", one["author"]), id_bytes("device", one["device"]))
        refused(one["name"], one["error"], check) if "error" in one else check()
    return len(grants["valid"]) + len(grants["invalid"])


def check_envelopes():
    file = load("envelopes")
    secret = root_secret(file["alice"]["words"])
    keys = {id_text("author", public_key(secret)), id_text("device", public_key(bytes.fromhex(file["alice"]["device_secret"])))}
    heads = {}
    for one in file["envelopes"]:
        data, what = bytes.fromhex(one["hex"]), one["name"]
        content, body = open_envelope(data)
        same(what, one["id"], id_text("envelope", hashed(data)))
        same(what, one["kind"], content["kind"])
        same(what, one["lane"], KINDS[content["kind"]][0])
        same(what, one["author"], id_text("author", content["author"]))
        same(what, one["device"], id_text("device", content["device"]))
        same(what, True, one["author"] in keys)
        same(what, one["time"], content["time"])
        same(what, one["body"], as_json(body))
        same(what, one["state_key"], state_key(content["kind"], body))
        same(what, one["to"], id_text("author", body["to"]) if one["lane"] == "sealed" else None)
        same(what, content["body"], encode(body))
        same(what, data, encode([encode(content), read(data)[1]]))
        if one["lane"] == "log":
            seq, prev = content["chain"]
            last, last_id = heads.get(content["device"], (0, None))
            same(what, (last + 1, last_id), (seq, prev))
            heads[content["device"]] = (seq, hashed(data))
            same(what, one["chain"], [seq, prev and id_text("envelope", prev)])
    return len(file["envelopes"])


def state_key(kind, body):
    """The key under which a state replaces an earlier one, in hexadecimal; none on other lanes."""
    if KINDS[kind][0] != "state":
        return None
    if kind == "follow":
        return body["who"].hex()
    if kind in ("listing", "stock"):
        return (body["listing"] + body["part"].to_bytes(2, "big")).hex()
    return ""


def check_invalid_envelopes():
    vectors = load("invalid_envelopes")
    for one in vectors:
        refused(one["name"], one["error"], lambda: open_envelope(bytes.fromhex(one["hex"])))
        newer = one["error"] in ("unknown_version", "unknown_kind")
        same(one["name"], "ignore" if newer else "reject", one["verdict"])
    return len(vectors)


def check_sync():
    file = load("sync_frames")
    for one in file["requests"] + file["answers"]:
        value = read(bytes.fromhex(one["hex"]))
        same("frame", one["value"], as_json(value))
        same("frame", one["hex"], encode(value).hex())
        same("one thing in a frame", True, value == "noted" or len(value) == 1)
    for one in file["no_requests"]:
        refused(one["name"], None, lambda: check_request(read(bytes.fromhex(one["hex"]))))
    check_digests(file["states_of_alice"])
    return sum(len(file[part]) for part in ("requests", "answers", "no_requests"))


def check_request(value):
    known = {"hello", "have", "pull", "buckets", "states", "find", "proofs", "changed", "deliver", "settle", "recall"}
    known |= {"pair", "together", "share", "sealed", "talk", "units", "counts", "regrant"}
    refuse_unless(isinstance(value, dict) and len(value) == 1 and set(value) <= known, "shape")
    ((what, asked),) = value.items()
    refuse_unless(what not in ("have", "pull", "proofs", "changed") or len(asked) <= 64, "too_many")
    refuse_unless(what != "recall" or len(asked["said"]) <= 64, "too_many")
    refuse_unless(what != "talk" or len(asked["piece"]) <= 512 * 1024, "too_large")
    refuse_unless(what != "states" or (len(asked["buckets"]) <= 256 and len(asked["have"]) // 8 <= 8192), "too_many")


def check_digests(digests):
    """Folds alice's states as spec/sync.md says; of one slot the newest stays."""
    slots = {}
    for one in load("envelopes")["envelopes"]:
        if one["lane"] == "state" and one["name"] != "last_moment_of_a_grant":
            slot = bytes([one["kind_number"]]) + bytes.fromhex(one["state_key"]) + id_bytes("device", one["device"])
            slots[slot] = max(slots.get(slot, ((), b"")), (tuple(one["time"]), id_bytes("envelope", one["id"])))
    buckets = [bytes(8)] * 256
    for slot, (_, id_) in slots.items():
        bucket = hashed(slot)[0]
        buckets[bucket] = bytes(a ^ b for a, b in zip(buckets[bucket], hashed(slot + id_)[:8]))
    same("buckets", digests["buckets"], b"".join(buckets).hex())
    same("root", digests["root"], str(int.from_bytes(hashed(b"".join(buckets))[:8], "big")))


def check_pairing():
    """The code, and what two devices make of it, as spec/devices.md says."""
    one = load("pairing")
    inviter, joiner = id_bytes("device", one["inviter"]), id_bytes("device", one["new_device"])
    secret, mine, theirs = (bytes.fromhex(one[name]) for name in ("secret", "inviters_nonce", "new_devices_nonce"))
    same("invitation", {"device": inviter, "secret": secret, "addresses": [one["address"]]}, invitation(one["code"]))
    for code in one["no_codes"]:
        refused("no code", None, lambda: invitation(code))
    derive = lambda what, *parts: blake3.blake3(b"".join(parts), derive_key_context=f"souk 2026 pairing {what} v1").digest()
    same("proof", one["proof"], derive("proof", secret, inviter, joiner).hex())
    same("commitment", one["commitment"], derive("commitment", theirs, joiner).hex())
    bits = int.from_bytes(derive("words", secret, inviter, joiner, mine, theirs), "big") >> (256 - 44)
    words = mnemonic.Mnemonic("english").wordlist
    same("words", one["words"], " ".join(words[bits >> shift & 2047] for shift in (33, 22, 11, 0)))
    return 1 + len(one["no_codes"])


def invitation(code):
    text = "".join(code.split()).lower()
    refuse_unless(text.startswith("pair-"), "code")
    text = text.removeprefix("pair-").upper()
    try:
        data = base64.b32decode(text + "=" * (-len(text) % 8))
    except ValueError:
        raise Refused("code") from None
    body = data[:-4]
    sum_ = blake3.blake3(body, derive_key_context="souk 2026 pairing code v1").digest()[:4]
    refuse_unless(sum_ == data[-4:], "checksum")
    return read(body)


def main():
    checks = (check_ids, check_phrases, check_grants, check_envelopes, check_invalid_envelopes, check_sync, check_pairing)
    for check in checks:
        try:
            count = check()
        except Refused as refusal:
            sys.exit(f"{check.__name__}: a valid vector was refused: {refusal}")
        print(f"{check.__name__.removeprefix('check_')}: {count} vectors read as they should")


main()
