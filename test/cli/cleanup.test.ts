import { describe, expect, it } from 'vitest';
import { cleaningUp, cleaningUpOnFailure } from '../../cli/cleanup.ts';

describe('cleanup', () => {
  it('closes what was opened, the newest first', async () => {
    const closed: string[] = [];
    await cleaningUp(async (cleanup) => {
      cleanup.add(() => void closed.push('log'));
      cleanup.add(async () => void closed.push('store'));
      expect(closed).toEqual([]);
    });
    expect(closed).toEqual(['store', 'log']);
  });

  it('closes the rest where one close fails, and tells that failure', async () => {
    const closed: string[] = [];
    const work = cleaningUp(async (cleanup) => {
      cleanup.add(() => void closed.push('log'));
      cleanup.add(() => Promise.reject(new Error('disk')));
    });
    await expect(work).rejects.toThrow('disk');
    expect(closed).toEqual(['log']);
  });

  it('tells the failure of the work, not of closing after it', async () => {
    const work = cleaningUp(async (cleanup) => {
      cleanup.add(() => Promise.reject(new Error('disk')));
      throw new Error('port taken');
    });
    await expect(work).rejects.toThrow('port taken');
  });

  it('leaves open what was opened whole, and closes what was opened in part', async () => {
    const closed: string[] = [];
    const open = (fails: boolean) =>
      cleaningUpOnFailure(async (cleanup) => {
        cleanup.add(() => void closed.push('store'));
        if (fails) throw new Error('port taken');
        return cleanup;
      });
    const whole = await open(false);
    expect(closed).toEqual([]);
    await expect(open(true)).rejects.toThrow('port taken');
    expect(closed).toEqual(['store']);
    await whole.run();
    await whole.run();
    expect(closed).toEqual(['store', 'store']);
  });
});
