/** What answers: the model's version, alias and age, how its training went, and how it scored against the baselines. */
import type { ModelInfo, TrainingProgress } from './answers.ts';
import { h, setAttributes, setText } from './dom.ts';
import { formatCount, formatDuration, formatInstant, formatPercent, formatValue } from './format.ts';
import { sparkline } from './sparkline.ts';

export interface ModelPanel {
  readonly element: HTMLElement;
  update(models: readonly ModelInfo[], training: TrainingProgress | undefined, now: number): void;
}

export function createModelPanel(): ModelPanel {
  const body = h('div', {}, h('p', { class: 'quiet' }, 'No model yet.'));
  const progress = h('p', { class: 'quiet', 'data-role': 'training' });
  const age = h('span', { class: 'quiet' });
  const element = h('section', { class: 'card', 'data-role': 'model' }, h('h2', {}, 'Model', age), body, progress);
  let shown = '';
  return {
    element,
    update(models, training, now) {
      const model = models.find(({ aliases }) => aliases.includes('champion')) ?? models[0];
      setText(age, model ? `made ${formatDuration(Math.max(now - model.createdAt, 0))} ago` : '');
      setText(progress, training ? progressText(training) : '');
      const key = [model?.version, model?.aliases, models.length, model ? 0 : training?.steps].join();
      if (key === shown) return;
      shown = key;
      setAttributes(element, { 'data-version': model?.version, 'data-versions': models.length });
      body.replaceChildren(...(model ? describeModel(model, models) : describeFirst(training)));
    },
  };
}

function progressText({ state, steps, remainingMs }: TrainingProgress): string {
  if (state !== 'training') return state === 'waiting' ? 'Waiting for enough events to learn from.' : '';
  const next = remainingMs === undefined ? '' : `; next version in ${formatDuration(Math.max(remainingMs, 1000))}`;
  return `Training goes on: step ${formatCount(steps)}${next}.`;
}

/** Before the first version there is only its training to see. */
function describeFirst(training: TrainingProgress | undefined): Node[] {
  const nothing = h('p', { class: 'quiet' }, 'No model yet.');
  return training ? [nothing, h('h3', {}, 'Training loss'), lossCurve(training.lossCurve)] : [nothing];
}

function describeModel(model: ModelInfo, models: readonly ModelInfo[]): Node[] {
  const { training, evaluation } = model;
  const effort = `${formatCount(training.steps)} steps in ${formatDuration(training.seconds * 1000)}`;
  const windows = `${formatCount(evaluation.windows)} windows, lower is better`;
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
      ...term('training', effort),
      ...term('engine', `${training.engine}, ${training.gradient}`),
      ...term('versions', String(models.length)),
    ),
    h('h3', {}, 'Training loss'),
    lossCurve(training.lossCurve),
    h('h3', {}, 'Held-out forecasts', h('span', { class: 'quiet' }, windows)),
    scoreTable(evaluation),
    coverageLine(evaluation),
  ];
}

function term(name: string, value: string): HTMLElement[] {
  return [h('dt', {}, name), h('dd', {}, value)];
}

function lossCurve(points: TrainingProgress['lossCurve']): HTMLElement {
  const [first, last] = [points[0]?.[1], points.at(-1)?.[1]];
  const ends = first === undefined || last === undefined ? '' : ` from ${formatValue(first)} to ${formatValue(last)}`;
  const curve = sparkline({
    label: `Training loss${ends}`,
    points,
    className: 'curve-loss',
    formatX: (step) => `step ${formatCount(step)}`,
    formatY: formatValue,
  });
  curve.dataset.role = 'loss';
  return curve;
}

const COLUMNS = ['rmse', 'mae', 'crps'] as const;

type Evaluation = ModelInfo['evaluation'];
type Row = Pick<Evaluation['extrapolation'], (typeof COLUMNS)[number]>;

function scoreTable({ extrapolation, baselines }: Evaluation): HTMLElement {
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
      h('th', { scope: 'row' }, baselineName(name)),
      ...COLUMNS.map((c, j) => h('td', { class: row[c] === best[j] && 'best' }, formatScore(row[c]))),
    ),
  );
  return h('table', { 'data-role': 'scores' }, h('thead', {}, head), h('tbody', {}, ...lines));
}

/** A baseline's name may hold its period in ms. */
function baselineName(name: string): string {
  return name.replaceAll('-', ' ').replace(/(\d+) ?ms\b/, (_, ms: string) => formatDuration(Number(ms)));
}

function formatScore(value: number): string {
  return Number.isFinite(value) ? formatValue(value) : '–';
}

/** How often the truth of held-out windows lay inside the intervals. */
function coverageLine({ extrapolation }: Evaluation): HTMLElement {
  const parts = Object.entries(extrapolation.coverage).map(
    ([level, share]) => `${formatPercent(Number(level))} → ${formatPercent(share)}`,
  );
  return h('p', { class: 'quiet' }, `Intervals cover: ${parts.join(', ')}`);
}
