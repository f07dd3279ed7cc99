/** Shows the notice, and asks for a key where the server wants one. */
import { h, setAttributes } from './dom.ts';
import type { Notice } from './notice.ts';

export interface Banner {
  readonly element: HTMLElement;
  update(notice: Notice | undefined): void;
}

export function createBanner(onKey: (key: string) => void): Banner {
  const element = h('div', { class: 'banner', role: 'status', hidden: true, 'data-role': 'banner' });
  let shown = '';
  return {
    element,
    update(notice) {
      element.hidden = notice === undefined;
      const text = notice ? `${notice.title} ${notice.detail}` : '';
      if (!notice || text === shown) return;
      shown = text;
      element.className = `banner ${notice.tone}`;
      setAttributes(element, { 'data-code': notice.code });
      const form = notice.code === 'unauthorised' ? [keyForm(onKey)] : [];
      element.replaceChildren(h('strong', {}, notice.title), h('span', {}, notice.detail), ...form);
    },
  };
}

function keyForm(onKey: (key: string) => void): HTMLElement {
  const input = h('input', { type: 'password', class: 'field', 'aria-label': 'Key', autocomplete: 'off' });
  const form = h('form', { class: 'ask' }, input, h('button', { type: 'submit', class: 'primary' }, 'Use key'));
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    onKey(input.value.trim());
  });
  return form;
}
