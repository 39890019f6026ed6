// What others write stays text: texts that would run a script if they became anything else, in each text
// field of every kind of body, put there over the API; then the screens that show them are opened, with
// scripts on. A sentinel, the dialogs, the console and the policy stay silent, and nothing in the pages
// could run. SOUK_BROWSER=full opens every one of those screens instead of some of each kind.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Browser } from './browser.mjs';
import { packed, payloads } from './hostile.mjs';
import { assertInert, screens } from './screens.mjs';
import { Node, Refused, until } from './souk.mjs';
import { ADDRESS, goods, introduce, openShop } from './world.mjs';

const full = process.env.SOUK_BROWSER === 'full';
// Five hundred where there is time; `node/tests/http` puts as many through the same screens each time.
const COUNT = full ? 500 : 100;
const BATCH = 10;
// How many writes are on their way at a time.
const AT_ONCE = 16;
const some = (list, few = 5) => (full ? list : list.filter((_, place) => place % Math.ceil(list.length / few) === 0));

let browser, eve, ben, ada;
before(async () => {
    browser = await Browser.start();
    eve = await Node.start('Eve');
    ben = await Node.start('Ben', { peers: [eve] });
    ada = await Node.start('Ada', { peers: [eve, ben] });
    await introduce({ ada, merle: eve, ben, all: [eve, ben, ada] });
    await openShop(eve);
});
after(async () => {
    await browser?.stop();
    await Promise.all([eve, ben, ada].map((node) => node?.remove()));
});

// Opens screens of a node, and wants nothing to run there.
async function open(node, places, options = {}) {
    const visit = await browser.openPage(node, options);
    for (const place of places) {
        await visit.go(place);
        await assertInert(visit);
        visit.assertQuiet();
    }
    await visit.close();
}

// The screens of a node: all that links lead to, or where time is short those that show what others wrote.
async function everywhere(node, first = []) {
    const known = ['/', '/explore', '/bag', '/orders', '/money', '/people', '/notices', '/network', '/shop', '/settings', '/settings/addresses', '/settings/privacy'];
    if (!full) return [...known, ...first];
    const visit = await browser.openPage(node);
    const places = await screens(visit, [...known, ...first]);
    await visit.close();
    return [...places.values()];
}

// Sends a command that the node may refuse to write; says whether it did.
async function taken(node, name, fields) {
    try {
        return await node.command(name, fields);
    } catch (error) {
        const refused = error instanceof Refused && error.status === 422 && !/(unknown|missing) field/.test(error.message);
        assert.ok(refused, `${name}: ${error.message}`);
        return undefined;
    }
}

// The same for many, some at a time; the answers in their order.
async function takenAll(node, name, all) {
    const answers = [];
    for (let from = 0; from < all.length; from += AT_ONCE) {
        answers.push(...(await Promise.all(all.slice(from, from + AT_ONCE).map((fields) => taken(node, name, fields)))));
    }
    return answers;
}

test('what would run is noticed', async () => {
    const visit = await browser.openPage(ben);
    let ran = 0;
    for (const text of payloads(40)) {
        const html = `<!doctype html><title>x</title><p title="${text}">${text}</p>`;
        await visit.page.route('**/unescaped', (route) => route.fulfill({ contentType: 'text/html', body: html }));
        await visit.page.goto(`${ben.origin}/unescaped`, { waitUntil: 'load' });
        const inert = await assertInert(visit).then(() => true, () => false);
        if (visit.ran.length > 0) ran += 1;
        assert.ok(!inert || visit.ran.length === 0, `unnoticed: ${text}`);
        visit.ran.length = 0;
        await visit.page.unroute('**/unescaped');
    }
    assert.ok(ran > 12, `${ran} of 40 ran where nothing was escaped`);
    await visit.close();
});

test('names and words about oneself', async () => {
    const names = payloads(COUNT, 200);
    let count = 0;
    const visit = await browser.openPage(eve);
    for (const [place, name] of names.entries()) {
        if (!(await taken(eve, 'set_profile', { name, about: names.at(-1 - place) }))) continue;
        count += 1;
        if (!full && place % 25 !== 0) continue;
        await visit.go('/');
        await assertInert(visit);
        await visit.go(`/people/${eve.author}`);
        await assertInert(visit);
        visit.assertQuiet();
    }
    await visit.close();
    assert.ok(count > COUNT * 0.9, `${count} of ${COUNT} were taken`);
});

test('posts, answers and passing on', async () => {
    const texts = payloads();
    const answers = await takenAll(eve, 'post', texts.map((text) => ({ text })));
    const said = answers.flatMap((answer) => (answer ? [answer.id] : []));
    assert.ok(said.length > COUNT * 0.9, `${said.length} of ${COUNT} were taken`);
    // A post shows at most 200 answers.
    await takenAll(eve, 'post', texts.map((text, place) => ({ text, reply_to: said[Math.floor(place / 180)] })));
    await takenAll(eve, 'react', payloads(COUNT, 32).map((emoji, place) => ({ to: said[place % said.length], emoji })));
    for (const text of packed(texts, 8_000)) await taken(eve, 'post', { text, reshare: said[0] });
    await until("the posts at the reader's node", async () => (await ben.find(`/posts/${said.at(-1)}`)) !== undefined);
    const feed = async (node) => {
        const places = ['/'];
        for (let after = ''; places.length < (full ? 60 : 4); ) {
            const page = await node.read(`/feed?limit=30${after && `&after=${after}`}`);
            if (!page.next) break;
            after = page.next;
            places.push(`/?after=${after}`);
        }
        return places;
    };
    const posts = [0, 1, 2].map((place) => `/posts/${said[place]}`).concat(some(said).map((id) => `/posts/${id}`));
    await open(eve, [...(await feed(eve)), ...posts]);
    await open(ben, [...(await feed(ben)), ...posts]);
});

