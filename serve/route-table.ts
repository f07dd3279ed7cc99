/** Every route of the app, in the order of the document. To add one: a file under `routes/`, a line here. */
import type { AppParts } from './app-parts.ts';
import type { LiveStreams } from './live-streams.ts';
import type { Route } from './route.ts';
import { documentRoutes } from './routes/document.ts';
import { eventsRoute } from './routes/events.ts';
import { forecastRoute } from './routes/forecast.ts';
import { healthRoute, metricsRoute, readyRoute } from './routes/health.ts';
import { liveForecastsRoute } from './routes/live-forecasts.ts';
import { modelsRoute, promoteRoute, rollbackRoute } from './routes/models.ts';
import { observationsRoute } from './routes/observations.ts';
import { seriesListRoute, seriesRoute } from './routes/series.ts';
import { streamRoute, streamsRoute } from './routes/streams.ts';
import { truthRoute } from './routes/truth.ts';

export function routes(parts: AppParts, live: LiveStreams): readonly Route[] {
  const table = [
    forecastRoute(parts),
    streamsRoute(parts),
    streamRoute(parts),
    seriesListRoute(parts),
    seriesRoute(parts),
    observationsRoute(parts),
    eventsRoute(parts),
    liveForecastsRoute(parts, live),
    ...(parts.truth === undefined ? [] : [truthRoute(parts, parts.truth)]),
    modelsRoute(parts),
    promoteRoute(parts),
    rollbackRoute(parts),
    healthRoute(),
    readyRoute(parts),
    metricsRoute(parts),
  ];
  return [...table, ...documentRoutes(parts, table)];
}
