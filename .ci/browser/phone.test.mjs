// A phone: let in by the owner's switch, paired by the code that its camera reads, used, still paired after the
// node was started anew, and thrown out.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { Browser } from './browser.mjs';
import { Node, until } from './souk.mjs';

const DEVICES = '/settings/devices';

let browser, ada, dir;
before(async () => {
    [browser, ada, dir] = await Promise.all([
        Browser.start(),
        Node.start('Ada', { args: ['--phones', '127.0.0.1:0'] }),
        mkdtemp(path.join(tmpdir(), 'souk-phone-')),
    ]);
    await ada.command('set_profile', { name: 'Ada', about: 'Knows people.' });
});
after(async () => {
    await browser?.stop();
    await ada?.remove();
    if (dir) await rm(dir, { recursive: true, force: true });
});

// What a camera reads off the owner's screen.
async function read(owner, name) {
    const code = owner.page.locator('#phones figure.qr');
    await code.waitFor();
    const file = path.join(dir, `${name}.png`);
    await code.screenshot({ path: file });
    return execFileSync('zbarimg', ['--quiet', '--raw', file], { encoding: 'utf8' }).replace(/\n$/, '');
}

const paired = async (count) => until(`${count} phones`, async () => (await ada.read('/status')).phones.paired === count);

// What a browser says in its console of an answer that is meant to be a refusal.
const forgive = (visit, ...statuses) => {
    visit.faults = visit.faults.filter((fault) => !statuses.some((status) => fault.includes(String(status))));
};

test('the card looks the same in every language, width and theme', async () => {
    for (const [lang, theme, width] of [['en', 'light', 1280], ['de', 'dark', 1280], ['ar', 'light', 390], ['en', 'dark', 390]]) {
        const name = `${lang}-${theme}-${width}`;
        const owner = await browser.openPage(ada, { lang, theme, width, at: DEVICES });
        await owner.shot(`phone-owner-off-${name}`);
        await owner.submit('node.phones', 'switch-on');
        await owner.shot(`phone-owner-on-${name}`);
        await owner.submit('node.phone');
        await owner.shot(`phone-owner-code-${name}`);
        await owner.assertFits(name);
        await owner.checkAxe(name);
        const link = await read(owner, name);
        const phone = await browser.openPhone(link, { lang, theme });
        await phone.shot(`phone-pair-${name}`);
        await phone.assertFits(name);
        await phone.checkAxe(name);
        await phone.go('/orders', { expect: 401 });
        await phone.shot(`phone-closed-${name}`);
        await phone.checkAxe(`${name}, closed`);
        forgive(phone, 401);
        phone.assertQuiet();
        await phone.close();
        await owner.go(DEVICES);
        await owner.submit('node.phones', 'switch-off');
        assert.equal((await ada.read('/status')).phones.on, false);
        owner.assertQuiet();
        await owner.close();
    }
});

for (const js of [false, true]) {
    test(`let in, paired, used, started anew, thrown out, scripts ${js ? 'on' : 'off'}`, async () => {
        const owner = await browser.openPage(ada, { js, at: DEVICES });
        await owner.submit('node.phones', 'switch-on');
        await owner.submit('node.phone');
        const link = await read(owner, `live-${js}`);
        assert.equal(link, (await owner.page.locator('#phone-code pre').first().innerText()).trim());
        assert.match(link, /^https:\/\/127\.0\.0\.1:\d+\/pair\/[\w-]{22,}$/);
        const print = (await owner.page.locator('.fingerprint').innerText()).trim();
        assert.match(print, /^([0-9A-F]{2}[:\s]){31}[0-9A-F]{2}$/);

        // A look does not use the code up.
        const other = await browser.openPhone(link, { expect: 200 });
        await other.close();
        let phone = await browser.openPhone(link, { js, expect: 200 });
        await phone.page.getByLabel('Name of this phone').fill(`Pocket ${js}`);
        await Promise.all([phone.page.waitForURL((url) => !url.pathname.startsWith('/pair/')), phone.page.getByRole('button').click()]);
        await paired(1);
        const [cookie] = (await phone.context.cookies()).filter(({ name }) => name.startsWith('__Host-souk-'));
        assert.deepEqual([cookie.httpOnly, cookie.secure, cookie.sameSite, cookie.path], [true, true, 'Strict', '/']);

        // It shows itself to the owner, with scripts without a reload.
        if (!js) await owner.go(DEVICES);
        await owner.page.locator('#paired b').getByText(`Pocket ${js}`).waitFor({ timeout: 10_000 });
        await owner.shot(`phone-owner-paired-${js ? 'live' : 'plain'}`);

        // The code is used up.
        const late = await browser.openPhone(link, { expect: 403 });
        await late.shot('phone-code-used');
        await late.close();

        const said = `From the tram, ${js}`;
        await phone.go('/');
        await phone.fill('talk.post', { text: said });
        await phone.submit('talk.post');
        await phone.page.getByText(said).first().waitFor();
        await phone.shot(`phone-feed-${js ? 'live' : 'plain'}`);
        await owner.go('/');
        await owner.appears(owner.page.getByText(said), 'the post of the phone');

        // What is not done from a phone is not offered there.
        for (const [where, name] of [['/settings', 'settings'], ['/welcome', 'welcome'], ['/more', 'more']]) {
            await phone.go(where);
            await phone.shot(`phone-${name}`);
            await phone.assertFits(where);
            if (js) await phone.checkAxe(where);
            assert.equal(await phone.page.locator('a[href^="/settings/devices"], a[href^="/settings/backup"], form[action$="/words"]').count(), 0, where);
        }
        await phone.go(DEVICES, { expect: 403 });
        await phone.shot('phone-not-here');
        forgive(phone, 403);
        phone.assertQuiet();

        // Another process, the same phone.
        const { port } = new URL(link);
        await ada.stop();
        await ada.run(['--phones', `127.0.0.1:${port}`]);
        await phone.go('/');
        await phone.page.getByText(said).first().waitFor();

        const again = await browser.openPage(ada, { js, at: DEVICES });
        await again.submit('node.phone-out');
        await paired(0);
        await phone.go('/', { expect: 401 });
        assert.match(await phone.page.locator('main').innerText(), /not paired/);
        await phone.go('/pair/nothing', { expect: 403 });
        await again.submit('node.phones', 'switch-off');
        assert.deepEqual(await ada.read('/status').then(({ phones }) => phones), { on: false, addresses: [], paired: 0 });
        await assert.rejects(phone.page.reload());
        again.assertQuiet();
        for (const visit of [again, owner, phone]) await visit.close();
    });
}
