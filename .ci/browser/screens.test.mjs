// Every screen that links lead to, of a merchant's and of a buyer's node: in light and dark, in English and
// Arabic, wide and on a telephone. axe finds nothing, the console is quiet, nothing is asked of others,
// nothing stands beside the window. Pictures of each go where SOUK_SHOTS says.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { BY_LOOK, Browser } from './browser.mjs';
import { assertInert, screens } from './screens.mjs';
import { Node } from './souk.mjs';
import { world } from './world.mjs';

const full = process.env.SOUK_BROWSER === 'full';
// Every colour and every width; all pairs of them where there is time.
const LOOKS = [
    { theme: 'light', width: 1280 },
    { theme: 'dark', width: 360 },
    ...(full ? [{ theme: 'light', width: 360 }, { theme: 'dark', width: 1280 }] : []),
];

let browser, they, newcomer;
before(async () => {
    [browser, they, newcomer] = await Promise.all([Browser.start(), world(), Node.start('Neo')]);
});
after(async () => {
    await browser?.stop();
    await they?.stop();
    await newcomer?.remove();
});

// `name` is for the files of pictures.
async function look(visit, name, places, faults, tell) {
    const { page } = visit;
    const note = (what, error) => {
        faults.push(`${name} ${what}: ${error.message.split('\n').slice(0, 12).join(' ')}`);
        tell(faults.at(-1));
    };
    for (const [kind, address] of places) {
        const file = `${name}${kind === '/' ? '-feed' : kind.replaceAll('/', '-').replaceAll('*', 'one')}`;
        await page.emulateMedia({ colorScheme: 'light' });
        await page.setViewportSize({ width: 1280, height: 900 });
        try {
            await visit.go(address);
            await assertInert(visit);
        } catch (error) {
            note(address, error);
        }
        for (const [place, { theme, width }] of LOOKS.entries()) {
            await page.emulateMedia({ colorScheme: theme });
            await page.setViewportSize({ width, height: 900 });
            await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
            const rules = place === 0 ? {} : { only: BY_LOOK };
            for (const check of [() => visit.checkAxe(kind, rules), () => visit.assertFits()]) {
                await check().catch((error) => note(`${kind} ${theme} ${width} px`, error));
            }
            await visit.shot(`${file}-${theme}-${width}`);
        }
        try {
            visit.assertQuiet(address);
        } catch (error) {
            note(kind, error);
            visit.faults.length = visit.requests.length = 0;
        }
    }
}

for (const lang of ['en', 'ar']) {
    test(`every screen, ${lang}`, async (t) => {
        const faults = [];
        const people = { buyer: they.ben, merchant: they.merle, newcomer };
        const seen = new Set();
        for (const [name, node] of Object.entries(people)) {
            const visit = await browser.openPage(node, { lang });
            let places = await screens(visit);
            assert.ok(places.size > 10, 'there are screens');
            // One look at each kind is enough where time is short; a newcomer's are empty, and differ.
            if (!full) places = new Map([...places].filter(([kind]) => (node === newcomer ? lang === 'en' && !kind.includes('?') : !seen.has(kind) && (lang === 'en' || !kind.includes('?')))));
            for (const kind of places.keys()) seen.add(kind);
            // Orders look different in each state.
            if (node !== newcomer) {
                for (const [state, order] of Object.entries(they.orders).filter(([state]) => full || (lang === 'en') === (node === they.ben) || state === 'placed')) places.set(`/orders/${state}`, `/orders/${order}`);
            }
            assert.equal(await visit.page.evaluate(() => document.documentElement.lang), lang);
            assert.equal(await visit.page.evaluate(() => document.documentElement.dir || 'ltr'), lang === 'ar' ? 'rtl' : 'ltr');
            await look(visit, `${lang}-${name}`, places, faults, (line) => t.diagnostic(line));
            await visit.close();
        }
        assert.deepEqual([...new Set(faults)], []);
    });
}
