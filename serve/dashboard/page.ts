/** The page's frame: where everything is. It knows no data. */
import { button, h, svg } from './dom.ts';

export interface PageParts {
  readonly streamSelect: HTMLSelectElement;
  readonly range: HTMLElement;
  readonly truthKey: HTMLElement;
  readonly followButton: HTMLButtonElement;
  readonly channels: HTMLElement;
  readonly plane: HTMLElement;
}

export interface PageActions {
  zoom(factor: number): void;
  fit(): void;
  toggleFollow(): void;
}

export interface PageSlots {
  readonly seriesPicker: HTMLElement;
  readonly status: HTMLElement;
  readonly banner: HTMLElement;
  readonly error: HTMLElement;
  readonly ask: HTMLElement;
  readonly model: HTMLElement;
}

export function buildPage(root: HTMLElement, slots: PageSlots, actions: PageActions): PageParts {
  const parts = {
    streamSelect: h('select', { class: 'field', id: 'stream' }),
    range: h('span', { class: 'quiet range', 'data-role': 'range' }),
    truthKey: key('truth', 'truth'),
    followButton: button('Follow', { 'aria-pressed': 'true', class: 'small' }, actions.toggleFollow),
    channels: h('div', { class: 'channels-place', 'data-role': 'charts' }),
    plane: h('section', { class: 'card plane-card', 'aria-label': 'Plane', hidden: true }),
  };
  parts.truthKey.hidden = true;
  parts.followButton.hidden = true;
  root.replaceChildren(header(slots, parts), content(slots, parts, actions));
  return parts;
}

function header({ seriesPicker, status }: PageSlots, { streamSelect }: PageParts): HTMLElement {
  return h(
    'header',
    {},
    h('h1', {}, mark(), 'odecast'),
    h('label', { for: 'stream' }, 'Stream'),
    streamSelect,
    h('span', { class: 'label' }, 'Series'),
    seriesPicker,
    status,
  );
}

function content({ banner, error, ask, model }: PageSlots, parts: PageParts, actions: PageActions): HTMLElement {
  const zoom = h(
    'div',
    { class: 'tools', role: 'group', 'aria-label': 'Range of time' },
    button('−', { class: 'small', 'aria-label': 'Zoom out' }, () => actions.zoom(1.6)),
    button('+', { class: 'small', 'aria-label': 'Zoom in' }, () => actions.zoom(1 / 1.6)),
    button('Fit', { class: 'small' }, actions.fit),
    parts.followButton,
  );
  const legend = h(
    'div',
    { class: 'legend' },
    key('points', 'observed'),
    key('past', 'interpolated'),
    key('future', 'forecast'),
    key('bands', '50, 80, 95 %'),
    parts.truthKey,
  );
  const bar = h('div', { class: 'bar' }, legend, parts.range, zoom);
  const view = h('section', { class: 'card view', 'aria-label': 'Forecast' }, bar, banner, parts.channels);
  const left = h('div', { class: 'left' }, view, h('div', { class: 'below' }, error, ask));
  return h('main', {}, left, h('aside', {}, parts.plane, model));
}

function key(kind: string, label: string): HTMLElement {
  return h('span', { class: `key ${kind}` }, h('i', {}), label);
}

function mark(): SVGElement {
  const spiral = 'M16 16c0-2 3-2 3 1s-5 5-8 1 1-11 7-10 9 8 6 14';
  return svg(
    'svg',
    { viewBox: '0 0 32 32', class: 'mark', 'aria-hidden': 'true' },
    svg('path', { d: spiral, class: 'mark-path' }),
    svg('circle', { cx: 24, cy: 22, r: 2.8, class: 'mark-dot' }),
  );
}
