/** The colours of canvases, read from the style sheet, where each has its one home for light and for dark. */

const NAMES = ['past', 'future', 'truth', 'points', 'ink', 'muted', 'line', 'surface', 'now'] as const;

export type Palette = Readonly<Record<(typeof NAMES)[number], string>>;

export function readPalette(): Palette {
  const style = getComputedStyle(document.documentElement);
  const entries = NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim()] as const);
  return Object.fromEntries(entries) as Palette;
}

export function onPaletteChange(listener: () => void): void {
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', listener);
}
