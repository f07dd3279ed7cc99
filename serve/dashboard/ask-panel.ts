/** Asks for one free timestamp: the forecast with its intervals as text, and the same question as a line for a shell. */
import type { ForecastAnswer } from './answers.ts';
import { type Api, ApiProblem, type ForecastBody } from './api.ts';
import { button, h, setAttributes } from './dom.ts';
import { formatInstant, formatOffset, formatValue } from './format.ts';
import { type Anchors, parseWhen } from './when.ts';

export interface AskPanelOptions {
  readonly api: Api;
  readonly origin: string;
  /** What is looked at now. */
  readonly subject: () => { readonly stream: string; readonly series: string; readonly anchors: Anchors } | undefined;
  readonly onAsked: (time: number | undefined) => void;
}

export interface AskPanel {
  readonly element: HTMLElement;
  /** Another series was chosen: forget the answer and offer a question that makes sense for it. */
  reset(live: boolean, horizonMs: number): void;
}

const QUANTILES = [0.025, 0.1, 0.5, 0.9, 0.975];

export function createAskPanel(options: AskPanelOptions): AskPanel {
  const input = h('input', {
    type: 'text',
    class: 'field',
    'aria-label': 'Timestamp',
    spellcheck: 'false',
    autocomplete: 'off',
  });
  const answer = h('div', { class: 'answer', 'aria-live': 'polite', 'data-role': 'answer' });
  const form = h('form', { class: 'ask' }, input, h('button', { type: 'submit', class: 'primary' }, 'Ask'));
  const hint = h('p', { class: 'quiet' }, 'now + 20 s · last + 3 d · 2026-11-22T08:00Z · epoch ms');
  const element = h(
    'section',
    { class: 'card', 'data-role': 'ask' },
    h('h2', {}, 'Ask for any timestamp'),
    form,
    hint,
    answer,
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    ask(options, input.value).then((nodes) => answer.replaceChildren(...nodes));
  });
  return {
    element,
    reset(live, horizonMs) {
      input.value = example(live, horizonMs);
      answer.replaceChildren();
    },
  };
}

function example(live: boolean, horizonMs: number): string {
  const half = horizonMs / 2;
  const days = Math.round(half / 86_400_000);
  const amount = days >= 1 ? `${days} d` : `${Math.max(1, Math.round(half / 1000))} s`;
  return `${live ? 'now' : 'last'} + ${amount}`;
}

async function ask({ api, origin, subject, onAsked }: AskPanelOptions, text: string): Promise<Node[]> {
  const asked = subject();
  if (!asked) return [complaint('Nothing to ask about yet', 'Choose a series first.')];
  const when = parseWhen(text, asked.anchors);
  if (!when.ok) return [complaint('That is no time', when.detail)];
  onAsked(when.time);
  const { stream, series, anchors } = asked;
  const body: ForecastBody = {
    stream,
    series,
    times: [when.literal ? when.time : new Date(when.time).toISOString()],
    quantiles: QUANTILES,
  };
  try {
    return [...describe(await api.forecast(body), anchors), curlLine(origin, body)];
  } catch (cause) {
    if (!(cause instanceof ApiProblem)) throw cause;
    return [complaint(cause.title, cause.detail), curlLine(origin, body)];
  }
}

function describe(forecast: ForecastAnswer, anchors: Anchors): Node[] {
  const [time, kind] = [forecast.times[0], forecast.kind[0]];
  const offset =
    Math.abs(time - anchors.now) < 7 * 86_400_000
      ? formatOffset(time - anchors.now, 'now')
      : formatOffset(time - forecast.lastEventTime, 'last event');
  const head = h('p', { class: 'quiet' }, `${formatInstant(time, 1000)} UTC · ${offset} · ${kind}`);
  const rows = Object.entries(forecast.channels).map(([name, { mean, quantiles }]) =>
    h(
      'tr',
      {},
      h('th', { scope: 'row' }, name),
      h('td', { class: 'best' }, formatValue(mean[0])),
      h('td', {}, interval(quantiles, 0.1, 0.9)),
      h('td', {}, interval(quantiles, 0.025, 0.975)),
    ),
  );
  const heads = ['', 'mean', '80 %', '95 %'].map((name) => h('th', { scope: 'col' }, name));
  return [head, h('table', {}, h('thead', {}, h('tr', {}, ...heads)), h('tbody', {}, ...rows))];
}

function interval(quantiles: Readonly<Record<string, readonly number[]>>, low: number, high: number): string {
  return `${formatValue(quantiles[low][0])} … ${formatValue(quantiles[high][0])}`;
}

function complaint(title: string, detail: string): HTMLElement {
  return h('p', { class: 'problem', role: 'alert' }, h('strong', {}, title), ` ${detail}`);
}

/** The question as it can be asked from a terminal. */
function curlLine(origin: string, body: ForecastBody): HTMLElement {
  const json = JSON.stringify(body).replaceAll("'", "'\\''");
  const line = `curl -s ${origin}/v1/forecast -H 'content-type: application/json' -d '${json}'`;
  const code = h('code', { 'data-role': 'curl' }, line);
  const copy = button('Copy', { class: 'small' }, () => copyText(line, code, copy));
  setAttributes(copy, { 'aria-label': 'Copy the curl line' });
  return h('div', { class: 'curl' }, code, copy);
}

/** Where the clipboard is not to be had (plain HTTP on another host), the line is selected instead. */
function copyText(line: string, code: HTMLElement, copy: HTMLElement): void {
  const select = () => getSelection()?.selectAllChildren(code);
  const done = () => {
    copy.textContent = 'Copied';
    setTimeout(() => {
      copy.textContent = 'Copy';
    }, 1500);
  };
  if (navigator.clipboard) navigator.clipboard.writeText(line).then(done, select);
  else select();
}
