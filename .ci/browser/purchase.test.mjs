// From the first run to the first purchase, through the page alone: a newcomer says who they are, follows a
// shop's owner, finds a thing, asks for its price, orders, pays, receives and reviews it. Once with scripts
// off, once with scripts on. And an order that lapses, since nobody did what was to be done.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Browser } from './browser.mjs';
import { Node, until } from './souk.mjs';
import { ADDRESS, openShop, placed, goods } from './world.mjs';

let browser, merle;
before(async () => {
    browser = await Browser.start();
    merle = await Node.start('Merle');
    await merle.command('set_profile', { name: 'Merle', about: 'Wood, wool and wax.' });
    await openShop(merle);
});
after(async () => {
    await browser?.stop();
    await merle?.remove();
});

for (const js of [false, true]) {
    test(`first run to first purchase, scripts ${js ? 'on' : 'off'}`, async () => {
        const node = await Node.start('Neo', { peers: [merle] });
        const visit = await browser.openPage(node, { js, width: js ? 1280 : 360 });
        const { page } = visit;

        // Who they are.
        await visit.go('/welcome');
        await visit.fill('node.profile', { name: `Neo ${js}` });
        await visit.submit('node.profile');
        assert.equal((await node.read('/profiles/me')).name, `Neo ${js}`);

        // Whom they follow: by the id that they were given.
        await visit.go('/people');
        await visit.fill('people.find', { who: merle.author });
        await visit.submit('people.find');
        await visit.submit('people.follow');
        await until('the shop to arrive', async () => (await node.find(`/shops/${merle.author}`))?.listings > 5);

        // What they want.
        await visit.go('/explore?q=basket');
        await page.getByRole('link', { name: /Willow Market Basket/ }).first().click();
        await page.waitForURL(/\/shops\/.+\/.+/);
        await page.getByRole('heading', { level: 1, name: 'Willow Market Basket' }).waitFor();
        assert.match(await page.locator('#offer').innerText(), /76[.,]90/, 'the total with shipping stands there before any form');
        await visit.submit('market.bag', 'now');
        assert.equal(new URL(page.url()).pathname, '/bag');
        await visit.fill('bag.units', { country: 'DE', note: 'Mind the dog.' });
        await visit.submit('bag.units', 'go-ask');
        assert.match(visit.path, /^\/orders\/order-/);
        const order = visit.path.match(/order-[^/?#]+/)[0];

        // The merchant's node answers by itself, within its deadline.
        await visit.appears(visit.form('orders.place'), 'the quote');
        await visit.fill('orders.place', { rail: 'manual', address: ADDRESS.join('\n') });
        await visit.shot(`purchase-quoted-${js ? 'live' : 'plain'}`);
        await visit.submit('orders.place');
        await merle.order(order, 'placed');
        assert.deepEqual((await merle.read(`/orders/${order}`)).address, ADDRESS);
        await merle.command('accept_order', { order });

        // They pay by the words that the merchant gave.
        await visit.appears(visit.form('orders.pay'), 'how to pay');
        assert.match(await page.locator('main').innerText(), /DE89 3704 0044 0532 0130 00/);
        await visit.submit('orders.pay');
        await merle.eventually('payment_arrived', { order });
        await merle.eventually('ship_order', { order, carrier: 'by bicycle', tracking: 'B-7' });

        await visit.appears(visit.form('orders.complete'), 'the goods on their way');
        assert.match(await page.locator('main').innerText(), /B-7/);
        await visit.submit('orders.complete');
        await visit.appears(visit.form('orders.review'), 'the review');
        await page.locator('input[name="rating"][value="5"]').check({ force: true });
        await visit.fill('orders.review', { text: 'It creaks.' });
        await visit.submit('orders.review');
        await merle.order(order, 'completed');
        const listing = (await merle.read(`/orders/${order}`)).lines[0].listing;
        await until('the review at the merchant', async () => (await merle.read(`/shops/me/listings/${listing}/reviews`)).items.some((one) => one.text === 'It creaks.'));

        await visit.go(`/orders/${order}/receipt`);
        assert.match(await page.locator('main').innerText(), /76[.,]90/);
        visit.assertQuiet();
        await visit.close();
        await node.remove();
    });
}

test('an order that nobody pays lapses', async () => {
    const ben = await Node.start('Ben', { peers: [merle] });
    await ben.command('follow', { author: merle.author });
    await until('the shop to arrive', async () => (await ben.find(`/shops/${merle.author}`))?.listings > 5);
    const [first] = await goods(ben, merle.author);
    const order = await placed(ben, merle, first);
    await merle.command('accept_order', { order });
    const { deadline } = await ben.order(order, 'accepted');
    assert.deepEqual([deadline.who, deadline.then], ['merchant', 'lapsed'], 'who may end it, and how');

    let visit = await browser.openPage(ben, { at: `/orders/${order}` });
    assert.equal(await visit.form('orders.lapse').count(), 0);
    await visit.close();

    // Both nodes sleep until the deadline is over.
    const days = Math.ceil((deadline.at - Date.now()) / 86_400_000) + 1;
    await Promise.all([merle.stop(), ben.stop()]);
    await merle.startAgain({ days });
    await ben.startAgain({ days, peers: [merle] });
    const mine = await browser.openPage(merle, { at: `/orders/${order}` });
    const button = mine.form('orders.lapse');
    // Whoever has the right may use it, or the node has done so itself.
    if ((await merle.read(`/orders/${order}`)).state !== 'lapsed') {
        await mine.appears(button, 'the right to let it lapse');
        await mine.submit('orders.lapse');
    }
    await merle.order(order, 'lapsed');
    await ben.order(order, 'lapsed');
    visit = await browser.openPage(ben, { at: `/orders/${order}` });
    for (const seen of [mine, visit]) {
        await seen.go(`/orders/${order}`);
        assert.equal(await seen.form('orders.pay').count(), 0);
        seen.assertQuiet();
        await seen.close();
    }
    await ben.remove();
});
