// A small world: Merle sells, Ben buys, Ada knows both. They follow each other; there are posts, a vouch, a
// tab, and orders in several states. All of it comes about over the API, as any program would do it.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Node, until } from './souk.mjs';

const root = path.resolve(path.dirname(new URL(import.meta.url).pathname), '../..');
const SAMPLE = path.join(root, 'cli/assets/sample-products.csv');
export const ADDRESS = ['Ben Behrens', '1 Market Street', '12345 Anytown'];

export const sample = () => readFile(SAMPLE);

// Three nodes that know each other and nothing more.
export async function people() {
    const ada = await Node.start('Ada');
    const merle = await Node.start('Merle', { peers: [ada] });
    const ben = await Node.start('Ben', { peers: [ada, merle] });
    return { ada, merle, ben, all: [ada, merle, ben], stop: () => Promise.all([ada, merle, ben].map((node) => node.remove())) };
}

// The same three with everything that there is to see.
export async function world() {
    const they = await people();
    try {
        await introduce(they);
        await openShop(they.merle);
        await talk(they);
        they.tab = (await they.merle.command('grant_tab', { to: they.ben.author, limit: eur(30_000) })).tab;
        they.orders = await orders(they);
        return they;
    } catch (error) {
        await they.stop();
        throw error;
    }
}

export const eur = (minor) => ({ minor, currency: 'EUR' });

export async function introduce({ ada, merle, ben, all }) {
    const about = {
        Ada: 'Knows people, and where the good bread is.',
        Merle: 'Wood, wool and wax from the workshops around the harbour.',
        Ben: 'Looks around.',
    };
    for (const node of all) await node.command('set_profile', { name: node.name, about: about[node.name] });
    for (const who of all) {
        for (const whom of all) {
            if (who !== whom) await who.command('follow', { author: whom.author, public: true });
        }
    }
    await ada.command('vouch', { subject: ben.author, category: 'people', stands: true, why: 'Pays, always.' });
    await ada.command('vouch', { subject: merle.author, category: 'people', stands: true, why: 'Her things last.' });
    for (const who of all) {
        for (const whom of all) {
            await until(`${whom.name}'s name at ${who.name}'s node`, async () => (await who.find(`/profiles/${whom.author}`))?.name === whom.name);
        }
    }
    await until('the vouch at the merchant', async () => (await merle.read(`/profiles/${ben.author}`)).vouched_by.length > 0);
}

export async function openShop(merle) {
    await merle.command('set_shop', {
        currency: 'EUR',
        shipping_minor: 490,
        shipping_free_from_minor: 12_000,
        returns_days: 14,
        payment_instructions: 'IBAN DE89 3704 0044 0532 0130 00, Merle',
        accept_by_itself: false,
    });
    return merle.importFile(await sample());
}

export async function talk({ ada, merle, ben, all }) {
    const listings = await merle.all(`/shops/${merle.author}/listings`);
    const basket = listings.find((it) => it.handle === 'market-basket') ?? listings[0];
    const tag = { shop: merle.author, listing: basket.listing };
    const said = await merle.command('post', { text: 'The willow baskets are back. They creak for a week.', tags: [tag] });
    await until("the merchant's post at Ada's node", async () => ada.find(`/posts/${said.id}`));
    await ada.command('post', { text: 'Mine is nine years old and still creaks.', reply_to: said.id });
    await ada.command('react', { to: said.id, emoji: '🧺' });
    await ben.command('post', { text: 'Moving house next week. Who has boxes?' });
    await ada.command('post', { text: 'Saturday, eight o’clock, fish market. I bring the coffee.\n\nhttps://example.com/market' });
    for (const node of all) {
        await until(`the feed at ${node.name}'s node`, async () => (await node.read('/feed')).items.filter((it) => it.kind === 'post').length >= 3);
    }
    await until("the shop at the buyer's node", async () => (await ben.find(`/shops/${merle.author}`))?.listings === listings.length);
}

// The first variant that can be bought, of every listing.
export async function goods(node, shop) {
    const listings = await node.all(`/shops/${shop}/listings`);
    return listings
        .filter((it) => it.published)
        .flatMap((it) => {
            const variant = it.variants.find((one) => one.price?.minor > 0 && (one.available === null || one.available > 2));
            return variant ? [{ listing: it.listing, variant: variant.variant, title: it.title, price: variant.price }] : [];
        });
}

export async function asked(ben, merle, { listing, variant }, units = 1) {
    const lines = [{ listing, variant, units }];
    const { order } = await ben.command('ask_quote', { shop: merle.author, lines, country: 'DE', note: 'Thank you!' });
    await ben.order(order, 'quoted');
    return order;
}

export async function placed(ben, merle, what, rail = 'manual') {
    const order = await asked(ben, merle, what);
    await ben.eventually('place_order', { order, address: ADDRESS, rail });
    await merle.order(order, 'placed');
    return order;
}

// One order in each state that a person meets.
async function orders({ merle, ben, ada }) {
    const choice = await goods(ben, merle.author);
    assert.ok(choice.length > 4, 'the sample has things to sell');
    const at = (place) => choice[place % choice.length];
    const orders = {};
    await ben.command('save_address', { name: 'home', lines: ADDRESS, country: 'DE' });
    await until('the tab at the buyer', async () => (await ben.read('/tabs')).items.some((tab) => tab.limit_they_gave_minor > 0 && !tab.pending));

    // Paid by tab, delivered and reviewed.
    orders.completed = await placed(ben, merle, at(0), 'tab');
    await merle.command('accept_order', { order: orders.completed });
    await merle.order(orders.completed, 'receipted');
    await merle.command('ship_order', { order: orders.completed, carrier: 'by bicycle', tracking: 'B-1' });
    await ben.order(orders.completed, 'fulfilled');
    await ben.command('complete_order', { order: orders.completed });
    await merle.order(orders.completed, 'completed');
    await ben.command('review', { order: orders.completed, rating: 5, text: 'Just as described, and here within the day.' });
    const reviews = `/shops/${merle.author}/listings/${at(0).listing}/reviews`;
    await until("the review at Ada's node", async () => (await ada.find(reviews))?.items.length > 0);

    orders.quoted = await asked(ben, merle, at(1));
    orders.placed = await placed(ben, merle, at(2));
    orders.accepted = await placed(ben, merle, at(3));
    await merle.command('accept_order', { order: orders.accepted });
    await ben.order(orders.accepted, 'accepted');
    orders.declined = await placed(ben, merle, at(4));
    await merle.command('decline_order', { order: orders.declined, reason: 'The last one has a crack, I am sorry.' });
    await ben.order(orders.declined, 'declined');
    orders.cancelled = await placed(ben, merle, at(1));
    await ben.command('cancel_order', { order: orders.cancelled });
    await merle.order(orders.cancelled, 'cancelled');
    return orders;
}
