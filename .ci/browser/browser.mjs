// A browser without a window, and pages in it that are watched: what the console says, what is asked of
// whom, whether a script ran that should not have.

import assert from 'node:assert/strict';
import { mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';

const here = path.dirname(new URL(import.meta.url).pathname);
// Where the two packages were installed; never beside this file.
const modules = process.env.SOUK_BROWSER_MODULES ?? path.resolve(here, '../../target/ci-browser');
const load = createRequire(path.join(modules, 'package.json'));
const { chromium } = load('playwright-core');
const axe = await readFile(load.resolve('axe-core/axe.min.js'), 'utf8');

const SHOTS = process.env.SOUK_SHOTS;
const CHROMIUM = process.env.SOUK_CHROMIUM ?? '/usr/bin/chromium';
// What axe looks for: all that can be decided without a person, the good practices among them.
const AXE_TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
// The rules whose answer depends on colours and widths.
export const BY_LOOK = ['color-contrast', 'target-size', 'scrollable-region-focusable', 'link-in-text-block'];
const LOCALES = { en: 'en-GB', de: 'de-DE', ar: 'ar-EG' };
// A function that no page may call: what others wrote tries to.
// Short, so that it fits into the shortest fields.
export const SENTINEL = 'xRan';

// How long something on a screen is waited for, and how often one without scripts looks again.
const WAIT_MS = 30_000;
const RELOAD_EVERY_MS = 250;
// How long a button may be covered, moving or absent.
const CLICK_MS = 10_000;

export class Browser {
    static async start() {
        const browser = new Browser();
        // A directory for the user's data is made anew by playwright and removed again.
        browser.chromium = await chromium.launch({
            executablePath: CHROMIUM,
            headless: true,
            args: [
                '--no-sandbox',
                '--disable-gpu',
                '--disable-quic',
                '--no-first-run',
                '--disable-background-networking',
                '--disable-component-update',
                '--disable-sync',
            ],
        });
        return browser;
    }

    // A window onto an origin, with nothing open in it yet.
    async #visit(node, { theme = 'light', lang = 'en', width, height, js = true }, further) {
        const context = await this.chromium.newContext({
            colorScheme: theme,
            locale: LOCALES[lang] ?? lang,
            viewport: { width, height },
            javaScriptEnabled: js,
            reducedMotion: 'reduce',
            timezoneId: 'Europe/Berlin',
            ...further,
        });
        const visit = new Visit(node, context, { js });
        await visit.begin();
        return visit;
    }

    // A page of a node's, logged in by a link.
    async openPage(node, { at = '/', ...screen } = {}) {
        const visit = await this.#visit(node, { width: 1280, height: 900, ...screen }, { acceptDownloads: true });
        await visit.go(new URL(await node.link()).href.slice(node.origin.length));
        if (at !== '/') await visit.go(at);
        return visit;
    }

    // A phone's browser, at an address whose certificate vouches for itself: a person compares it, here it is taken.
    async openPhone(link, { expect, ...screen } = {}) {
        const { origin } = new URL(link);
        const further = { ignoreHTTPSErrors: true, isMobile: true, hasTouch: true };
        const visit = await this.#visit({ origin }, { width: 390, height: 844, ...screen }, further);
        await visit.go(link.slice(origin.length), { expect });
        return visit;
    }

    async stop() {
        await this.chromium.close();
    }
}

// One browser's window onto one node.
export class Visit {
    constructor(node, context, { js }) {
        Object.assign(this, { node, context, js, faults: [], requests: [], ran: [] });
    }

    async begin() {
        // Heard before any script of a page: a policy that was broken is told to the document.
        await this.context.exposeFunction(SENTINEL, (what) => this.ran.push(`called: ${what}`));
        this.context.on('request', (request) => this.requests.push(request.url()));
        this.context.on('dialog', async (dialog) => {
            this.ran.push(`dialog: ${dialog.message()}`);
            await dialog.dismiss();
        });
        this.page = await this.context.newPage();
        this.watch(this.page);
        this.context.on('page', (page) => this.watch(page));
    }

    watch(page) {
        page.on('console', (message) => {
            if (message.type() === 'error' || message.type() === 'warning') {
                this.faults.push(`console ${message.type()}: ${message.text()} (${message.location().url})`);
            }
            if (message.text().includes(SENTINEL)) this.ran.push(`console: ${message.text()}`);
        });
        page.on('pageerror', (error) => this.faults.push(`exception: ${error.stack ?? error}`));
        page.on('crash', () => this.faults.push('the page crashed'));
    }

    // Goes to a path of the node's page; gives the answer's status.
    async go(where, { expect = 200 } = {}) {
        const response = await this.page.goto(this.node.origin + where, { waitUntil: 'load' });
        if (expect !== undefined) {
            assert.equal(response.status(), expect, `${where}: ${(await response.text()).slice(0, 400)}`);
        }
        return response.status();
    }

    get path() {
        return this.page.url().slice(this.node.origin.length);
    }

