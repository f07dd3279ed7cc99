import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openDataFolder } from '../../cli/data-folder.ts';

const temporary = () => mkdtempSync(join(tmpdir(), 'odecast-data-'));

describe('openDataFolder', () => {
  it('makes the folder and lets it go again', () => {
    const path = join(temporary(), 'deep', 'er');
    openDataFolder(path).release();
    openDataFolder(path).release();
  });

  it('refuses a folder that a living process holds, and names the process', () => {
    const path = temporary();
    writeFileSync(join(path, 'process.pid'), `${process.ppid}`);
    expect(() => openDataFolder(path)).toThrow(`in use by process ${process.ppid}`);
  });

  it('takes over what a dead process held', () => {
    const path = temporary();
    const dead = spawnSync(process.execPath, ['-e', '']).pid;
    writeFileSync(join(path, 'process.pid'), `${dead}`);
    const folder = openDataFolder(path);
    expect(readFileSync(join(path, 'process.pid'), 'utf8').split(' ')[0]).toBe(`${process.pid}`);
    folder.release();
  });

  it.runIf(existsSync('/proc/self/stat'))('takes over from a dead process whose id another has got since', () => {
    const path = temporary();
    writeFileSync(join(path, 'process.pid'), `${process.ppid} 12`);
    openDataFolder(path).release();
  });

  it('holds against itself: one process, one folder, one hold', () => {
    const path = temporary();
    const folder = openDataFolder(path);
    expect(() => openDataFolder(path)).toThrow(`in use by process ${process.pid}`);
    folder.release();
  });

  it('takes over a hold that holds no number', () => {
    const path = temporary();
    writeFileSync(join(path, 'process.pid'), 'x');
    openDataFolder(path).release();
  });

  it('does not hang on a file system that refuses with ENOENT', () => {
    expect(() => openDataFolder('/proc/odecast')).toThrow(/cannot be written/);
  });

  it('says what to do where nothing can be written', () => {
    const file = join(temporary(), 'file');
    writeFileSync(file, '');
    chmodSync(file, 0o444);
    expect(() => openDataFolder(join(file, 'data'))).toThrow(/cannot be written.*ODECAST_DATA/);
  });
});
