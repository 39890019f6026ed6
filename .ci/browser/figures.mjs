// Figures of the pages, each a line of JSON: `page` (screens against the API's own time for the same data, in
// a real browser), `cold_start` (from the program's start until its page answers), `idle` (memory and time of
// a node with many connections that nobody uses). SOUK names the program, built in release.

import { readFile } from 'node:fs/promises';
import { Browser } from './browser.mjs';
import { Node, pause, until } from './souk.mjs';
import { world } from './world.mjs';

const SMALL = process.env.SOUK_BENCH === 'small';
const ROUNDS = SMALL ? 7 : 31;
const STARTS = SMALL ? 5 : 15;
const [CONNECTIONS, IDLE_MS] = SMALL ? [5, 10_000] : [50, 600_000];
const PAGE_BYTES = 4096;
const TICKS_A_SECOND = 100;

const sorted = (values) => values.toSorted((a, b) => a - b);
const rounded = (number) => Math.round(number * 1000) / 1000;
const median = (values) => sorted(values)[Math.floor(values.length / 2)];

function figure(name, value, baseline, unit, values, more = {}) {
    const line = { figure: name, value: rounded(value), baseline, unit, runs: values.length };
    console.log(JSON.stringify({ ...line, min: rounded(Math.min(...values)), max: rounded(Math.max(...values)), ...more }));
}

// From the request to the last byte, as the browser measured it: the screen, and then the same data of the API.
async function timed(page, screen, api) {
    await page.goto(screen, { waitUntil: 'load' });
    return page.evaluate(async (path) => {
        const [shown] = performance.getEntriesByType('navigation');
        performance.clearResourceTimings();
        await (await fetch(path)).text();
        const seen = await new Promise((found) => {
            const look = () => {
                const entry = performance.getEntriesByType('resource').find((one) => one.name.endsWith(path));
                if (entry) found(entry);
                else setTimeout(look, 1);
            };
            look();
        });
        const scripts = performance.getEntriesByType('resource').filter((one) => one.initiatorType === 'script');
        return {
            page: shown.responseEnd - shown.requestStart,
            usable: shown.domContentLoadedEventEnd - shown.requestStart,
            api: seen.responseEnd - seen.requestStart,
            scripts: scripts.length,
        };
    }, api);
}

async function pages() {
    const { ben, merle, stop } = await world();
    const browser = await Browser.start();
    try {
        const visit = await browser.openPage(ben);
        const shop = merle.author;
        const screens = [
            ['/', '/api/v1/feed?limit=30'],
            ['/explore', '/api/v1/search?limit=48'],
            [`/shops/${shop}`, `/api/v1/shops/${shop}/listings?limit=48`],
            ['/orders', '/api/v1/orders?limit=30'],
            ['/money', '/api/v1/tabs'],
        ];
        for (const [screen, api] of screens) {
            const times = [];
            for (let round = 0; round < ROUNDS; round += 1) {
                times.push(await timed(visit.page, ben.origin + screen, api));
            }
            const name = screen === '/' ? 'page' : `page_${screen.split('/')[1]}`;
            const ratios = times.map((time) => time.page / time.api);
            figure(name, median(ratios), 'the same data from the API', 'ratio', ratios, {
                page_ms: rounded(median(times.map((time) => time.page))),
                usable_ms: rounded(median(times.map((time) => time.usable))),
                api_ms: rounded(median(times.map((time) => time.api))),
            });
        }
    } finally {
        await browser.stop();
        await stop();
    }
}

async function coldStarts() {
    const times = [];
    for (let round = 0; round < STARTS; round += 1) {
        const begun = performance.now();
        const node = await Node.start('cold');
        const link = node.ready.login_url ?? (await node.link());
        const answer = await fetch(link, { redirect: 'manual' });
        const cookie = answer.headers.get('set-cookie').split(';')[0];
        const page = await fetch(`${node.origin}/`, { headers: { cookie } });
        if (page.status !== 200) throw new Error(`the page answers with ${page.status}`);
        await page.text();
        times.push((performance.now() - begun) / 1000);
        await node.remove();
    }
    figure('cold_start', median(times), 'a clock', 'seconds', times);
}

async function idle() {
    const node = await Node.start('idle');
    const others = [];
    for (let count = 0; count < CONNECTIONS; count += 1) others.push(await Node.start(`n${count}`, { peers: [node] }));
    await until('all connections', async () => (await node.read('/status')).peers.length >= CONNECTIONS);
    const { pid } = node.child;
    const seconds = async () => {
        const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1].split(' ');
        return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
    };
    const resident = async () => (Number((await readFile(`/proc/${pid}/statm`, 'utf8')).split(' ')[1]) * PAGE_BYTES) / 1e6;
    const [used, begun, sizes] = [await seconds(), performance.now(), []];
    while (performance.now() - begun < IDLE_MS) {
        await pause(1000);
        sizes.push(await resident());
    }
    const share = (await seconds() - used) / ((performance.now() - begun) / 1000);
    figure('idle', median(sizes), 'a clock', 'MB resident', sizes, { connections: CONNECTIONS, core_percent: Math.round(share * 10_000) / 100 });
    for (const one of [node, ...others]) await one.remove();
}

await pages();
await coldStarts();
await idle();
