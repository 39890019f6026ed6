// Real nodes: processes of the program that SOUK names, each with a directory of its own that goes with it.
// A node ends with this process, however it ends, since nobody holds its standard input then.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createWriteStream } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import readline from 'node:readline';

const PROGRAM = process.env.SOUK ?? path.resolve(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), '../../target/debug/souk');
// A library of Debian's that shows a process another date.
const ARCHITECTURE = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
const FAKETIME = process.env.SOUK_FAKETIME ?? `/usr/lib/${ARCHITECTURE}-linux-gnu/faketime/libfaketime.so.1`;
// How long anything that is awaited may take, and how often it is looked at.
export const DEADLINE_MS = 60_000;
const LOOK_EVERY_MS = 25;

export const pause = (ms) => new Promise((done) => setTimeout(done, ms));

// Waits until `look` gives something that is true, and gives that back.
export async function until(what, look, { deadline = DEADLINE_MS, every = LOOK_EVERY_MS } = {}) {
    const end = Date.now() + deadline;
    for (;;) {
        const seen = await look();
        if (seen) return seen;
        if (Date.now() > end) throw new Error(`waited ${deadline} ms in vain for ${what}`);
        await pause(every);
    }
}

export class Refused extends Error {
    constructor(status, body) {
        super(`${status}: ${JSON.stringify(body)}`);
        this.status = status;
        this.code = body?.error?.code;
    }
}

export class Node {
    // Starts a node that knows these others, and waits until it serves.
    static async start(name, { peers = [], args = [], home, env = {} } = {}) {
        const node = new Node();
        Object.assign(node, { name, env });
        node.dir = home ? path.dirname(home) : await mkdtemp(path.join(tmpdir(), `souk-browser-${name}-`));
        node.home = home ?? path.join(node.dir, 'home');
        await node.run(['--name', name, ...peers.flatMap((peer) => ['--peer', peer.address ?? peer]), ...args]);
        return node;
    }

    async run(args) {
        const log = createWriteStream(path.join(this.dir, 'log'), { flags: 'a' });
        await new Promise((open) => log.once('open', open));
        const words = ['--home', this.home, '--json', 'up', '--no-mdns', '--with-parent', '--api-port', '0'];
        this.child = spawn(PROGRAM, [...words, '--listen', '127.0.0.1:0', ...args], {
            stdio: ['pipe', 'pipe', log],
            env: { ...process.env, SOUK_LOG: 'warn', SOUK_HOME: undefined, ...this.env },
        });
        this.ended = new Promise((end) => this.child.once('exit', end));
        const lines = readline.createInterface({ input: this.child.stdout });
        const first = await Promise.race([
            new Promise((line) => lines.once('line', line)),
            this.ended.then((code) => Promise.reject(new Error(`${this.name}'s node ended with ${code}`))),
        ]);
        this.ready = JSON.parse(first);
        assert.ok(!this.ready.error, first);
        this.author = this.ready.author;
        this.origin = this.ready.api.replace(/\/api.*$/, '');
        this.address = this.ready.peer_addresses.find((address) => address.includes('/127.0.0.1/'));
        this.token = (await readFile(path.join(this.home, 'api.token'), 'utf8')).trim();
    }

    async ask(method, where, body, type = 'application/json') {
        const response = await fetch(`${this.origin}/api/v1${where}`, {
            method,
            headers: { authorization: `Bearer ${this.token}`, ...(body === undefined ? {} : { 'content-type': type }) },
            body: body === undefined || type !== 'application/json' ? body : JSON.stringify(body),
        });
        const text = await response.text();
        if (!response.ok) throw new Refused(response.status, parsed(text));
        return type === 'application/json' ? parsed(text) : text;
    }

    read(where) {
        return this.ask('GET', where);
    }

    // What may not be there yet.
    async find(where) {
        try {
            return await this.read(where);
        } catch (error) {
            if (error.status === 404) return undefined;
            throw error;
        }
    }

    command(name, fields = {}) {
        return this.ask('POST', '/commands', { do: name, ...fields });
    }

    // A command that may come too early: what it needs is on its way.
    async eventually(name, fields) {
        return until(`${this.name} to ${name}`, async () => {
            try {
                return await this.command(name, fields);
            } catch (error) {
                if (!(error instanceof Refused)) throw error;
                this.refusal = error.message;
                return undefined;
            }
        }).catch((error) => Promise.reject(new Error(`${error.message}; last: ${this.refusal}`)));
    }

    async all(where) {
        const items = [];
        for (let after = ''; ; ) {
            const page = await this.read(`${where}${where.includes('?') ? '&' : '?'}limit=200${after && `&after=${after}`}`);
            items.push(...page.items);
            if (page.next === null || page.next === undefined) return items;
            after = page.next;
        }
    }

    async importFile(file) {
        const lines = (await this.ask('POST', '/shop/import?drafts=true', file, 'text/csv')).trim().split('\n');
        const last = JSON.parse(lines.at(-1));
        assert.ok(last.done, lines.at(-1));
        return last.done;
    }

    // A link to the page; it works once.
    async link() {
        return (await this.ask('POST', '/login-links', {})).url;
    }

    async order(id, state) {
        return until(`order ${state} at ${this.name}'s node`, async () => {
            const order = await this.find(`/orders/${id}`);
            return order?.state === state && order;
        });
    }

    log() {
        return readFile(path.join(this.dir, 'log'), 'utf8');
    }

    async stop() {
        this.child.stdin.end();
        const late = setTimeout(() => this.child.kill('SIGKILL'), 15_000);
        await this.ended;
        clearTimeout(late);
    }

    // Starts it again on its directory, days later by the clock that it sees.
    async startAgain({ peers = [], days = 0 } = {}) {
        const later = { LD_PRELOAD: FAKETIME, FAKETIME: `+${days}d`, FAKETIME_DONT_FAKE_MONOTONIC: '1' };
        this.env = days > 0 ? later : {};
        await this.run(peers.flatMap((peer) => ['--peer', peer.address]));
    }

    async remove() {
        await this.stop();
        await rm(this.dir, { recursive: true, force: true });
    }
}

function parsed(text) {
    try {
        return text === '' ? {} : JSON.parse(text);
    } catch {
        return text;
    }
}
