/** Picks a series: a button that opens a list, most recent first, with a search where the list is long. */
import type { SeriesInfo } from './answers.ts';
import { button, h, setAttributes, setText } from './dom.ts';
import { formatCount, formatDuration } from './format.ts';

export interface SeriesPickerOptions {
  readonly clock: () => number;
  readonly onPick: (series: string) => void;
  /** The list is about to be shown: fetch a fresh one. */
  readonly onOpen: () => void;
}

export interface SeriesPicker {
  readonly element: HTMLElement;
  update(series: readonly SeriesInfo[], chosen: string | undefined): void;
}

const SEARCH_FROM = 8;
const SHOWN = 200;

export function createSeriesPicker(options: SeriesPickerOptions): SeriesPicker {
  let all: readonly SeriesInfo[] = [];
  let chosen: string | undefined;
  const opener = button('–', { class: 'field', 'aria-haspopup': 'listbox', 'aria-expanded': 'false' }, () => toggle());
  const search = h('input', { type: 'search', placeholder: 'Search series', 'aria-label': 'Search series' });
  const list = h('div', { class: 'options', role: 'listbox', 'aria-label': 'Series', tabindex: -1 });
  const popover = h('div', { class: 'popover', hidden: true }, search, list);
  const element = h('div', { class: 'picker', 'data-role': 'series-picker' }, opener, popover);

  function toggle(open = popover.hidden): void {
    popover.hidden = !open;
    setAttributes(opener, { 'aria-expanded': String(open) });
    if (!open) return;
    options.onOpen();
    search.value = '';
    render();
    (search.hidden ? list : search).focus();
  }

  function pick(name: string): void {
    toggle(false);
    opener.focus();
    options.onPick(name);
  }

  function render(): void {
    const text = search.value.trim().toLowerCase();
    search.hidden = all.length < SEARCH_FROM;
    const found = all.filter(({ series }) => series.toLowerCase().includes(text));
    const rows = found.slice(0, SHOWN).map((info) => optionOf(info, info.series === chosen, options.clock(), pick));
    const more = found.length > SHOWN ? [h('p', { class: 'quiet' }, `${found.length - SHOWN} more: search`)] : [];
    const none =
      found.length === 0 ? [h('p', { class: 'quiet' }, all.length ? 'No such series' : 'No series yet')] : [];
    list.replaceChildren(...rows, ...more, ...none);
  }

  search.addEventListener('input', render);
  element.addEventListener('keydown', (event) => moveFocus(event, list, () => toggle(false)));
  document.addEventListener('pointerdown', (event) => {
    if (!popover.hidden && event.target instanceof Node && !element.contains(event.target)) toggle(false);
  });

  return {
    element,
    update(series, next) {
      all = series;
      chosen = next;
      setText(opener, next ?? 'no series yet');
      if (!popover.hidden && !list.contains(document.activeElement)) render();
    },
  };
}

function optionOf(info: SeriesInfo, selected: boolean, now: number, pick: (name: string) => void): HTMLElement {
  const attributes = { role: 'option', 'aria-selected': String(selected), 'data-series': info.series };
  const option = button('', attributes, () => pick(info.series));
  const age = `${formatDuration(Math.max(now - info.lastTime, 0))} ago`;
  option.append(h('span', {}, info.series), h('small', {}, `${formatCount(info.observations)} · ${age}`));
  return option;
}

function moveFocus(event: KeyboardEvent, list: HTMLElement, close: () => void): void {
  if (event.key === 'Escape') close();
  if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
  const options = [...list.querySelectorAll<HTMLElement>('[role=option]')];
  const at = options.findIndex((option) => option.contains(document.activeElement));
  const next = options[event.key === 'ArrowDown' ? at + 1 : Math.max(at - 1, 0)];
  event.preventDefault();
  next?.focus();
}