    // Nothing in the console, nothing asked of anybody else, no script that was not the page's own.
    assertQuiet(what = this.path) {
        const foreign = this.requests.filter((url) => !/^(data|blob|about):/.test(url) && new URL(url).origin !== this.node.origin);
        assert.deepEqual(foreign, [], `${what}: requests that leave the node's origin`);
        assert.deepEqual(this.faults, [], `${what}: the console`);
        assert.deepEqual(this.ran, [], `${what}: scripts that ran`);
    }

    // What axe finds, one line for each kind of fault.
    async axe({ only } = {}) {
        if (!(await this.page.evaluate(() => 'axe' in globalThis))) await this.page.evaluate(axe);
        const { violations } = await this.page.evaluate(
            (runOnly) => globalThis.axe.run(document, { runOnly, resultTypes: ['violations'], preload: false }),
            only ? { type: 'rule', values: only } : { type: 'tag', values: AXE_TAGS },
        );
        return violations.map((found) => {
            const nodes = found.nodes.slice(0, 4).map((node) => `${node.target.join(' ')}: ${node.failureSummary.split('\n').slice(1, 2).join('').trim()}`);
            return `${found.id} (${found.nodes.length}): ${nodes.join(' | ')}`;
        });
    }

    async checkAxe(what = this.path, options) {
        assert.deepEqual(await this.axe(options), [], `${what}: axe`);
    }

    // The form that asks for something, such as `talk.post`; one that has this value in a hidden field.
    form(act, key) {
        const with_key = key === undefined ? '' : `:has(input[name="key"][value="${key}"])`;
        return this.page.locator(`form:has(input[name="do"][value="${act}"])${with_key}`);
    }

    async fill(act, fields, key) {
        for (const [name, value] of Object.entries(fields)) {
            const field = this.form(act, key).locator(`[name="${name}"]`).first();
            const type = await field.evaluate((it) => (it.tagName === 'SELECT' ? 'select' : it.type));
            if (type === 'select') await field.selectOption(value);
            else if (type === 'checkbox' || type === 'radio') await this.form(act, key).locator(typeof value === 'string' ? `[name="${name}"][value="${value}"]` : `[name="${name}"]`).first().setChecked(value !== false);
            else await field.fill(String(value));
        }
    }

    // Presses the button of a form (the last one without a name, or `name` or `name-value`) and waits
    // for what it leads to: a form that was taken, unless it is to be refused.
    async submit(act, button, { key, refused = false } = {}) {
        const form = this.form(act, key).first();
        const [name, value] = (button ?? '').split('-');
        const chosen = button ? form.locator(`button[name="${name}"]${value ? `[value="${value}"]` : ''}`).first() : form.locator('button:not([name])').last();
        // Away from the bars above and below, as a person would have it.
        await chosen.evaluate((it) => it.scrollIntoView({ block: 'center' }));
        const sent = (response) => response.request().isNavigationRequest() && response.request().method() === 'POST';
        const [answer] = await Promise.all([this.page.waitForResponse(sent), chosen.click({ timeout: CLICK_MS })]);
        await this.page.waitForLoadState('load');
        assert.equal(answer.status() >= 400, refused, `${act} was answered with ${answer.status()}: ${(await this.page.locator('[role=alert]').allInnerTexts()).join(' ')}`);
    }

    // Waits until something stands on the screen: it comes by itself with scripts, and by a reload without.
    async appears(locator, what = String(locator)) {
        const end = Date.now() + WAIT_MS;
        for (;;) {
            const wait = this.js ? WAIT_MS : RELOAD_EVERY_MS;
            const seen = await locator.first().waitFor({ timeout: wait }).then(() => true, () => false);
            if (seen) return locator.first();
            assert.ok(!this.js && Date.now() < end, `${this.path}: waited in vain for ${what}`);
            await this.page.reload();
        }
    }

    // How many pixels of the page stand beside the window.
    sideways() {
        return this.page.evaluate(() => document.scrollingElement.scrollWidth - innerWidth);
    }

    async assertFits(what = this.path) {
        const beside = await this.sideways();
        if (beside <= 0) return;
        const widest = await this.page.evaluate(() => {
            const out = [...document.querySelectorAll('body *')].filter((it) => it.getBoundingClientRect().right > innerWidth + 1 || it.getBoundingClientRect().left < -1);
            return out.slice(0, 5).map((it) => `${it.tagName.toLowerCase()}.${it.className}`);
        });
        assert.fail(`${what}: ${beside} px stand beside the window: ${widest.join(', ')}`);
    }

    // A picture of the whole page, if somebody wants pictures.
    async shot(name) {
        if (!SHOTS) return;
        await mkdir(SHOTS, { recursive: true });
        await this.page.screenshot({ path: path.join(SHOTS, `${name.replace(/[^\w-]+/g, '-')}.png`), fullPage: true });
    }

    async close() {
        await this.context.close();
    }
}
