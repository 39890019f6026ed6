// What is being written is kept on the node while it is written, so a closed window loses nothing.

const PAUSE_MS = 700;
const words = document.getElementById('words')?.dataset ?? {};

async function keep(name, text) {
  const answer = await fetch('/api/v1/commands', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ do: 'save_draft', name, text }),
    keepalive: true,
  });
  return answer.ok;
}

export function drafts() {
  for (const form of document.querySelectorAll('form[data-draft]')) {
    const field = form.querySelector('textarea');
    let timer = 0;
    let kept = field.value;
    const save = async () => {
      clearTimeout(timer);
      if (form.dataset.sent || field.value === kept) return;
      const text = field.value;
      if (await keep(form.dataset.draft, text).catch(() => false)) {
        kept = text;
        field.title = words.kept ?? '';
      }
    };
    field.addEventListener('input', () => {
      clearTimeout(timer);
      timer = setTimeout(save, PAUSE_MS);
    });
    addEventListener('pagehide', save);
  }
}
