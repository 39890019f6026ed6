// All screens that can be reached from the first one by links, one of each kind.

import assert from 'node:assert/strict';

const SCREENS_MAX = 120;
// What is no screen: files, and what answers programs.
const NO_SCREEN = /^\/(api|assets|metrics|healthz|login)(\/|$)/;

// An address without what varies: ids become `*`, a query keeps the names of its fields.
export function kind(address) {
    const url = new URL(address, 'http://souk.invalid');
    const parts = url.pathname.split('/').map((part) => (part.length > 20 || /^(author|listing|order|tab|device)-/.test(part) ? '*' : part));
    const names = [...new Set(url.searchParams.keys())].sort();
    return parts.join('/') + (names.length > 0 ? `?${names.join('&')}` : '');
}

// The addresses of all screens by their kind, those of `first` too.
export async function screens(visit, first = []) {
    const found = new Map();
    const waiting = ['/', ...first];
    while (waiting.length > 0) {
        const address = waiting.shift();
        if (found.has(kind(address))) continue;
        assert.ok(found.size < SCREENS_MAX, `more than ${SCREENS_MAX} kinds of screens: ${[...found.keys()].join(' ')}`);
        const response = await visit.page.goto(visit.node.origin + address, { waitUntil: 'domcontentloaded' });
        assert.equal(response.status(), 200, address);
        if (!/html/.test(response.headers()['content-type'] ?? '')) continue;
        found.set(kind(address), address);
        const links = await visit.page.evaluate(() =>
            [...document.querySelectorAll('a[href]')].filter((link) => !link.hasAttribute('download')).map((link) => link.href),
        );
        for (const link of links) {
            const url = new URL(link);
            // Filters can be put together in ever more ways; each alone is enough.
            if (url.origin !== visit.node.origin || NO_SCREEN.test(url.pathname) || [...url.searchParams].length > 1) continue;
            waiting.push(url.pathname + url.search);
        }
    }
    return found;
}

// What must never be in a page, whatever people wrote: elements and attributes that run something.
export async function assertInert(visit, what = visit.path) {
    const found = await visit.page.evaluate(() => {
        const told = (it) => it.outerHTML.slice(0, 200);
        const found = [...document.querySelectorAll('iframe, object, embed, base, applet, frame, meta[http-equiv], style')].map(told);
        for (const script of document.querySelectorAll('script')) {
            const own = script.src !== '' && new URL(script.src).origin === location.origin && script.textContent === '';
            const data = /^application\/(json|ld\+json)$/.test(script.type);
            if (!own && !data) found.push(told(script));
        }
        for (const it of document.querySelectorAll('*')) {
            for (const { name, value } of it.attributes) {
                const runs = /^(href|src|action|formaction|xlink:href|data|poster|srcdoc|background)$/.test(name);
                const address = value.replace(/[\s\u0000-\u001f]/g, '').toLowerCase();
                if (/^on/.test(name) || name === 'style' || name === 'srcdoc' || (runs && /^(javascript|data|vbscript):/.test(address))) {
                    found.push(`${name} of ${told(it)}`);
                }
            }
        }
        return found;
    });
    assert.deepEqual(found, [], `${what}: what could run`);
}
