import { describe, expect, it } from 'vitest';
import { bar, createTerminal, duration } from '../../cli/terminal.ts';

function recorded(columns?: number) {
  let text = '';
  let time = 0;
  const terminal = createTerminal({
    write: (part) => {
      text += part;
    },
    columns: columns ? () => columns : undefined,
    now: () => time,
  });
  return {
    terminal,
    text: () => text,
    wait: (ms: number) => {
      time += ms;
    },
  };
}

const ESCAPE = '\x1b';

/** What a screen shows after the control codes that the terminal uses (cursor up n, clear to the end). */
function screen(text: string): string[] {
  const lines = [''];
  for (const part of text.replaceAll(ESCAPE, '^').split(/(\^\[\d+A|\^\[0J|\n)/)) {
    const up = /^\^\[(\d+)A$/.exec(part);
    if (up) lines.splice(lines.length - 1 - Number(up[1]), Number(up[1]) + 1, '');
    else if (part === '\n') lines.push('');
    else if (part !== '^[0J') lines[lines.length - 1] += part;
  }
  return lines.slice(0, -1);
}

describe('createTerminal', () => {
  it('keeps live lines below the lines that stay', () => {
    const { terminal, text } = recorded(40);
    terminal.update('a', 'a 1');
    terminal.update('b', 'b 1');
    terminal.line('stays');
    terminal.update('a', 'a 2');
    expect(screen(text())).toEqual(['stays', 'a 2', 'b 1']);
    terminal.done('a', 'a done');
    expect(screen(text())).toEqual(['stays', 'a done', 'b 1']);
  });

  it('cuts live lines at the width, so that they never wrap', () => {
    const { terminal, text } = recorded(10);
    terminal.update('a', 'x'.repeat(50));
    expect(screen(text())).toEqual(['x'.repeat(9)]);
  });

  it('writes plain lines, seldom, where the output is no terminal', () => {
    const { terminal, text, wait } = recorded();
    terminal.update('a', '1');
    terminal.update('a', '2');
    wait(3000);
    terminal.update('a', '3');
    terminal.done('a', 'end');
    expect(text()).toBe('1\n3\nend\n');
  });
});

describe('formats', () => {
  it('draws bars and durations', () => {
    expect(bar(0.5, 4)).toBe('██░░');
    expect(bar(7, 2)).toBe('██');
    expect([duration(12), duration(61_000), duration(180_000)]).toEqual(['12 ms', '61 s', '3 min']);
  });
});
