"""Checks the demo.

    demo_check.py --told FILE                      what `souk demo --json` printed into FILE
    demo_check.py --souk PROGRAM --catalog FILE    runs it with a product file: every product, variant and price
                                                   at the buyer, by the API of the nodes that --stay leaves up,
                                                   against the file as Python's own csv module reads it

Python's standard library alone.
"""

import argparse
import csv
import decimal
import http.cookiejar
import json
import os
import signal
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
from pathlib import Path

DEADLINE_S = 300
TRUE = ("receipt_verified", "review_at_friend")


def expect(held, words):
    if not held:
        sys.exit(f"demo: {words}")


def check_story(story):
    """What holds for any product file."""
    for field in TRUE:
        expect(story[field] is True, f"{field} is {story[field]!r}")
    expect(story["order_state"] == "completed", f"the order is {story['order_state']!r}")
    expect(story["processes"] == 3, f"{story['processes']} processes")
    expect(story["currency"] == "EUR", f"the currency is {story['currency']!r}")
    for what in ("listings", "variants"):
        there, here = story[f"{what}_in_file"], story[f"{what}_at_buyer"]
        expect(there == here and there > 0, f"{there} {what} in the file, {here} at the buyer")
    buyer, merchant = story["balance_buyer"], story["balance_merchant"]
    expect(minor(buyer) + minor(merchant) == 0 and minor(buyer) != 0, f"balances {buyer!r} and {merchant!r} are no two sides of one debt")
    expect(story["seconds"] and all(seconds >= 0 for seconds in story["seconds"].values()), "no step was timed")


def minor(balance):
    return balance["minor"] if isinstance(balance, dict) else balance


def products_of(file):
    """Handle → multiset of (option values, price in minor units), as the file has them."""
    products = {}
    with open(file, newline="", encoding="utf-8-sig") as lines:
        for row in csv.DictReader(lines):
            variants = products.setdefault(row["Handle"].strip(), [])
            options = tuple(v for v in ((row.get(f"Option{n} Value") or "").strip() for n in (1, 2, 3)) if v)
            if options or (row.get("Variant Price") or "").strip():
                variants.append((plain(options), cents(row["Variant Price"])))
    return {handle: sorted(variants) for handle, variants in products.items()}


def plain(options):
    """A product without options has one variant, which product files call 'Default Title'."""
    return () if list(options) == ["Default Title"] else tuple(options)


def cents(price):
    return int(decimal.Decimal(price.strip()) * 100)


class Node:
    """A node's API, entered by its one-time link."""

    def __init__(self, url):
        self.base = "{0.scheme}://{0.netloc}".format(urllib.parse.urlsplit(url))
        # Straight to loopback, whatever proxy the machine has.
        jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self.opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), jar)
        self.opener.open(url, timeout=30).read()

    def read(self, path):
        with self.opener.open(f"{self.base}/api/v1{path}", timeout=30) as answer:
            return json.load(answer)

    def items(self, path):
        after = None
        while True:
            query = {"limit": 200, **({"after": after} if after else {})}
            page = self.read(f"{path}?{urllib.parse.urlencode(query)}")
            yield from page["items"]
            after = page.get("next")
            if not after:
                return


def check_products(story, file):
    nodes = {node["name"]: Node(node["url"]) for node in story["nodes"]}
    shop = nodes["merchant"].read("/status")["author"]
    wanted = products_of(file)
    held = {}
    for listing in nodes["buyer"].items(f"/shops/{shop}/listings"):
        variants = [(plain(v["options"]), v["price"]["minor"]) for v in listing["variants"]]
        expect(listing["handle"] not in held, f"'{listing['handle']}' twice at the buyer")
        held[listing["handle"]] = sorted(variants)
        for variant in listing["variants"]:
            expect(variant["price"]["currency"] == story["currency"], f"a price of '{listing['handle']}' in {variant['price']}")
    for handle in wanted.keys() | held.keys():
        there, here = wanted.get(handle), held.get(handle)
        expect(there == here, f"'{handle}' is {there} in the file and {here} at the buyer")
    expect(story["listings_in_file"] == len(wanted), f"{story['listings_in_file']} listings counted, {len(wanted)} in the file")
    variants = sum(map(len, wanted.values()))
    expect(story["variants_in_file"] == variants, f"{story['variants_in_file']} variants counted, {variants} in the file")
    return len(wanted), variants


def run(souk, catalog):
    """The demo with a product file; its nodes are asked while it stays, and it must end cleanly after."""
    with tempfile.TemporaryDirectory() as home:
        environment = {**os.environ, "SOUK_HOME": str(Path(home) / "souk")}
        arguments = [souk, "demo", "--json", "--stay", "--catalog", catalog]
        demo = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, env=environment)
        signal.signal(signal.SIGALRM, lambda *_: demo.kill())
        signal.alarm(DEADLINE_S)
        try:
            story = story_of(demo.stdout)
            check_story(story)
            counts = check_products(story, catalog)
        finally:
            demo.send_signal(signal.SIGINT)
            code = demo.wait()
            signal.alarm(0)
    expect(code in (0, 130), f"it ended with {code}")
    return story, counts


def story_of(stdout):
    """The one object that --json prints, in one line or many; --stay keeps the output open behind it."""
    text = ""
    for line in stdout:
        text += line.decode()
        try:
            return json.loads(text)
        except json.JSONDecodeError:
            continue
    sys.exit(f"demo: no JSON object came, but {text[:500]!r}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--told")
    parser.add_argument("--souk")
    parser.add_argument("--catalog")
    arguments = parser.parse_args()
    if arguments.told:
        story, counts = json.loads(Path(arguments.told).read_text()), None
        check_story(story)
    else:
        story, counts = run(arguments.souk, arguments.catalog)
    steps = ", ".join(f"{step} {seconds:.2f} s" for step, seconds in story["seconds"].items())
    print(f"demo: {story['listings_at_buyer']} listings, {story['variants_at_buyer']} variants; {steps}")
    if counts:
        print("demo: {} products and {} variants at the buyer with every price as in the file".format(*counts))


main()
