import { describe, expect, it } from 'vitest';
import { runTrainLoop, type TrainedStream } from '../../../cli/roles/train-loop.ts';
import type { TrainingReport } from '../../../cli/training-report.ts';
import type { Artifact } from '../../../model/artifact-format.ts';
import type { GateDecision } from '../../../model/train/gate.ts';
import type { RoundProgress } from '../../../model/train/trainer.ts';
import { toyArtifact } from '../../model/toy-artifact.ts';

interface Script {
  /** What each round answers; the last one is repeated. */
  readonly rounds: readonly Partial<RoundProgress>[];
  readonly decision?: GateDecision;
  readonly news?: () => boolean;
}

const PUBLISH: GateDecision = { publish: true, reasons: ['better'] };

/** A loop over scripted trainers on a clock that advances by the budget of each round, stopped after `limit` rounds. */
function loop(scripts: Record<string, Script>, limit: number) {
  const controller = new AbortController();
  const events: string[] = [];
  const champions = new Map<string, Artifact>();
  let now = 0;
  let rounds = 0;
  const streams = Object.entries(scripts).map(([name, script]): TrainedStream => {
    let played = 0;
    return {
      name,
      firstRoundMs: 10,
      roundMs: 100,
      restMs: 1000,
      observations: () => 7,
      onRound: (budgetMs) => events.push(`${name} round ${budgetMs}`),
      save: () => events.push(`${name} saved`),
      trainer: {
        spec: toyArtifact().header.spec,
        round: async ({ budgetMs = 0 }) => {
          now += budgetMs;
          if (++rounds >= limit) controller.abort();
          const progress = script.rounds[Math.min(played++, script.rounds.length - 1)];
          return {
            status: 'trained',
            roundSteps: 5,
            steps: 5,
            progress: 0.5,
            skipped: 0,
            loss: 1,
            windowsPerSecond: 1,
            ...progress,
          };
        },
        hasNews: script.news ?? (() => true),
        artifact: async () => toyArtifact(),
        propose: async () => ({ artifact: toyArtifact(), decision: script.decision ?? PUBLISH }),
        checkpoint: () => new Uint8Array(),
        close: () => undefined,
      },
    };
  });
  const parts = {
    streams,
    registry: {
      alias: (stream: string) => champions.get(stream),
      publish: async (artifact: Artifact) =>
        void champions.set([...Object.keys(scripts)].find((name) => !champions.has(name)) ?? '', artifact),
    },
    report: (report: TrainingReport) =>
      events.push('stream' in report ? `${report.stream} ${report.kind}` : report.kind),
    signal: controller.signal,
    monotonic: () => {
      now += 300;
      return now;
    },
  };
  return { run: () => runTrainLoop(parts), events, stop: () => controller.abort() };
}

describe('runTrainLoop', () => {
  it('gives the streams turns: a short first round until a model is published, saved before it is evaluated', async () => {
    const { run, events } = loop({ a: { rounds: [{}] }, b: { rounds: [{}] } }, 3);
    await run();
    expect(events).toEqual([
      ...['a round 10', 'a saved', 'a evaluating', 'a published'],
      ...['b round 10', 'b saved', 'b evaluating', 'b published'],
      ...['a round 100', 'a saved', 'a evaluating'],
    ]);
  });

  it('says why a model was not published, and goes on with short rounds while there is none', async () => {
    const { run, events } = loop({ a: { rounds: [{}], decision: { publish: false, reasons: ['worse'] } } }, 2);
    await run();
    expect(events.slice(0, 5)).toEqual(['a round 10', 'a saved', 'a evaluating', 'a rejected', 'a round 10']);
  });

  it('waits for observations without saving or evaluating anything', async () => {
    const { run, events } = loop({ a: { rounds: [{ status: 'waiting', roundSteps: 0 }, {}] } }, 2);
    await run();
    expect(events.slice(0, 3)).toEqual(['a round 10', 'a waiting', 'a round 10']);
  });

  it('keeps the weights of a round that diverged, and proposes nothing of it', async () => {
    const { run, events } = loop({ a: { rounds: [{ status: 'diverged' }, {}] } }, 2);
    await run();
    expect(events.slice(0, 4)).toEqual(['a round 10', 'a saved', 'a rejected', 'a round 10']);
  });

  it('rests once the schedule is over, and then trains on news only', async () => {
    let looked = 0;
    const news = () => ++looked > 2;
    const { run, events } = loop({ a: { rounds: [{ progress: 1 }], news } }, 2);
    await run();
    expect(events.filter((event) => event !== 'a idle')).toEqual([
      'a round 10',
      'a saved',
      'a evaluating',
      'a published',
      'a round 100',
      'a saved',
      'a evaluating',
    ]);
    expect(looked).toBe(3);
  });

  it('stops between two rounds', async () => {
    const { run, events, stop } = loop({ a: { rounds: [{}] } }, 9);
    stop();
    await run();
    expect(events).toEqual([]);
  });
});
