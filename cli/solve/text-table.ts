/** Rows of text in aligned columns, for a terminal. */

/** The first row is the head. Columns of words stand to the left, columns of numbers to the right. */
export function textTable(rows: readonly (readonly string[])[]): string {
  const columns = rows[0].map((_, i) => {
    const cells = rows.map((row) => row[i]);
    return { width: Math.max(...cells.map((cell) => cell.length)), words: cells.slice(1).some(isWord) };
  });
  const cell = (text: string, i: number): string =>
    columns[i].words ? text.padEnd(columns[i].width) : text.padStart(columns[i].width);
  return rows.map((row) => row.map(cell).join('  ').trimEnd()).join('\n');
}

const isWord = (cell: string): boolean => cell !== '–' && Number.isNaN(Number(cell));

/** `0.00012346` or `1.2346e-9`, whichever is shorter to read; a dash for what is not known. */
export function shortNumber(value: number | undefined, digits = 5): string {
  if (value === undefined || !Number.isFinite(value)) return '–';
  const size = Math.abs(value);
  if (value === 0 || (size >= 1e-4 && size < 1e7)) return String(Number(value.toPrecision(digits)));
  return value.toExponential(Math.max(1, digits - 4));
}
