// Two nodes and two browsers, scripts on: a price, and each step of an order, appear on the other side's open
// screen without a reload, and how long after arriving at its node is told (a second, where nothing else runs).

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Browser } from './browser.mjs';
import { until } from './souk.mjs';
import { asked, goods, introduce, openShop, people } from './world.mjs';


let browser, they, first;
before(async () => {
    [browser, they] = await Promise.all([Browser.start(), people()]);
    await introduce(they);
    await openShop(they.merle);
    await until('the shop to arrive', async () => (await they.ben.find(`/shops/${they.merle.author}`))?.listings > 5);
    [first] = await goods(they.ben, they.merle.author);
});
after(async () => {
    await browser?.stop();
    await they?.stop();
});

// How long a screen takes to show what has come to its node.
async function shown(what, arrived, locator) {
    await until(what, arrived, { every: 5 });
    const from = Date.now();
    await locator.first().waitFor({ timeout: 15_000 });
    const took = Date.now() - from;
    console.log(`${what} was shown after ${took} ms`);
}

test('a price', async () => {
    const { merle, ben } = they;
    const visit = await browser.openPage(ben, { at: `/shops/${merle.author}/${first.listing}?variant=${first.variant}` });
    await visit.page.evaluate(() => { globalThis.sameDocument = true; });
    await merle.command('edit_listing', { listing: first.listing, prices: { [first.variant]: { minor: 12_345, currency: 'EUR' } } });
    const arrived = async () => (await ben.read(`/shops/${merle.author}/listings/${first.listing}`)).variants.some((it) => it.price?.minor === 12_345);
    await shown('the price', arrived, visit.page.locator('#offer', { hasText: /123[.,]45/ }));
    assert.ok(await visit.page.evaluate(() => globalThis.sameDocument), 'the page was loaded anew');
    visit.assertQuiet();
    await visit.close();
});

test('each step of an order, on both sides', async () => {
    const { merle, ben } = they;
    const order = await asked(ben, merle, first);
    const [his, hers] = [await browser.openPage(ben, { at: `/orders/${order}` }), await browser.openPage(merle, { at: `/orders/${order}` })];
    for (const visit of [his, hers]) await visit.page.evaluate(() => { globalThis.sameDocument = true; });
    const at = (node, state) => async () => (await node.read(`/orders/${order}`)).state === state;
    const step = (visit, node, state, act) => shown(`${state} at ${node.name}'s`, at(node, state), visit.form(act));

    await ben.command('place_order', { order, address: ['Ben', '1 Market Street'], rail: 'manual' });
    await step(hers, merle, 'placed', 'orders.accept');
    await merle.command('accept_order', { order });
    await step(his, ben, 'accepted', 'orders.pay');
    await ben.command('pay_order', { order, reference: 'B1' });
    await merle.eventually('payment_arrived', { order });
    await shown('the form to send it', async () => (await merle.read(`/orders/${order}`)).next.includes('ship_order'), hers.form('orders.ship'));
    await merle.eventually('ship_order', { order, carrier: 'by bicycle', tracking: 'B-1' });
    await step(his, ben, 'fulfilled', 'orders.complete');
    for (const visit of [his, hers]) {
        assert.ok(await visit.page.evaluate(() => globalThis.sameDocument), 'the page was loaded anew');
        visit.assertQuiet();
        await visit.close();
    }
});
