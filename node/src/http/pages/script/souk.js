// What makes the pages quicker to use. Everything here works without it too.
import { live } from './live.js';
import { palette } from './palette.js';
import { drafts } from './drafts.js';

const words = document.getElementById('words')?.dataset ?? {};

// The word about the last deed is said once, not at every reload.
const address = new URL(location.href);
if (address.searchParams.has('done')) {
  address.searchParams.delete('done');
  history.replaceState(null, '', address);
}

// One deed for each touch: a second one would be the same form again.
document.addEventListener('submit', (event) => {
  const form = event.target;
  // What is downloaded leaves the page as it is.
  if (event.defaultPrevented || form.method !== 'post' || 'download' in form.dataset) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = '1';
  form.setAttribute('aria-busy', 'true');
});
// A page that comes back from the browser's memory may send again, and that is another deed.
addEventListener('pageshow', () => {
  for (const form of document.querySelectorAll('form[data-sent]')) {
    delete form.dataset.sent;
    form.removeAttribute('aria-busy');
    const once = form.elements.namedItem('once');
    if (once) once.value = crypto.randomUUID();
  }
});

// A choice that needs no button when there are scripts.
document.addEventListener('change', (event) => {
  // A text field is left on the way to the next one; only what is picked is done with.
  if (!event.target.matches('select, input[type=checkbox], input[type=radio]')) return;
  event.target.closest('form[data-at-once]')?.requestSubmit();
});

// Small menus close when one looks elsewhere.
document.addEventListener('click', (event) => {
  for (const open of document.querySelectorAll('details.pick[open]')) {
    if (!open.contains(event.target)) open.open = false;
  }
  const copied = event.target.closest('[data-copy]');
  if (copied) {
    navigator.clipboard?.writeText(copied.dataset.copy).then(() => {
      copied.classList.add('copied');
      document.getElementById('said').textContent = words.copied ?? '';
    });
  }
  if (event.target.closest('[data-print]')) print();
});

live();
palette();
drafts();
