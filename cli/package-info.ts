/** Facts of the installed package: its version, and where its files are, from the sources as from `dist`. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The folder that holds `package.json`. */
export const PACKAGE_ROOT = findRoot(import.meta.dirname);

export const VERSION: string = JSON.parse(readFileSync(join(PACKAGE_ROOT, 'package.json'), 'utf8')).version;

export const DEMO_CONFIG = join(PACKAGE_ROOT, 'examples/demo.config.yaml');
export const WEATHER_CSV = join(PACKAGE_ROOT, 'examples/data/seattle-weather.csv');
export const DASHBOARD_DIR = join(PACKAGE_ROOT, 'dist/serve/dashboard');

function findRoot(directory: string): string {
  if (existsSync(join(directory, 'package.json'))) return directory;
  const parent = dirname(directory);
  if (parent === directory) throw new Error(`no package.json above ${import.meta.dirname}`);
  return findRoot(parent);
}
