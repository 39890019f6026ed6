// Without a mouse: Tab reaches everything that can be used on every screen, and one sees where it is; a post
// is written and sent, a thing is bought by keys alone; the palette and the keys do what they say.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Browser } from './browser.mjs';
import { screens } from './screens.mjs';
import { until } from './souk.mjs';
import { goods, world } from './world.mjs';

const STOPS_MAX = 400;
const full = process.env.SOUK_BROWSER === 'full';

let browser, they;
before(async () => {
    [browser, they] = await Promise.all([Browser.start(), world()]);
});
after(async () => {
    await browser?.stop();
    await they?.stop();
});

// Walks over a screen with Tab; gives back what was not reached, and where one did not see the focus.
async function walk({ page }) {
    await page.evaluate(() => {
        const look = (it) => [it, it.parentElement, it.parentElement?.parentElement, it.closest('form, li, article')].map((one) => {
            if (!one) return '';
            const { outlineStyle, outlineWidth, boxShadow, borderColor, backgroundColor } = getComputedStyle(one);
            return [outlineStyle === 'none' ? '' : outlineWidth, boxShadow, borderColor, backgroundColor].join();
        }).join('|');
        const stops = [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]')].filter((it) => {
            const box = it.getBoundingClientRect();
            const closed = it.closest('details:not([open])');
            const folded = closed && it !== closed.querySelector(':scope > summary');
            return !it.disabled && it.tabIndex >= 0 && box.width > 0 && box.height > 0 && !folded && getComputedStyle(it).visibility === 'visible';
        });
        // Of radio buttons with one name, one is a stop; the arrows lead to the others.
        const groups = new Map();
        const key = (it) => (it.type === 'radio' ? `${it.form?.id}/${it.name}` : it);
        for (const it of stops) groups.set(key(it), { told: it.outerHTML.slice(0, 120), plain: look(it), reached: false, seen: false });
        globalThis.walked = { groups };
        document.addEventListener('focusin', ({ target }) => {
            const found = groups.get(key(target));
            if (!found) return;
            found.reached = true;
            found.seen ||= look(target) !== found.plain;
        });
        document.activeElement?.blur();
        getSelection()?.removeAllRanges();
    });
    const count = await page.evaluate(() => globalThis.walked.groups.size);
    for (let stop = 0; stop < Math.min(count + 12, STOPS_MAX); stop += 1) await page.keyboard.press('Tab');
    return page.evaluate(() => {
        const all = [...globalThis.walked.groups.values()];
        return { missed: all.filter((it) => !it.reached).map((it) => it.told), unseen: all.filter((it) => it.reached && !it.seen).map((it) => it.told) };
    });
}

test('Tab reaches everything, and one sees where it is', async () => {
    const faults = [];
    for (const node of full ? they.all : [they.merle, they.ben]) {
        const visit = await browser.openPage(node);
        // What differs between the two: her shop, his order that waits for him.
        const some = node === they.merle ? ['/shop', '/shop/terms', '/shop/import'] : ['/', '/explore?in_stock=1', '/people', '/money', '/bag', '/settings'];
        const places = full ? await screens(visit) : new Map(some.map((place) => [place, place]));
        const state = node === they.merle ? 'placed' : 'quoted';
        places.set(state, `/orders/${they.orders[state]}`);
        const kinds = [...places];
        for (const [kind, place] of kinds) {
            await visit.go(place);
            const { missed, unseen } = await walk(visit);
            if (missed.length > 0) faults.push(`${node.name} ${kind}: not reached: ${missed.slice(0, 4).join(' ')}`);
            if (unseen.length > 0) faults.push(`${node.name} ${kind}: focus not seen: ${unseen.slice(0, 4).join(' ')}`);
        }
        await visit.close();
    }
    assert.deepEqual(faults, []);
});

// Presses Tab until something has the focus.
async function tabTo(page, selector) {
    for (let stop = 0; stop < STOPS_MAX; stop += 1) {
        if (await page.evaluate((wanted) => document.activeElement?.matches(wanted), selector)) return;
        await page.keyboard.press('Tab');
    }
    assert.fail(`Tab does not lead to ${selector}`);
}

test('a post and a purchase by keys alone', async () => {
    const { ben, merle } = they;
    const visit = await browser.openPage(ben);
    const { page } = visit;
    // The first stop leads past what stands on every screen.
    await page.keyboard.press('Tab');
    assert.equal(await page.evaluate(() => document.activeElement.getAttribute('href')), '#main');
    await page.keyboard.press('Enter');
    await tabTo(page, '#text');
    await page.keyboard.type('By keys alone.');
    await tabTo(page, '#compose button:not([name])');
    await Promise.all([page.waitForURL(/done=/), page.keyboard.press('Enter')]);
    await until('the post', async () => (await ben.read('/feed')).items.some((it) => it.body.text === 'By keys alone.'));

    const [first] = await goods(ben, merle.author);
    await visit.go(`/shops/${merle.author}/${first.listing}?variant=${first.variant}`);
    await tabTo(page, 'button[name="now"]');
    await Promise.all([page.waitForURL(/\/bag/), page.keyboard.press('Enter')]);
    await tabTo(page, 'button[name="go"][value="ask"]');
    await Promise.all([page.waitForURL(/\/orders\//), page.keyboard.press('Enter')]);
    const form = await visit.appears(visit.form('orders.place'), 'the quote');
    await form.waitFor();
    await tabTo(page, 'textarea[name="address"], input[name="rail"]');
    await tabTo(page, 'form:has([value="orders.place"]) button');
    await page.keyboard.press('Enter');
    const order = visit.path.match(/order-[^/?#]+/)[0];
    await merle.order(order, 'placed');
    visit.assertQuiet();
    await visit.close();
});

test('the palette, the search and the keys', async () => {
    const visit = await browser.openPage(they.ben);
    const { page } = visit;
    await page.keyboard.press('Control+k');
    await page.locator('dialog[open]').waitFor();
    await page.keyboard.type('orders');
    await Promise.all([page.waitForURL(/\/orders$/), page.keyboard.press('Enter')]);
    await page.keyboard.press('?');
    await page.locator('dialog[open]').waitFor();
    await visit.checkAxe('the list of keys');
    await page.keyboard.press('Escape');
    await page.locator('dialog[open]').waitFor({ state: 'detached' });
    await page.keyboard.press('g');
    await Promise.all([page.waitForURL(/\/money$/), page.keyboard.press('m')]);
    await page.keyboard.press('/');
    await page.keyboard.type('basket');
    await Promise.all([page.waitForURL(/\/explore\?q=basket/), page.keyboard.press('Enter')]);
    visit.assertQuiet();
    await visit.close();
});

test('a price is typed in peace, and a choice is taken at once', async () => {
    const visit = await browser.openPage(they.ben);
    const { page } = visit;
    await visit.go('/explore');
    await page.fill('#min', '5');
    await page.focus('#max');
    await page.waitForTimeout(300);
    assert.ok(!page.url().includes('min='), 'leaving a field sends nothing');
    await page.selectOption('#sort', 'newest');
    await until('the search', () => page.url().includes('sort=newest'));
    assert.ok(page.url().includes('min=5'), page.url());
});
