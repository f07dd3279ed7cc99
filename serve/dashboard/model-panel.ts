/** What answers: the model's version, alias and age, how its training went, and how it scored against the baselines. */
import type { EvaluationRecord } from '../../model/artifact-format.ts';
import type { ModelInfo } from './api.ts';
import { h, setAttributes } from './dom.ts';
import { formatCount, formatDuration, formatInstant, formatPercent, formatValue } from './format.ts';
import { sparkline } from './sparkline.ts';

export interface ModelPanel {
  readonly element: HTMLElement;
  update(models: readonly ModelInfo[], now: number): void;
}

export function createModelPanel(): ModelPanel {
  const body = h('div', {});
  const age = h('span', { class: 'quiet' });
  const element = h('section', { class: 'card', 'data-role': 'model' }, h('h2', {}, 'Model', age), body);
  let shown: string | undefined;
  return {
    element,
    update(models, now) {
      const model = models.find(({ aliases }) => aliases.includes('champion')) ?? models[0];
      age.textContent = model ? `made ${formatDuration(Math.max(now - model.createdAt, 0))} ago` : '';
      const key = model && `${model.version} ${model.aliases} ${models.length}`;
      if (key === shown && body.hasChildNodes()) return;
      shown = key;
      setAttributes(element, { 'data-version': model?.version, 'data-versions': models.length });
      body.replaceChildren(...(model ? describeModel(model, models) : [h('p', { class: 'quiet' }, 'No model yet.')]));
    },
  };
}

function describeModel(model: ModelInfo, models: readonly ModelInfo[]): Node[] {
  const { training, evaluation } = model;
  const trained = `${formatCount(training.steps)} steps · ${formatCount(training.windows)} windows · ${formatDuration(training.seconds * 1000)}`;
  return [
    h(
      'p',
      { class: 'version' },
      h('code', {}, model.version),
      ...model.aliases.map((a) => h('span', { class: 'tag' }, a)),
    ),
    h(
      'dl',
      {},
      ...term('events through', `${formatInstant(model.trainedThrough, 60_000)} UTC`),
      ...term('trained', trained),
      ...term('engine', `${training.engine}, ${training.gradient}`),
      ...term('versions kept', String(models.length)),
    ),
    h('h3', {}, 'Training loss'),
    lossCurve(model),
    h(
      'h3',
      {},
      'Held-out forecasts',
      h('span', { class: 'quiet' }, `${formatCount(evaluation.windows)} windows, lower is better`),
    ),
    scoreTable(evaluation),
    coverageLine(evaluation),
  ];
}

function term(name: string, value: string): HTMLElement[] {
  return [h('dt', {}, name), h('dd', {}, value)];
}

function lossCurve({ training }: ModelInfo): HTMLElement {
  const [first, last] = [training.lossCurve[0]?.[1], training.lossCurve.at(-1)?.[1]];
  const ends = first === undefined || last === undefined ? '' : ` from ${formatValue(first)} to ${formatValue(last)}`;
  const curve = sparkline({
    label: `Training loss${ends}`,
    points: training.lossCurve,
    className: 'curve-loss',
    formatX: (step) => `step ${formatCount(step)}`,
    formatY: formatValue,
  });
  curve.dataset.role = 'loss';
  return curve;
}

const COLUMNS = ['rmse', 'mae', 'crps'] as const;

type Row = Pick<EvaluationRecord['extrapolation'], (typeof COLUMNS)[number]>;

function scoreTable({ extrapolation, baselines }: EvaluationRecord): HTMLElement {
  const rows: [string, Row][] = [['this model', extrapolation], ...Object.entries(baselines)];
  const best = COLUMNS.map((column) => Math.min(...rows.map(([, row]) => row[column]).filter(Number.isFinite)));
  const head = h(
    'tr',
    {},
    h('th', { scope: 'col' }, ''),
    ...COLUMNS.map((c) => h('th', { scope: 'col' }, c.toUpperCase())),
  );
  const lines = rows.map(([name, row], i) =>
    h(
      'tr',
      { class: i === 0 && 'own' },
      h('th', { scope: 'row' }, name.replaceAll('-', ' ')),
      ...COLUMNS.map((c, j) => h('td', { class: row[c] === best[j] && 'best' }, formatScore(row[c]))),
    ),
  );
  return h('table', { 'data-role': 'scores' }, h('thead', {}, head), h('tbody', {}, ...lines));
}

function formatScore(value: number): string {
  return Number.isFinite(value) ? formatValue(value) : '–';
}

/** How often the truth of held-out windows lay inside the intervals. */
function coverageLine({ extrapolation }: EvaluationRecord): HTMLElement {
  const parts = Object.entries(extrapolation.coverage).map(
    ([level, share]) => `${formatPercent(Number(level))} → ${formatPercent(share)}`,
  );
  return h('p', { class: 'quiet' }, `Intervals cover: ${parts.join(', ')}`);
}
