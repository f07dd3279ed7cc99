/** What each room must know of a stream, taken from its configuration. */
import type { StreamSpec } from '../ingest/stream.ts';
import type { ServedStream } from '../serve/app-parts.ts';
import type { Config, StreamConfig } from './config.ts';

export const MODELS_TOPIC = 'odecast.models';

export function streamSpec(stream: StreamConfig): StreamSpec {
  const { name, channels, unknownChannels, acceptedTimes, maxEventBytes } = stream;
  const { maxAge, maxPerSeries } = stream.retention;
  const topic = stream.topic ?? `odecast.${name}.events`;
  return {
    name,
    topic,
    channels,
    unknownChannels,
    acceptedTimes,
    maxEventBytes,
    retention: { maxAgeMs: maxAge, maxPerSeries },
  };
}

export function servedStream(stream: StreamConfig, simulated: boolean): ServedStream {
  return { spec: streamSpec(stream), windowMs: stream.window, horizonMs: stream.horizon, simulated };
}

export function streamNamed(config: Config, name: string): StreamConfig | undefined {
  return config.streams.find((stream) => stream.name === name);
}
