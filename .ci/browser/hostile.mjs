// What somebody hostile would write into a text field, hoping that it becomes more than text. Made from
// contexts in which a text may end up, and vectors that would run a script there; each calls the sentinel
// with its own number, so that what ran can be named.

import { SENTINEL } from './browser.mjs';

// How a text may break out of where it stands; `#` is the vector's place.
const CONTEXTS = [
    '#',
    '">#',
    "'>#",
    '"/>#',
    '--># <!--',
    '</title>#',
    '</textarea>#',
    '</style>#',
    '</script>#',
    '</noscript>#',
    '</template>#',
    '</option></select>#',
    '<svg>#</svg>',
    '<math><mtext>#</mtext></math>',
    ']]>#',
    '\u2028#',
    '&quot;&gt;#',
    '%22%3E#',
    '\\">#',
    '**#**',
    '[#](#)',
    '`#`',
    'x\n\n#\n\nx',
    '{{#}}',
];

// What runs a script as an element.
const ELEMENTS = [
    (run) => `<script>${run}</script>`,
    (run) => `<ScRiPt >${run}</sCrIpT >`,
    (run) => `<img src=x onerror=${run}>`,
    (run) => `<img/src='x'/onerror="${run}">`,
    (run) => `<svg onload=${run}>`,
    (run) => `<svg><animate onbegin=${run} attributeName=x dur=1s>`,
    (run) => `<body onload=${run}>`,
    (run) => `<details open ontoggle=${run}>x</details>`,
    (run) => `<input autofocus onfocus=${run}>`,
    (run) => `<video><source onerror=${run}></video>`,
    (run) => `<iframe srcdoc="&lt;script&gt;parent.${run}&lt;/script&gt;"></iframe>`,
    (run) => `<iframe src="javascript:parent.${run}"></iframe>`,
    (run) => `<object data="javascript:${run}"></object>`,
    (run) => `<a href="javascript:${run}">go</a>`,
    (run) => `<form action="javascript:${run}"><button autofocus>go</button></form>`,
    (run) => `<meta http-equiv=refresh content="0;url=javascript:${run}">`,
    (run) => `<base href="javascript:${run}//">`,
    (run) => `<marquee onstart=${run}>x</marquee>`,
    (run) => `<style>@keyframes k{}*{animation:k 1s}</style><p onanimationstart=${run}>x`,
    (run) => `<link rel=stylesheet href="data:text/css,*{}" onload=${run}>`,
];

// What runs a script within an attribute, an address, a template or a script.
const TEXTS = [
    (run) => `javascript:${run}`,
    (run) => `JaVaScRiPt:${run}`,
    (run) => `java\tscript:${run}`,
    (run) => `data:text/html,<script>parent.${run}</script>`,
    (run) => `" autofocus onfocus="${run}`,
    (run) => `' onmouseover='${run}' x='`,
    (run) => `x onerror=${run} `,
    (run) => `[go](javascript:${run})`,
    (run) => `![x](x" onerror="${run})`,
    (run) => `<javascript:${run}>`,
    (run) => `https://example.com/"onclick="${run}`,
    (run) => `';${run};//`,
    (run) => `";${run};//`,
    (run) => `\`-${run}-\``,
    (run) => `\${${run}}`,
    (run) => `{{constructor.constructor('${run}')()}}`,
    (run) => `<%= ${run} %>`,
    (run) => `expression(${run})`,
    (run) => `url("javascript:${run}")`,
    (run) => `\u202e<script>${run}</script>`,
];

// `count` texts, none longer than `most` characters; each context and each vector is among them.
export function payloads(count = 500, most = 1_000) {
    const made = [];
    for (let number = 0; made.length < count; number += 1) {
        const run = `${SENTINEL}(${made.length})`;
        const vectors = [...ELEMENTS, ...TEXTS];
        // 24 contexts and 40 vectors have a common factor; the shift lets every pair come up.
        const round = Math.floor(number / vectors.length);
        const vector = vectors[number % vectors.length](run);
        const context = CONTEXTS[(number + round) % CONTEXTS.length];
        const text = context.replaceAll('#', () => vector);
        made.push(text.length <= most ? text : vector);
    }
    return made;
}

const bytes = (text) => Buffer.byteLength(text.normalize('NFC'));

// The same texts, as many together as a field of so many bytes takes. A field that costs a whole order is
// written a few times instead of hundreds of times; each text still stands in it as it was made.
export function packed(texts, most) {
    const packs = [];
    for (const text of texts.filter((one) => bytes(one) <= most)) {
        const last = packs.at(-1);
        if (last !== undefined && bytes(last) + bytes(text) + 1 <= most) packs[packs.length - 1] = `${last} ${text}`;
        else packs.push(text);
    }
    return packs;
}
