// What arrives shows itself: the node says that something happened, the screen is asked for again, and
// the parts of it that may change are put in place. What somebody is typing in stays as it is.

const PAUSE_MS = 60;
// The search index follows a shop's change a moment later.
const INDEXED_MS = 1500;
const words = document.getElementById('words')?.dataset ?? {};

// What somebody is typing, or has just sent, is not touched.
function busy(part) {
  if (part.contains(document.activeElement) && document.activeElement.matches('input, textarea, select')) return true;
  if (part.querySelector('form[data-sent], dialog[open]')) return true;
  const typed = (field) => field.type === 'checkbox' || field.type === 'radio' ? field.checked !== field.defaultChecked : field.value !== field.defaultValue;
  return [...part.querySelectorAll('input:not([type=hidden]), textarea')].some(typed);
}

const alike = (one, other) => one.nodeType === other.nodeType && one.nodeName === other.nodeName && (one.id ?? '') === (other.id ?? '');

// Changes what differs and leaves every other element what it was: what has the focus keeps it, and what is
// open stays open.
function change(held, fresh) {
  if (held.nodeType !== Node.ELEMENT_NODE) {
    if (held.data !== fresh.data) held.data = fresh.data;
    return;
  }
  // The keys of forms differ with each drawing, and an older one is as good.
  if (held.name === 'once') return;
  for (const { name } of [...held.attributes]) {
    if (!fresh.hasAttribute(name) && name !== 'open') held.removeAttribute(name);
  }
  for (const { name, value } of fresh.attributes) {
    if (held.getAttribute(name) !== value) held.setAttribute(name, value);
  }
  let at = held.firstChild;
  for (const wanted of [...fresh.childNodes]) {
    if (at && !alike(at, wanted)) {
      // Something that moved down because another thing came before it is found by its id.
      const moved = wanted.id && [...held.children].find((child) => child.id === wanted.id);
      if (moved) {
        held.insertBefore(moved, at);
        at = moved;
      } else {
        held.insertBefore(document.importNode(wanted, true), at);
        continue;
      }
    }
    if (at) {
      change(at, wanted);
      at = at.nextSibling;
    } else {
      held.append(document.importNode(wanted, true));
    }
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
  // A field that was ever typed in shows what it holds, whatever its attribute says: one that was put back must follow
  // too, or it would send an old number beside a new one. What is being typed is not touched at all.
  if (['INPUT', 'TEXTAREA'].includes(held.nodeName) && held.type !== 'file') {
    if (held.value !== fresh.value) held.value = fresh.value;
    if (held.checked !== fresh.checked) held.checked = fresh.checked;
  }
}

async function renew() {
  const answer = await fetch(location.href, { headers: { accept: 'text/html' } });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html');
  for (const part of document.querySelectorAll('[data-live]')) {
    const other = fresh.getElementById(part.id);
    if (other && !busy(part)) change(part, other);
  }
}

function say(text) {
  let line = document.getElementById('offline');
  if (!text) {
    line?.remove();
    return;
  }
  if (!line) {
    line = document.createElement('p');
    line.id = 'offline';
    line.className = 'notice bad float';
    line.setAttribute('role', 'alert');
    document.body.append(line);
  }
  line.textContent = text;
}

export function live() {
  if (!document.querySelector('[data-live]')) return;
  let waiting = 0;
  let running = false;
  const soon = () => {
    if (waiting) return;
    waiting = setTimeout(async () => {
      waiting = 0;
      if (running) {
        soon();
        return;
      }
      running = true;
      try {
        await renew();
      } catch {
        // The stream notices too, and says so.
      }
      running = false;
    }, PAUSE_MS);
  };
  let source;
  const open = () => {
    source = new EventSource('/api/v1/events');
    source.onopen = () => {
      say('');
      // What happened between the drawing of the screen and this moment, the stream does not tell.
      soon();
    };
    source.onerror = () => say(words.offline);
    for (const kind of ['said', 'profile_changed', 'shop_changed', 'order_moved', 'tab_moved', 'peer_came', 'peer_left', 'equivocated', 'device_asks', 'revoked', 'own_past', 'phones', 'gap']) {
      source.addEventListener(kind, soon);
    }
    source.addEventListener('shop_changed', () => setTimeout(soon, INDEXED_MS));
  };
  open();
  // Streams are few; one that nobody looks at is given back.
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) {
      source.close();
    } else if (source.readyState === EventSource.CLOSED) {
      open();
      soon();
    }
  });
  // A page that is left is not an error.
  addEventListener('pagehide', () => source.close());
  addEventListener('pageshow', (event) => {
    if (event.persisted) {
      open();
      soon();
    }
  });
  // Deadlines and "minutes ago" go on though nothing happens.
  setInterval(() => {
    if (!document.hidden) soon();
  }, 30000);
}