test('vouches and their categories', async () => {
    const texts = payloads(COUNT, 60);
    for (const why of packed(payloads(), 8_000)) await taken(eve, 'vouch', { subject: ben.author, category: 'people', stands: true, why });
    await takenAll(eve, 'vouch', texts.map((category) => ({ subject: ben.author, category, stands: true, why: category })));
    await open(eve, ['/', `/people/${ben.author}`, `/people/${eve.author}`]);
    await open(ben, ['/', `/people/${ben.author}`, `/people/${eve.author}`]);
});

test('listings: every field of a product file', async () => {
    const long = payloads();
    const short = payloads(COUNT, 60);
    const at = (list, place) => list[place % list.length];
    const product = (_, place) => ({
        handle: at(short, place),
        title: at(payloads(COUNT, 200), place),
        description: at(long, place),
        vendor: at(short, place + 1),
        category: at(short, place + 2),
        kind: 'physical',
        tags: [at(short, place + 3), at(short, place + 4)],
        published: true,
        options: [at(short, place + 5)],
        images: [[`https://example.com/${place}?${encodeURIComponent(at(short, place))}`, at(long, place + 6)]],
        variants: [0, 1].map((which) => ({ options: [`${which} ${at(short, place + 7)}`.slice(0, 60)], sku: at(short, place + 8), price_minor: 500 + which, tracked: true, quantity: 3 })),
    });
    const products = Array.from({ length: COUNT }, product);
    let count = 0;
    for (let from = 0; from < products.length; from += BATCH) {
        const batch = products.slice(from, from + BATCH);
        if (await taken(eve, 'import_listings', { products: batch })) count += batch.length;
        // One that is refused takes its batch with it: each alone, then.
        else count += (await takenAll(eve, 'import_listings', batch.map((one) => ({ products: [one] })))).filter(Boolean).length;
    }
    assert.ok(count > COUNT * 0.8, `${count} of ${COUNT} were taken`);
    const listings = await eve.all(`/shops/${eve.author}/listings`);
    await until("the listings at the buyer's node", async () => (await ben.find(`/shops/${eve.author}`))?.listings >= listings.length);
    for (const node of [eve, ben]) {
        const places = await everywhere(node, ['/explore?q=script', '/explore?view=list', `/shops/${eve.author}`]);
        const pages = some(listings).map((it) => `/shops/${eve.author}/${it.listing}`);
        await open(node, [...places, ...pages]);
    }
});

test('terms, orders, addresses, drafts', async () => {
    const texts = payloads();
    const refs = packed(payloads(COUNT, 130), 136);
    const words = packed(texts, 1_000);
    const names = packed(texts, 250);
    for (const payment_instructions of packed(texts, 8_000)) {
        await taken(eve, 'set_shop', { currency: 'EUR', shipping_minor: 490, returns_days: 14, payment_instructions });
    }
    for (const [place, name] of names.entries()) {
        await taken(ben, 'save_address', { name, lines: [name, names.at(-1 - place)], country: 'DE' });
        await taken(ben, 'save_draft', { name, text: texts[place] });
    }
    for (const text of packed(texts, 8_000)) await taken(ben, 'save_draft', { name: 'post', text });
    await open(ben, ['/']);

    const [first] = await goods(ben, eve.author);
    const rounds = full ? words.length : Math.min(words.length, 4);
    const orders = [];
    for (let place = 0; place < rounds; place += 1) {
        const note = words[place];
        const asked = await ben.command('ask_quote', { shop: eve.author, lines: [{ listing: first.listing, variant: first.variant, units: 1 }], country: 'DE', note });
        const order = asked.order;
        await ben.order(order, 'quoted');
        const address = [names[place % names.length], names[(place + 1) % names.length], ...ADDRESS.slice(1)];
        await ben.eventually('place_order', { order, address, rail: 'manual' });
        await eve.order(order, 'placed');
        if (place % 2 === 0) {
            await eve.command('decline_order', { order, reason: words[place] });
            await ben.order(order, 'declined');
        } else {
            await eve.command('accept_order', { order });
            await ben.order(order, 'accepted');
            await ben.command('pay_order', { order, reference: refs[place % refs.length] });
            await eve.eventually('payment_arrived', { order });
            await eve.eventually('ship_order', { order, carrier: refs[(place + 1) % refs.length], tracking: refs[(place + 2) % refs.length] });
            await ben.order(order, 'fulfilled');
            await ben.command('complete_order', { order });
            await ben.command('review', { order, rating: 1, text: texts.slice(place * 20, place * 20 + 40).join(' ') });
        }
        orders.push(`/orders/${order}`);
    }
    const receipts = orders.filter((_, place) => place % 2 === 1).map((order) => `${order}/receipt`);
    for (const node of [eve, ben]) {
        const places = await everywhere(node);
        await open(node, [...orders, ...receipts, ...places, `/shops/${eve.author}/${first.listing}`]);
    }
});
