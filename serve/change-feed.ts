/** Tells subscribers of a series that observations of it were stored. The consumer publishes after each stored batch. */
import type { ChangeSource } from './app-parts.ts';

export interface ChangeFeed extends ChangeSource {
  /** Names may repeat; each series is told once. */
  publish(stream: string, series: Iterable<string>): void;
}

export function createChangeFeed(): ChangeFeed {
  const listeners = new Map<string, Set<() => void>>();
  const key = (stream: string, series: string) => JSON.stringify([stream, series]);
  return {
    publish(stream, series) {
      if (listeners.size === 0) return;
      for (const name of new Set(series)) for (const listener of listeners.get(key(stream, name)) ?? []) listener();
    },
    subscribe(stream, series, listener) {
      const id = key(stream, series);
      const set = listeners.get(id) ?? new Set();
      listeners.set(id, set.add(listener));
      return () => {
        if (set.delete(listener) && set.size === 0 && listeners.get(id) === set) listeners.delete(id);
      };
    },
  };
}
