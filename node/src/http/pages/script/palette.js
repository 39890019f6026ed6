// The command palette (Ctrl-K), the list of keys (?), and single keys that lead to screens.

const words = document.getElementById('words')?.dataset ?? {};
const SEARCHED_MS = 120;

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function places() {
  return [...document.querySelectorAll('nav.rail a[href]:not(.brand)')].map((link) => ({
    label: link.querySelector('span')?.textContent ?? link.textContent,
    href: link.getAttribute('href'),
    key: link.dataset.key ?? '',
  }));
}

async function found(text) {
  const answer = await fetch(`/api/v1/search?${new URLSearchParams({ q: text, limit: 6 })}`);
  if (!answer.ok) return [];
  const { items } = await answer.json();
  return items.map((item) => ({ label: item.title, href: `/shops/${item.shop}/${item.listing}`, key: '' }));
}

function dialog(id, label) {
  document.getElementById(id)?.remove();
  const close = make('button', { class: 'quiet', value: 'close' }, words.close);
  const box = make('dialog', { id, class: 'palette', 'aria-label': label }, make('form', { method: 'dialog' }, make('h2', {}, label), close));
  document.body.append(box);
  box.addEventListener('click', (event) => {
    if (event.target === box) box.close();
  });
  box.addEventListener('close', () => box.remove());
  return box;
}

function openPalette() {
  const box = dialog('palette', words.palette);
  const list = make('ul', { id: 'palette-list', role: 'listbox', 'aria-label': words.palette });
  const field = make('input', {
    type: 'search', placeholder: words.paletteHint, 'aria-label': words.paletteHint, role: 'combobox',
    'aria-expanded': 'true', 'aria-controls': 'palette-list', autocomplete: 'off',
  });
  box.append(field, list);
  let at = 0;
  let shown = [];
  let turn = 0;
  const draw = () => {
    list.replaceChildren(...shown.map((one, place) => {
      const option = make('li', { role: 'option', id: `palette-${place}`, 'aria-selected': String(place === at) }, make('bdi', {}, one.label));
      option.addEventListener('click', () => go(one));
      return option;
    }));
    if (!shown.length) list.append(make('li', { class: 'meta', role: 'option', 'aria-selected': 'false' }, words.none));
    field.setAttribute('aria-activedescendant', shown.length ? `palette-${at}` : '');
    list.children[at]?.scrollIntoView({ block: 'nearest' });
  };
  const go = (one) => location.assign(one.href);
  const look = async () => {
    const mine = ++turn;
    const text = field.value.trim();
    const near = (one) => one.label.toLocaleLowerCase().includes(text.toLocaleLowerCase());
    shown = places().filter(near);
    at = 0;
    draw();
    if (!text) return;
    await new Promise((done) => setTimeout(done, SEARCHED_MS));
    if (mine !== turn) return;
    const more = await found(text).catch(() => []);
    if (mine !== turn) return;
    shown = [...shown, ...more];
    draw();
  };
  field.addEventListener('input', look);
  field.addEventListener('keydown', (event) => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      const step = event.key === 'ArrowDown' ? 1 : -1;
      at = shown.length ? (at + step + shown.length) % shown.length : 0;
      draw();
    } else if (event.key === 'Enter') {
      event.preventDefault();
      go(shown[at] ?? { href: `/explore?${new URLSearchParams({ q: field.value })}` });
    }
  });
  box.showModal();
  field.focus();
  look();
}

// Single keys are in the way of whoever steers by voice: they can be turned off, and this browser remembers it.
const KEYS_OFF = 'single-keys-off';
const singleKeys = () => localStorage.getItem(KEYS_OFF) === null;

function openKeys() {
  const box = dialog('keys', words.keys);
  const row = (keys, meaning) => make('div', {}, make('dt', {}, ...keys.map((key) => make('kbd', {}, key))), make('dd', {}, meaning));
  box.append(make('dl', {}, row(['Ctrl', 'K'], words.keyPalette), row(['/'], words.keySearch), row(['?'], words.keyKeys), row(['g'], words.keyGo), ...places().filter((one) => one.key).map((one) => row(['g', one.key], one.label))));
  const single = make('input', { type: 'checkbox' });
  single.checked = singleKeys();
  single.addEventListener('change', () => (single.checked ? localStorage.removeItem(KEYS_OFF) : localStorage.setItem(KEYS_OFF, '1')));
  box.append(make('label', { class: 'tick' }, single, ' ', words.keySingle));
  box.showModal();
}

export function palette() {
  let going = false;
  document.addEventListener('keydown', (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
      event.preventDefault();
      openPalette();
      return;
    }
    if (!singleKeys() && event.key !== '?') return;
    const typing = event.target.matches?.('input, textarea, select, [contenteditable]');
    if (typing || event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return;
    if (going) {
      going = false;
      const place = places().find((one) => one.key === event.key);
      if (place) location.assign(place.href);
    } else if (event.key === 'g') {
      going = true;
      setTimeout(() => { going = false; }, 1500);
    } else if (event.key === '/') {
      event.preventDefault();
      document.getElementById('find')?.focus();
    } else if (event.key === '?') {
      event.preventDefault();
      openKeys();
    }
  });
}
