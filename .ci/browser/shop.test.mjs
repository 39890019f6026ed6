// From a product file to the first sale, by the owner's page: the shop is opened, a file is looked through
// and imported, a price and a number of units are changed in the grid, an order is accepted, its payment
// confirmed, and sent. Then the same shop from two devices.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import path from 'node:path';
import readline from 'node:readline';
import { Browser } from './browser.mjs';
import { Node, until } from './souk.mjs';
import { ADDRESS, sample } from './world.mjs';

let browser, merle, ben;
before(async () => {
    browser = await Browser.start();
    merle = await Node.start('Merle');
    ben = await Node.start('Ben', { peers: [merle] });
    await ben.command('follow', { author: merle.author });
});
after(async () => {
    await browser?.stop();
    await Promise.all([merle, ben].map((node) => node?.remove()));
});

const basket = async (node) => (await node.all(`/shops/${merle.author}/listings`)).find((it) => it.title === 'Willow Market Basket');

for (const js of [false, true]) {
    test(`a file becomes a shop, and a thing is sold, scripts ${js ? 'on' : 'off'}`, async () => {
        const visit = await browser.openPage(merle, { js, at: '/shop/terms' });
        const { page } = visit;
        await visit.fill('shop.terms', { currency: 'EUR', shipping: '4.90', returns_days: '14', payment: 'IBAN DE89 3704 0044 0532 0130 00' });
        await visit.submit('shop.terms');

        await visit.go('/shop/import');
        const upload = page.locator('form[action="/shop/import"]');
        await upload.locator('input[type=file]').setInputFiles({ name: 'products.csv', mimeType: 'text/csv', buffer: await sample() });
        await upload.locator('button').last().click();
        await page.waitForURL(/\/shop\/import\/.+/);
        assert.match(await page.locator('main').innerText(), js ? /./ : /Willow Market Basket/, 'what it would change is shown first');
        await visit.shot(`import-plan-${js ? 'again' : 'new'}`);
        await visit.submit('shop.import');
        await until('the import', async () => (await basket(merle)) !== undefined);
        await until("the goods at the buyer's node", async () => (await basket(ben)) !== undefined);

        // One price and one number of units, in the grid.
        const { listing, variants } = await basket(merle);
        const minor = js ? 7_500 : 7_400;
        await visit.go(`/shop?q=${encodeURIComponent('Willow Market Basket')}`);
        const price = page.locator(`[name^="price."][name*="${variants[0].variant}"], [name^="price."]`).first();
        await price.fill(String(minor / 100));
        await page.locator('[name^="stock."]').first().fill('9');
        await visit.submit('shop.rows');
        await until("the new price at the buyer's node", async () => {
            const [variant] = (await basket(ben)).variants;
            return variant.price.minor === minor && variant.available === 9;
        });

        const { order } = await ben.command('ask_quote', { shop: merle.author, lines: [{ listing, variant: variants[0].variant, units: 1 }], country: 'DE' });
        await ben.order(order, 'quoted');
        await ben.eventually('place_order', { order, address: ADDRESS, rail: 'manual' });
        await merle.order(order, 'placed');
        await visit.go('/shop');
        await page.locator(`#shop-orders a[href="/orders/${order}"]`).first().click();
        await visit.submit('orders.accept');
        await ben.order(order, 'accepted');
        await ben.command('pay_order', { order, reference: 'B1' });
        await visit.appears(visit.form('orders.arrived'), 'that the payment is on its way');
        await visit.submit('orders.arrived');
        await visit.appears(visit.form('orders.ship'), 'the form to send it');
        await visit.fill('orders.ship', { carrier: 'by bicycle', tracking: 'B-9' });
        await visit.submit('orders.ship');
        await ben.order(order, 'fulfilled');
        visit.assertQuiet();
        await visit.close();
    });
}

test('two devices change one listing, and both pages show both changes', async (t) => {
    // The first device invites and the second joins, as the owner would do it.
    const program = process.env.SOUK ?? path.resolve(path.dirname(new URL(import.meta.url).pathname), '../../target/debug/souk');
    const { code } = await merle.command('invite_device', { addresses: [merle.address] });
    const home = path.join(merle.dir, 'laptop');
    const joining = spawn(program, ['--home', home, '--json', 'device', 'join', code, '--name', 'laptop'], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [line] = await once(readline.createInterface({ input: joining.stdout }), 'line');
    const { words } = JSON.parse(line);
    await merle.eventually('confirm_device', { words });
    const [ended] = await once(joining, 'exit');
    assert.equal(ended, 0);
    const laptop = new Node();
    Object.assign(laptop, { name: 'laptop', dir: merle.dir, home, env: {} });
    await laptop.run(['--peer', merle.address]);
    t.after(() => laptop.stop());
    await until('the shop on the laptop', async () => (await laptop.read('/devices')).together && (await basket(laptop)) !== undefined);

    const { listing } = await basket(merle);
    const here = await browser.openPage(merle, { at: `/shop/${listing}` });
    const there = await browser.openPage(laptop, { at: `/shop/${listing}` });
    await here.fill('shop.listing', { title: 'Willow Market Basket, large' });
    await there.fill('shop.listing', { description: 'It creaks for a week.' });
    // Both had the form open before either sent it: neither takes back what the other changed.
    await here.submit('shop.listing');
    await there.submit('shop.listing');
    // First where the second change was made: if it is missing elsewhere, it was lost on its way.
    for (const node of [laptop, merle, ben]) {
        await until(`both changes at ${node.name}'s node`, async () => {
            const it = await node.find(`/shops/${merle.author}/listings/${listing}`);
            return it.title === 'Willow Market Basket, large' && it.description === 'It creaks for a week.';
        });
    }
    for (const visit of [here, there]) {
        visit.assertQuiet();
        await visit.close();
    }
});
