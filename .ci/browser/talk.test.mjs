// Posts: written, answered, passed on and reacted to with scripts off and on; a draft outlives a reload; what
// arrives is shown within a second, without a reload and without disturbing whoever is typing.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Browser } from './browser.mjs';
import { until } from './souk.mjs';
import { introduce, people } from './world.mjs';

let browser, they;
before(async () => {
    [browser, they] = await Promise.all([Browser.start(), people()]);
    await introduce(they);
});
after(async () => {
    await browser?.stop();
    await they?.stop();
});

const post = async (node, text) => (await node.read('/feed')).items.find((entry) => entry.body.text === text);

for (const js of [false, true]) {
    test(`everything that one does with posts, scripts ${js ? 'on' : 'off'}`, async () => {
        const { ada, ben } = they;
        const said = `Fresh bread at noon, ${js}`;
        const ada_sees = await browser.openPage(ada, { js });
        await ada_sees.fill('talk.post', { text: said });
        await ada_sees.submit('talk.post');
        await ada_sees.page.getByText(said).first().waitFor();
        const { id } = await until('the post', () => post(ada, said));
        await until('the post at the other node', async () => ben.find(`/posts/${id}`));

        const ben_sees = await browser.openPage(ben, { js, at: `/posts/${id}` });
        await ben_sees.fill('talk.reply', { text: `Two for me, ${js}` });
        await ben_sees.submit('talk.reply');
        await ben_sees.page.getByText(`Two for me, ${js}`).first().waitFor();
        await ben_sees.go(`/posts/${id}`);
        await ben_sees.form('talk.react').locator('summary').first().click();
        await ben_sees.form('talk.react').first().locator('button[value="🎉"]').click();
        await until('the reaction', async () => (await ada.read(`/posts/${id}`)).reactions['🎉'] === 1);
        await ben_sees.go(`/posts/${id}`);
        await ben_sees.submit('talk.reshare');
        await until('the post passed on', async () => (await ben.read('/feed')).items.some((entry) => entry.body.reshare === id));

        await ada_sees.go(`/posts/${id}`);
        await until('the answer', async () => (await ada.read(`/posts/${id}`)).answers.length > 0);
        await ada_sees.go(`/posts/${id}`);
        await ada_sees.page.getByText(`Two for me, ${js}`).first().waitFor();

        // What is refused comes back with what was typed.
        await ben_sees.go('/');
        await ben_sees.fill('talk.post', { text: '   ' });
        await ben_sees.submit('talk.post', undefined, { refused: true });
        await ben_sees.page.getByRole('alert').waitFor();
        ben_sees.faults = ben_sees.faults.filter((fault) => !fault.includes('422'));
        for (const visit of [ada_sees, ben_sees]) {
            visit.assertQuiet();
            await visit.close();
        }
    });
}

test('a draft outlives a reload', async () => {
    const visit = await browser.openPage(they.ben);
    await visit.fill('talk.post', { text: 'Half a thought' });
    await until('the draft on the node', async () => (await they.ben.read('/drafts')).items.some((draft) => draft.text === 'Half a thought'));
    await visit.page.reload();
    assert.equal(await visit.form('talk.post').locator('[name=text]').inputValue(), 'Half a thought');
    await visit.fill('talk.post', { text: '' });
    await visit.submit('talk.post', 'keep');
    visit.assertQuiet();
    await visit.close();
});

test('a post shows itself while somebody else is typing', async () => {
    const { ada, ben } = they;
    const visit = await browser.openPage(ben);
    const field = visit.form('talk.post').locator('[name=text]');
    await field.fill('');
    await field.pressSequentially('I am writ');
    const { id } = await ada.command('post', { text: 'The ferry is late.' });
    await until('the post to arrive', async () => ben.find(`/posts/${id}`), { every: 5 });
    const arrived = Date.now();
    await visit.page.locator(`#post-${id}`).waitFor({ timeout: 10_000 });
    const took = Date.now() - arrived;
    console.log(`a post was shown after ${took} ms`);
    await field.pressSequentially('ing');
    assert.equal(await field.inputValue(), 'I am writing');
    visit.assertQuiet();
    await visit.close();
});
