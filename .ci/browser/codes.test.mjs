// Codes for cameras are read back by a reader of other people's: what a bank's app would see, in both colours.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Browser } from './browser.mjs';
import { until } from './souk.mjs';
import { goods, introduce, openShop, people, placed } from './world.mjs';

let browser, they, dir;
before(async () => {
    [browser, they, dir] = await Promise.all([Browser.start(), people(), mkdtemp(path.join(tmpdir(), 'souk-codes-'))]);
    await introduce(they);
    await openShop(they.merle);
});
after(async () => {
    await browser?.stop();
    await they?.stop();
    if (dir) await rm(dir, { recursive: true, force: true });
});

async function read(visit, name) {
    const code = visit.page.locator('figure.qr').first();
    await code.waitFor();
    const file = path.join(dir, `${name}.png`);
    await code.screenshot({ path: file });
    return execFileSync('zbarimg', ['--quiet', '--raw', file], { encoding: 'utf8' }).replace(/\n$/, '');
}

test('a transfer in euros is read with account, amount and reference', async () => {
    const { ben, merle } = they;
    await until('goods', async () => (await goods(ben, merle.author)).length > 0);
    const [what] = await goods(ben, merle.author);
    const order = await placed(ben, merle, what);
    await merle.command('accept_order', { order });
    const { total } = await ben.order(order, 'accepted');
    for (const theme of ['light', 'dark']) {
        const visit = await browser.openPage(ben, { theme, at: `/orders/${order}` });
        const lines = (await read(visit, `transfer-${theme}`)).split('\n');
        assert.deepEqual(lines.slice(0, 5), ['BCD', '002', '1', 'SCT', '']);
        assert.equal(lines[5], merle.name);
        assert.equal(lines[6], 'DE89370400440532013000');
        assert.equal(lines[7], `EUR${(total.minor / 100).toFixed(2)}`);
        assert.equal(lines[10], order);
        visit.assertQuiet();
        await visit.close();
    }
});

test("one's own code is one's id", async () => {
    const visit = await browser.openPage(they.ben, { theme: 'dark', at: '/people' });
    await visit.page.locator('details:has(figure.qr) > summary').click();
    assert.equal(await read(visit, 'me'), they.ben.author);
    await visit.close();
});
