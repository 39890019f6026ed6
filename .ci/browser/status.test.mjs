// The page that a node opens with: in both themes and on a telephone, quiet and clean.

import { after, before, test } from 'node:test';
import { Browser } from './browser.mjs';
import { world } from './world.mjs';

let browser, they;
before(async () => {
    [browser, they] = await Promise.all([Browser.start(), world()]);
});
after(async () => {
    await browser?.stop();
    await they?.stop();
});

for (const look of [{ theme: 'light' }, { theme: 'dark' }, { theme: 'light', width: 360 }]) {
    test(`the first page, ${look.theme}, ${look.width ?? 1280} px`, async () => {
        for (const node of they.all) {
            const visit = await browser.openPage(node, look);
            await visit.shot(`first-${node.name}-${look.theme}-${look.width ?? 1280}`);
            visit.assertQuiet();
            await visit.checkAxe();
            await visit.assertFits();
            await visit.close();
        }
    });
}
