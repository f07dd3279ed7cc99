/**
 * A Vega-Lite specification as a file: SVG without a browser, PNG from it. The libraries load only when a picture is asked
 * for: they are large. What is in a picture is its owner's business.
 */
import { writeFileSync } from 'node:fs';
import { extname } from 'node:path';
import type { TopLevelSpec } from 'vega-lite';
import { CliError, systemCode } from './errors.ts';

/**
 * Writes the picture; the ending of the name chooses the format.
 *
 * @throws CliError `bad-option` for another ending, and for a place that cannot be written to
 */
export async function writePicture(path: string, spec: TopLevelSpec): Promise<void> {
  const format = pictureFormat(path);
  const svg = await renderSvg(spec);
  const picture = format === 'svg' ? svg : await renderPng(svg);
  try {
    writeFileSync(path, picture);
  } catch (error) {
    throw new CliError('bad-option', `The plot cannot be written to ${path} (${systemCode(error) ?? error}).`);
  }
}

/** For a check before the work that the picture is to show. @throws CliError `bad-option` */
export function pictureFormat(path: string): 'svg' | 'png' {
  const format = extname(path).toLowerCase();
  if (format === '.svg') return 'svg';
  if (format === '.png') return 'png';
  throw new CliError('bad-option', `A plot is .svg or .png, not "${path}".`);
}

async function renderSvg(spec: TopLevelSpec): Promise<string> {
  const [vega, { compile }] = await Promise.all([import('vega'), import('vega-lite')]);
  const view = new vega.View(vega.parse(compile(spec).spec), { renderer: 'none' });
  return compact(await view.toSVG());
}

/** Coordinates to a hundredth of a pixel: the rest of their digits is half of a picture's size. */
function compact(svg: string): string {
  return svg.replace(/ (d|transform)="[^"]*"/g, (attribute) => attribute.replace(/(\.\d\d)\d+/g, '$1'));
}

async function renderPng(svg: string): Promise<Uint8Array> {
  const { Resvg } = await import('@resvg/resvg-js');
  return new Resvg(svg, { background: 'white', fitTo: { mode: 'zoom', value: 2 } }).render().asPng();
}

/** The look that all pictures share. */
export const PICTURE_STYLE = {
  view: { stroke: '#ddd' },
  axis: { gridColor: '#eee' },
  font: 'sans-serif',
  background: 'white',
} as const;
